/** Six figures that tell how it goes, each with its last hour. */
import { html } from "../../lib/dom.js";
import { tick, now } from "../../lib/clock.js";
import { formatDuration, formatShort } from "../../lib/format.js";
import { t } from "../../lib/i18n.js";
import { link } from "../../lib/address.js";
import { Sparkline } from "../../parts/chart.js";
import { jobsLink } from "../jobs/search.js";

const ENOUGH = 3;
const COARSE = [86400, 3600, 60];

/** @param {{facts: any, past: any}} props `past` may be null: then there are only the figures */
export function Figures({ facts, past }) {
  const sum = (state) => facts.queues.reduce((all, queue) => all + queue.counts[state], 0);
  const alive = facts.workers.filter((worker) => worker.alive);
  const slots = alive.reduce((all, worker) => all + worker.concurrency, 0);
  const rate = past?.series.processing_rate.findLast((value) => value !== null) ?? null;
  return html`<ul class="figures">
    <${Figure} name="queued" state="ready" value=${formatShort(sum("ready"))} href=${jobsLink({ state: "ready" })}
      note=${sum("scheduled") ? t("overview.scheduled", { count: sum("scheduled") }) : ""} values=${past?.series.queue_length} />
    <${Figure} name="running" state="running" value=${formatShort(sum("running"))} href=${jobsLink({ state: "running" })}
      note=${slots ? t("overview.slots", { count: slots }) : ""} values=${past?.series.running} />
    <${Figure} name="dead" state="dead" value=${formatShort(sum("dead"))} href=${jobsLink({ state: "dead" })} values=${past?.series.dead} />
    <${Figure} name="wait" state="held" value=${oldestWait(facts.queues)} href=${jobsLink({ state: "ready" })} values=${past?.series.oldest_wait} />
    <${Figure} name="rate" state="succeeded" value=${rate === null ? "–" : t("overview.per_second", { rate: formatShort(rate) })} values=${past?.series.processing_rate} />
    <${Figure} name="workers" state="scheduled" value=${formatShort(alive.length)} href=${link("workers")}
      note=${alive.length < facts.workers.length ? t("overview.gone", { count: facts.workers.length - alive.length }) : ""} values=${past?.series.workers} />
  </ul>`;
}

function Figure({ name, state, value, href, note, values }) {
  const label = t(`overview.figure.${name}`);
  const words = html`<span class="figure-name">${label}</span><span class="figure-value">${value}</span>`;
  const known = values?.filter((one) => one !== null).length >= ENOUGH;
  return html`<li class="figure" data-state=${state}>
    ${href ? html`<a href=${href}>${words}</a>` : html`<div>${words}</div>`}
    <span class="figure-note faint">${note}</span>
    ${known ? html`<${Sparkline} values=${values} label=${t("overview.hour", { label })} state=${state} />` : html`<span class="spark"></span>`}
  </li>`;
}

/** In one unit from ten of it on, so that it fits. */
function oldestWait(queues) {
  tick.value;
  const oldest = Math.min(...queues.map((queue) => queue.oldest_ready ?? Infinity));
  if (!Number.isFinite(oldest)) return "–";
  const waited = Math.max(0, now() - oldest);
  const unit = COARSE.find((one) => waited >= 10 * one);
  return formatDuration(unit ? Math.floor(waited / unit) * unit : waited);
}
