/** What can be done with the chosen jobs, at the foot of the list. */
import { html } from "../../lib/dom.js";
import { changeJobs } from "../../lib/changes.js";
import { useKeys } from "../../lib/keys.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { AFFECTED, STATES, verbsFor, VERBS } from "../../lib/states.js";
import { Button } from "../../parts/button.js";
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
  const change = async (verb) => {
    const chosen = ids.length ? ids : idAtFocus();
    if (!chosen.length || !may("operate")) return;
    const done = await changeJobs(verb, all.value ? { query: { states: AFFECTED[verb] }, search: text } : { ids: chosen });
    if (done) leave();
  };
  const leave = () => {
    all.value = false;
    selection.clear();
  };
  useKeys(
    VERBS.map((verb) => ({ keys: KEYS[verb], text: `change.${verb}`, group: "jobs", run: () => change(verb) })),
    [ids.join(), all.value, text],
  );
  if (!ids.length) return null;
  const whole = rows.length > 0 && rows.every((job) => selection.ids.value.has(job.id));
  return html`<div class="chosen-bar" role="region" aria-label=${t("jobs.chosen.region")}>
    <b>${all.value ? t("jobs.chosen.all") : t("jobs.chosen", { count: ids.length })}</b>
    ${whole && more && !all.value && html`<button type="button" class="textual" disabled=${!exact} title=${exact ? undefined : t("jobs.chosen.cannot")}
      onClick=${() => (all.value = true)}>${t("jobs.chosen.take_all")}</button>`}
    <div class="row">
      ${may("operate") && verbsFor(states).map((verb) => html`<${Button} key=${verb} icon=${verb} keys=${KEYS[verb]} kind=${verb === "delete" ? "quiet" : "plain"}
        onClick=${() => change(verb)}>${t(`change.${verb}`)}<//>`)}
      <${Button} kind="quiet" icon="close" onClick=${leave}>${t("jobs.chosen.clear")}<//>
    </div>
  </div>`;
}

function statesOf(text) {
  const asked = valueOf(text, "state");
  return asked ? asked.split(",") : STATES;
}

function idAtFocus() {
  const id = document.querySelector("tr:focus-within")?.dataset.id;
  return id ? [id] : [];
}
