/** What happened to a job, in order: every attempt with its length, its worker and its end. */
import { html } from "../../lib/dom.js";
import { known, t } from "../../lib/i18n.js";
import { now, tick } from "../../lib/clock.js";
import { formatClock, formatDuration, formatExact, formatSize } from "../../lib/format.js";
import { FINISHED } from "../../lib/states.js";
import { Shape } from "../../parts/state.js";
import { Since, When } from "../../parts/when.js";

/** @param {{job: any, attempts: any[]}} props */
export function Timeline({ job, attempts }) {
  const ran = attempts.filter((attempt) => attempt.number !== job.attempt || job.state !== "running");
  return html`${(ran.length > 0 || job.state === "running") && html`<${Bars} job=${job} attempts=${ran} />`}
    <ol class="timeline">
      <${Step} state="scheduled" title=${t("timeline.enqueued")} at=${job.created_at} />
      ${ran.map((attempt) => html`<${Attempt} key=${`${attempt.number} ${attempt.started_at}`} attempt=${attempt} />`)}
      ${job.state === "running" && html`<${Step} state="running" title=${t("timeline.runs", { number: job.attempt })} at=${job.started_at}
        side=${html`<${Since} since=${job.started_at} />`} text=${job.worker} />`}
      ${!FINISHED.includes(job.state) && job.state !== "running" && html`<${Step} state=${job.state} title=${t(`timeline.${job.state}`)} at=${job.state === "scheduled" ? job.run_at : null} />`}
      ${job.state === "cancelled" && html`<${Step} state="cancelled" title=${t("state.cancelled")} at=${job.finished_at} />`}
    </ol>`;
}

function Attempt({ attempt }) {
  const { outcome, error } = attempt;
  const state = { succeeded: "succeeded", cancelled: "cancelled", snoozed: "scheduled", "given back": "ready" }[outcome] ?? "dead";
  const word = known(`outcome.${outcome}`) ? t(`outcome.${outcome}`) : outcome;
  const said = error && [error.type?.split(".").pop(), error.message ?? error.reason].filter(Boolean).join(": ");
  const memory = attempt.peak_memory && t("timeline.memory", { size: formatSize(attempt.peak_memory) });
  return html`<${Step} state=${state} title=${t("timeline.attempt", { number: attempt.number, outcome: word })} at=${attempt.started_at}
    side=${formatDuration(Math.max(0, attempt.duration))} text=${[attempt.worker, attempt.exit_signal, memory].filter(Boolean).join(" · ")} said=${said} />`;
}

function Step({ state, title, at, side, text, said }) {
  return html`<li>
    <${Shape} state=${state} />
    <div>
      <p><span class="step-title">${title}</span>${side && html`<span class="number faint"> ${side}</span>`}</p>
      ${said && html`<p class="break wrongly">${said}</p>`}
      <p class="faint step-text">${at !== null && at !== undefined && html`<span title=${formatExact(at)}>${formatClock(at)}</span> · <${When} at=${at} />`}${text && html` · <span class="mono break">${text}</span>`}</p>
    </div>
  </li>`;
}

/** The same to scale: when it waited, and when it ran. */
function Bars({ job, attempts }) {
  tick.value;
  const end = job.finished_at ?? now();
  const span = Math.max(end - job.created_at, 0.001);
  const place = (from, to) => ({ x: `${(100 * Math.max(0, from - job.created_at)) / span}%`, width: `${Math.max(0.6, (100 * (to - from)) / span)}%` });
  const ran = attempts.reduce((sum, one) => sum + Math.max(0, one.duration), 0) + (job.state === "running" ? Math.max(0, end - job.started_at) : 0);
  const told = t("timeline.told", { whole: formatDuration(span), ran: formatDuration(ran) });
  return html`<svg class="bars" role="img" aria-label=${told}><title>${told}</title>
      <rect class="bars-ground" width="100%" height="100%" />
      ${attempts.map((one) => html`<rect key=${one.started_at} data-state=${one.outcome === "succeeded" ? "succeeded" : "dead"} ...${place(one.started_at, one.ended_at)} height="100%" />`)}
      ${job.state === "running" && html`<rect data-state="running" ...${place(job.started_at, end)} height="100%" />`}
    </svg><p class="faint bars-told">${told}</p>`;
}
