/** The workers: how busy each is, what it runs, and how to let it rest or leave. */
import { html } from "../../lib/dom.js";
import { useLive } from "../../lib/live.js";
import { t } from "../../lib/i18n.js";
import { Reason } from "../../parts/allowed.js";
import { Empty, Head, Loaded, Panel } from "../../parts/frame.js";
import { Worker } from "./card.js";
import { Gone } from "./gone.js";

const RUNNING = { query: { states: ["running"] }, limit: 200 };

export function Workers() {
  const live = useLive("workers.list");
  const jobs = useLive("jobs.list", RUNNING).data?.jobs ?? [];
  return html`<${Loaded} of=${live}>${({ workers }) => html`<${Everyone} workers=${workers} jobs=${jobs} />`}<//>`;
}

function Everyone({ workers, jobs }) {
  const alive = workers.filter((worker) => worker.alive);
  const dead = workers.filter((worker) => !worker.alive);
  const slots = alive.reduce((sum, worker) => sum + worker.concurrency, 0);
  const busy = alive.reduce((sum, worker) => sum + worker.running, 0);
  const note = html`${alive.length > 0 && t("workers.busy", { busy, count: slots })} <${Reason} />`;
  return html`<${Head} title=${t("nav.workers")} note=${note} />
    <div class="stack">
      ${alive.length
        ? html`<ul class="workers">${alive.map((worker) => html`<${Worker} key=${worker.id} worker=${worker} jobs=${jobs.filter((job) => job.worker === worker.id)} />`)}</ul>`
        : html`<div class="panel"><${Empty} icon="workers" title=${t("overview.no_worker")} text=${t("overview.no_worker.text")} command="queuemgr worker MODULE:APP" /></div>`}
      ${dead.length > 0 && html`<${Panel} title=${t("workers.gone")} note=${t("workers.gone.text")} flush=${true}><${Gone} workers=${dead} /><//>`}
    </div>`;
}
