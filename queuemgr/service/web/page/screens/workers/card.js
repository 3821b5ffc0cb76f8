/** One living worker. */
import { html } from "../../lib/dom.js";
import { formatSize } from "../../lib/format.js";
import { link } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Button } from "../../parts/button.js";
import { Progress } from "../../parts/progress.js";
import { Slots } from "../../parts/slots.js";
import { Since, When } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";
import { quiet, resume, stop } from "./changing.js";
import { hostOf, nameOf, WorkerState } from "./state.js";

const MOST = 6;

/** @param {{worker: any, jobs: any[]}} props `jobs` are those that it runs and that are known here */
export function Worker({ worker, jobs }) {
  const told = t("workers.slots", { used: worker.running, count: worker.concurrency });
  return html`<li class="panel worker">
    <header>
      <h2 class="break">${nameOf(worker)}</h2><${WorkerState} worker=${worker} />
      ${may("operate") && html`<div class="panel-actions"><${Actions} worker=${worker} /></div>`}
    </header>
    <div class="panel-body worker-body">
      <p class="worker-slots"><${Slots} used=${worker.running} total=${worker.concurrency} label=${told} /><span class="faint" aria-hidden="true">${told}</span></p>
      <${Running} worker=${worker} jobs=${jobs} />
      <dl class="pairs">
        <div><dt>${t("workers.queues")}</dt><dd>${worker.queues.map((queue) => html`<a key=${queue} class="tag" href=${jobsLink({ queue })}>${queue}</a> `)}</dd></div>
        <div><dt>${t("workers.tasks")}</dt><dd><${Tasks} names=${worker.tasks} /></dd></div>
        <div><dt>${t("workers.place")}</dt><dd class="break">${t("workers.process", { host: hostOf(worker), pid: String(worker.pid) })}</dd></div>
        <div><dt>${t("workers.up")}</dt><dd><${Since} since=${worker.started_at} /></dd></div>
        <div><dt>${t("workers.beat")}</dt><dd><${When} at=${worker.beat_at} /></dd></div>
        ${worker.memory && html`<div><dt>${t("workers.memory")}</dt><dd>${formatSize(worker.memory)}</dd></div>`}
        ${worker.name && html`<div><dt>${t("workers.id")}</dt><dd class="mono break">${worker.id}</dd></div>`}
      </dl>
    </div>
  </li>`;
}

function Running({ worker, jobs }) {
  if (!worker.running) return html`<p class="faint">${t(`workers.idle.${worker.state === "running" ? "running" : "quiet"}`)}</p>`;
  const more = worker.running - Math.min(jobs.length, MOST);
  return html`<ul class="running-list">
    ${jobs.slice(0, MOST).map((job) => html`<li key=${job.id}>
      <a class="clip" href=${link("jobs", {}, job.id)}>${job.task}</a><span class="number faint"><${Since} since=${job.started_at} /></span>
      ${job.progress !== null && html`<${Progress} job=${job} />`}
    </li>`)}
    ${more > 0 && html`<li><a href=${jobsLink({ state: "running", worker: worker.id })}>${t("workers.more", { count: more })}</a></li>`}
  </ul>`;
}

function Tasks({ names }) {
  const few = names.slice(0, 3).map((name) => html`<a key=${name} class="tag" href=${jobsLink({ task: name })}>${name}</a> `);
  if (names.length <= 3) return few;
  return html`<details class="all-tasks"><summary>${t("workers.tasks.count", { count: names.length })}</summary>
    ${names.map((name) => html`<a key=${name} class="tag" href=${jobsLink({ task: name })}>${name}</a> `)}
  </details>`;
}

function Actions({ worker }) {
  const name = nameOf(worker);
  return html`
    ${worker.state === "running" && html`<${Button} kind="quiet" icon="hold" aria-label=${t("workers.quiet.of", { name })} onClick=${() => quiet(worker)}>${t("workers.quiet")}<//>`}
    ${worker.state === "quiet" && html`<${Button} kind="quiet" icon="release" aria-label=${t("workers.resume.of", { name })} onClick=${() => resume(worker)}>${t("workers.resume")}<//>`}
    <${Button} kind="quiet" icon="exit" aria-label=${t("workers.stop.of", { name })} onClick=${() => stop(worker)}>${t("workers.stop")}<//>`;
}
