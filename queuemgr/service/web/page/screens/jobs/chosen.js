/** What can be done with the chosen jobs, at the foot of the list. */
import { html, useEffect, useState } from "../../lib/dom.js";
import { changeJobs, prioritiseJobs } from "../../lib/changes.js";
import { useKeys } from "../../lib/keys.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { AFFECTED, STATES, verbsFor, VERBS, WAITING } from "../../lib/states.js";
import { Button } from "../../parts/button.js";
import { PriorityField } from "../../parts/priority.js";
import { isExact, valueOf } from "./search.js";

const KEYS = { retry: "r", cancel: "c", hold: "h", release: "l", delete: "d" };

/**
 * @param {{text: string, rows: any[], more: boolean, selection: import("../../parts/table.js").Selection,
 *   all: import("../../vendor/signals.js").Signal<boolean>}} props `all` is whether every job that fits the search is meant
 */
export function Chosen({ text, rows, more, selection, all }) {
  const ids = [...selection.ids.value];
  const exact = isExact(text);
  const states = all.value ? statesOf(text) : rows.filter((job) => selection.ids.value.has(job.id)).map((job) => job.state);
  const [editing, setEditing] = useState(false);
  const whole = rows.length > 0 && rows.every((job) => selection.ids.value.has(job.id));
  const change = async (verb) => {
    const chosen = ids.length ? ids : idAtFocus();
    if (!chosen.length || !may("operate")) return;
    const done = await changeJobs(verb, all.value ? { query: { states: AFFECTED[verb] }, search: text } : { ids: chosen });
    if (done) leave();
  };
  const prioritise = async (priority) => {
    const done = await prioritiseJobs(priority, all.value ? { query: { states: WAITING }, search: text } : { ids });
    if (done) leave();
    return done;
  };
  const widen = () => {
    // As it is now: whoever presses the key twice does not wait for the page to be drawn.
    const now = selection.ids.peek();
    if (!rows.every((job) => now.has(job.id))) selection.set(rows.map((job) => job.id));
    else if (more && exact) all.value = true;
  };
  const leave = () => {
    all.value = false;
    selection.clear();
  };
  useEffect(() => {
    if (!ids.length) setEditing(false);
  }, [ids.length]);
  const waits = may("operate") && states.some((state) => WAITING.includes(state));
  useKeys(
    [
      { keys: "a", text: "keys.all", group: "jobs", run: widen },
      ...VERBS.map((verb) => ({ keys: KEYS[verb], text: `change.${verb}`, group: "jobs", run: () => change(verb) })),
      { keys: "p", text: "change.prioritise", group: "jobs", run: () => waits && setEditing(true) },
    ],
    [ids.join(), all.value, text, rows.map((job) => `${job.id} ${job.state}`).join(), more],
  );
  if (!ids.length) return null;
  return html`<div class="chosen-bar" role="region" aria-label=${t("jobs.chosen.region")}>
    <b>${all.value ? t("jobs.chosen.all") : t("jobs.chosen", { count: ids.length })}</b>
    ${whole && more && !all.value && html`<button type="button" class="textual" disabled=${!exact} title=${exact ? undefined : t("jobs.chosen.cannot")}
      onClick=${() => (all.value = true)}>${t("jobs.chosen.take_all")}</button>`}
    <div class="row">
      ${may("operate") && verbsFor(states).map((verb) => html`<${Button} key=${verb} icon=${verb} keys=${KEYS[verb]} kind=${verb === "delete" ? "quiet" : "plain"}
        onClick=${() => change(verb)}>${t(`change.${verb}`)}<//>`)}
      ${waits && html`<${Priority} keep=${prioritise} editing=${editing} edit=${setEditing} />`}
      <${Button} kind="quiet" icon="close" onClick=${leave}>${t("jobs.chosen.clear")}<//>
    </div>
  </div>`;
}

function Priority({ keep, editing, edit }) {
  if (editing) return html`<${PriorityField} label=${t("jobs.priority.of")} keep=${keep} close=${() => edit(false)} />`;
  return html`<${Button} icon="edit" keys="p" onClick=${() => edit(true)}>${t("change.prioritise")}<//>`;
}

function statesOf(text) {
  const asked = valueOf(text, "state");
  return asked ? asked.split(",") : STATES;
}

function idAtFocus() {
  const id = document.querySelector("tr:focus-within")?.dataset.id;
  return id ? [id] : [];
}
