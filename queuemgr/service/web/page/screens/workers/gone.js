/** Workers that have not been heard of: their jobs are given to others. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { Table } from "../../parts/table.js";
import { When } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";
import { hostOf, nameOf, WorkerState } from "./state.js";

/** @param {{workers: any[]}} props */
export function Gone({ workers }) {
  const columns = [
    { key: "state", title: t("jobs.column.state"), class: "tight", cell: (worker) => html`<${WorkerState} worker=${worker} />` },
    { key: "name", title: t("workers.column.worker"), class: "grow", cell: (worker) => html`<a class="mono break plainly" href=${jobsLink({ worker: worker.id })}>${nameOf(worker)}</a>` },
    { key: "host", title: t("workers.place"), class: "desk break", cell: (worker) => t("workers.process", { host: hostOf(worker), pid: String(worker.pid) }) },
    { key: "beat", title: t("workers.beat"), class: "number", cell: (worker) => html`<${When} at=${worker.beat_at} />` },
  ];
  return html`<${Table} caption=${t("workers.gone")} columns=${columns} rows=${workers} />`;
}
