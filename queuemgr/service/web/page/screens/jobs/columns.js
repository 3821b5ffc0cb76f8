/** How one job looks in a list. */
import { html } from "../../lib/dom.js";
import { link } from "../../lib/address.js";
import { formatDuration } from "../../lib/format.js";
import { t } from "../../lib/i18n.js";
import { StateBadge } from "../../parts/state.js";
import { Progress } from "../../parts/progress.js";
import { Since, When } from "../../parts/when.js";
import { jobsLink } from "./search.js";

/** @returns {import("../../parts/table.js").Column[]} */
export function jobColumns() {
  return [
    { key: "state", title: t("jobs.column.state"), class: "tight desk", cell: (job) => html`<${StateBadge} state=${job.state} />` },
    { key: "task", title: t("jobs.column.task"), class: "grow", cell: (job) => html`<${Name} job=${job} />` },
    { key: "queue", title: t("jobs.column.queue"), class: "tight desk", cell: (job) => html`<a class="tag" title=${job.queue} href=${jobsLink({ queue: job.queue })}>${job.queue}</a>` },
    { key: "attempt", title: t("jobs.column.attempt"), class: "number wide", cell: (job) => job.attempt || "–" },
    { key: "took", title: t("jobs.column.took"), class: "number desk", cell: (job) => html`<${Took} job=${job} />` },
    { key: "when", title: t("jobs.column.when"), class: "number", cell: (job) => html`<${When} at=${momentOf(job)} />` },
  ];
}

function Name({ job }) {
  const said = told(job);
  return html`<div class="job-name">
    <span class="only-phone"><${StateBadge} state=${job.state} /></span>
    <a class="clip" href=${link("jobs", {}, job.id)}>${job.task}</a>
    <span class="job-id mono faint wide" title=${job.id}>${job.id.length > 14 ? `…${job.id.slice(-8)}` : job.id}</span>
    ${job.tags.map((tag) => html`<a key=${tag} class="tag wide" title=${tag} href=${jobsLink({ tag })}>${tag}</a>`)}
    ${job.cancel_requested && job.state === "running" && html`<span class="badge warn">${t("job.cancelling")}</span>`}
  </div>
  ${job.state === "running" && job.progress !== null && html`<${Progress} job=${job} note=${job.note} />`}
  ${said && html`<p class="job-said clip ${job.state === "dead" ? "wrongly" : "faint"}" title=${said}>${said}</p>`}`;
}

function Took({ job }) {
  if (job.state === "running" && job.started_at) return html`<${Since} since=${job.started_at} />`;
  if (!job.finished_at || !job.started_at) return html`<span class="faint">–</span>`;
  return formatDuration(Math.max(0, job.finished_at - job.started_at));
}

/** The moment that matters most in this state. */
function momentOf(job) {
  if (job.state === "scheduled") return job.run_at ?? job.created_at;
  if (job.state === "running") return job.started_at;
  return job.finished_at ?? job.created_at;
}

function told(job) {
  if (job.state === "running") return job.progress === null ? job.note : "";
  if (!job.error || job.state === "succeeded") return "";
  const { type, message, reason } = job.error;
  return [type?.split(".").pop(), message || reason].filter(Boolean).join(": ");
}
