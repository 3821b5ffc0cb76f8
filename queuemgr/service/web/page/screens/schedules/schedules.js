/** What is enqueued again and again: when each schedule fires next in the viewer's own time, and what it did last. */
import { html } from "../../lib/dom.js";
import { useLive } from "../../lib/live.js";
import { useKeys } from "../../lib/keys.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Reason } from "../../parts/allowed.js";
import { Button } from "../../parts/button.js";
import { Empty, Head, Loaded } from "../../parts/frame.js";
import { Table } from "../../parts/table.js";
import { scheduleColumns } from "./columns.js";
import { addSchedule, editSchedule } from "./form.js";
import { runNow, turnSchedule } from "./changing.js";

const COMMAND = 'queuemgr schedules add NAME "every 10m" TASK';

export function Schedules() {
  const live = useLive("schedules.list");
  const schedules = live.data?.schedules ?? [];
  useScheduleKeys(schedules);
  const add = may("operate") && html`<${Button} kind="primary" icon="plus" keys="n" onClick=${addSchedule}>${t("schedules.add")}<//>`;
  return html`<${Head} title=${t("nav.schedules")} actions=${schedules.length > 0 && add} note=${html`<${Reason} />`} />
    <${Loaded} of=${live}>${() => schedules.length
      ? html`<div class="panel free"><${Table} caption=${t("nav.schedules")} columns=${scheduleColumns()} rows=${schedules} idOf=${(one) => one.name} /></div>`
      : html`<div class="panel"><${Empty} icon="schedules" title=${t("schedules.none")} text=${t("schedules.none.text")} command=${COMMAND} actions=${add} /></div>`}<//>`;
}

function useScheduleKeys(schedules) {
  const atFocus = (change) => () => {
    const name = document.querySelector("tr:focus-within")?.dataset.id;
    const schedule = schedules.find((one) => one.name === name);
    if (schedule && may("operate")) change(schedule);
  };
  useKeys(
    [
      { keys: "n", text: "schedules.add", group: "schedules", run: () => may("operate") && addSchedule() },
      { keys: "r", text: "schedules.run", group: "schedules", run: atFocus(runNow) },
      { keys: "p", text: "schedules.key.pause", group: "schedules", run: atFocus(turnSchedule) },
      { keys: "e", text: "schedules.edit", group: "schedules", run: atFocus(editSchedule) },
    ],
    [JSON.stringify(schedules.map(({ name, rule, zone, missed, paused }) => [name, rule, zone, missed, paused]))],
  );
}
