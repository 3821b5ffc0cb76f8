/** How far a running job says it is, and when it will end if it goes on like this. */
import { html } from "../lib/dom.js";
import { now, tick } from "../lib/clock.js";
import { formatDuration } from "../lib/format.js";
import { t } from "../lib/i18n.js";

/** @param {{job: {progress: number, started_at: number, state: string}, note?: string | null}} props */
export function Progress({ job, note }) {
  const left = secondsLeft(job);
  return html`<div class="progress" data-state="running">
    <progress max="100" value=${job.progress} aria-label=${t("job.progress")}></progress>
    <span class="number">${Math.floor(job.progress)} %</span>
    ${note && html`<span class="faint clip">${note}</span>`}
    ${left !== null && html`<span class="faint">${t("job.left", { left: formatDuration(left) })}</span>`}
  </div>`;
}

/** @returns {number | null} seconds until the job ends, by its own pace */
export function secondsLeft({ progress, started_at: began, state }) {
  tick.value;
  if (state !== "running" || !progress || !began || progress >= 100) return null;
  return Math.max(0, ((now() - began) * (100 - progress)) / progress);
}
