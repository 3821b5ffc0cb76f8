/** The few jobs that an overview names: those that run, and the last that failed. */
import { html } from "../../lib/dom.js";
import { link } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { Empty } from "../../parts/frame.js";
import { Progress } from "../../parts/progress.js";
import { Since, When } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";

const MOST = 6;

/** @param {{jobs: any[], facts: any}} props */
export function RunningList({ jobs, facts }) {
  const alive = facts.workers.some((worker) => worker.alive);
  if (!alive) return html`<${Empty} icon="workers" title=${t("overview.no_worker")} text=${t(`overview.no_worker.${facts.workers.length ? "died" : "text"}`)} command="queuemgr worker MODULE:APP" />`;
  if (!jobs.length) return html`<${Empty} icon="workers" title=${t("overview.idle")} />`;
  return html`<${List} jobs=${jobs} state="running" draw=${(job) => html`
    <div class="job-name"><a class="clip" href=${link("jobs", {}, job.id)}>${job.task}</a><span class="tag">${job.queue}</span></div>
    <span class="number faint"><${Since} since=${job.started_at} /></span>
    ${job.progress !== null && html`<${Progress} job=${job} />`}`} />`;
}

/** @param {{jobs: any[]}} props */
export function FailedList({ jobs }) {
  if (!jobs.length) return html`<${Empty} icon="check" title=${t("overview.no_failures")} />`;
  return html`<${List} jobs=${jobs} state="dead" draw=${(job) => html`
    <div class="job-name"><a class="clip" href=${link("jobs", {}, job.id)}>${job.task}</a><span class="tag">${job.queue}</span></div>
    <span class="number faint"><${When} at=${job.finished_at} /></span>
    <p class="job-said clip wrongly">${[job.error?.type?.split(".").pop(), job.error?.message ?? job.error?.reason].filter(Boolean).join(": ")}</p>`} />`;
}

function List({ jobs, state, draw }) {
  return html`<ul class="few">${jobs.slice(0, MOST).map((job) => html`<li key=${job.id}>${draw(job)}</li>`)}
    ${jobs.length > MOST && html`<li class="few-more"><a href=${jobsLink({ state })}>${t("overview.all")}</a></li>`}
  </ul>`;
}
