/** How one schedule looks in the list. */
import { html } from "../../lib/dom.js";
import { link } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { IconButton } from "../../parts/button.js";
import { Icon } from "../../parts/icon.js";
import { Menu } from "../../parts/menu.js";
import { When } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";
import { removeSchedule, runNow, turnSchedule } from "./changing.js";
import { editSchedule } from "./form.js";
import { Moments, useMoments } from "./moments.js";
import { inWords } from "./words.js";

/** @returns {import("../../parts/table.js").Column[]} */
export function scheduleColumns() {
  return [
    { key: "name", title: t("schedules.column.schedule"), class: "grow", cell: (schedule) => html`<${Named} schedule=${schedule} />` },
    { key: "task", title: t("schedules.column.task"), class: "tight wide", cell: ({ task, queue }) => html`<a class="plainly task-name clip" title=${task} href=${jobsLink({ task })}>${task}</a><a class="tag" href=${jobsLink({ queue })}>${queue}</a>` },
    { key: "next", title: t("schedules.column.next"), class: "desk", cell: (schedule) => html`<${Next} schedule=${schedule} />` },
    { key: "last", title: t("schedules.column.last"), class: "number desk", cell: (schedule) => html`<${Last} schedule=${schedule} />` },
    { key: "actions", title: "", label: t("queues.column.actions"), class: "tight", cell: (schedule) => html`<${Actions} schedule=${schedule} />` },
  ];
}

function Named({ schedule }) {
  const { name, paused, rule, kind, task, next_at: next } = schedule;
  const said = inWords(schedule);
  return html`<p class="row"><a class="named break" href=${link("schedules", { name })} onClick=${(event) => opened(event, schedule)}>${name}</a>
      ${paused && html`<span class="badge warn"><${Icon} name="hold" />${t("overview.paused")}</span>`}</p>
    <p class="break">${kind === "cron" && said.startsWith(rule) ? html`<code>${rule}</code>${said.slice(rule.length)}` : said}${kind === "cron" && !said.startsWith(rule) && html` <code class="faint">${rule}</code>`}</p>
    <p class="only-phone faint break"><span>${task}${!paused && next !== null && html` · <${When} at=${next} />`}</span></p>`;
}

/** Whoever may change it gets it by its name. */
function opened(event, schedule) {
  event.preventDefault();
  if (may("operate")) editSchedule(schedule);
}

function Next({ schedule }) {
  const moments = useMoments(schedule);
  if (schedule.paused) return html`<span class="faint">–</span>`;
  if (schedule.next_at === null) return html`<span class="faint">${t("schedules.never")}</span>`;
  return html`<div class="next"><p><${When} at=${schedule.next_at} /></p><${Moments} moments=${moments} /></div>`;
}

function Last({ schedule: { last_at: at, last_job: job } }) {
  if (!job) return html`<${When} at=${at} none=${t("schedules.not_yet")} />`;
  return html`<a href=${link("jobs", {}, job)}><${When} at=${at} /></a>`;
}

function Actions({ schedule }) {
  if (!may("operate")) return null;
  const { name, paused } = schedule;
  const items = [
    { text: t(paused ? "schedules.resume" : "schedules.pause"), icon: paused ? "release" : "hold", run: () => turnSchedule(schedule) },
    { text: t("schedules.edit"), icon: "edit", run: () => editSchedule(schedule) },
    { text: t("schedules.remove"), icon: "delete", danger: true, run: () => removeSchedule(schedule) },
  ];
  return html`<div class="actions">
    <${IconButton} icon="release" label=${t("schedules.run.of", { name })} onClick=${() => runNow(schedule)} />
    <${Menu} kind="quiet" icon="more" name=${t("schedules.more", { name })} items=${items} />
  </div>`;
}
