/** A card for each queue: how its jobs are spread, who looks after it, and what is wrong with it. */
import { html } from "../../lib/dom.js";
import { now } from "../../lib/clock.js";
import { formatShort } from "../../lib/format.js";
import { t } from "../../lib/i18n.js";
import { shownStates } from "../../lib/states.js";
import { Icon } from "../../parts/icon.js";
import { Shape } from "../../parts/state.js";
import { StateBar } from "../../parts/statebar.js";
import { When } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";

/** @param {{queues: any[]}} props */
export function QueueCards({ queues }) {
  return html`<ul class="cards">${queues.map((queue) => html`<${Card} key=${queue.name} queue=${queue} />`)}</ul>`;
}

/** Long enough for a person to care. */
function waitsLong({ oldest_ready: at }) {
  return at && now() - at >= 1;
}

function Card({ queue }) {
  const waits = queue.counts.ready + queue.counts.scheduled + queue.counts.running > 0;
  return html`<li class="card">
    <header>
      <a class="clip" title=${queue.name} href=${jobsLink({ queue: queue.name })}>${queue.name}</a>
      ${queue.paused && html`<span class="badge warn"><${Icon} name="hold" />${t("overview.paused")}</span>`}
      ${queue.workers > 0
        ? html`<span class="badge">${t("overview.workers", { count: queue.workers })}</span>`
        : html`<span class=${waits ? "badge danger" : "badge"}>${t("overview.no_workers")}</span>`}
    </header>
    <${StateBar} counts=${queue.counts} />
    <ul class="card-counts">
      ${shownStates(queue.counts).map((state) => html`<li key=${state}><a data-state=${state} class=${queue.counts[state] ? "" : "none"} href=${jobsLink({ queue: queue.name, state })}>
        <${Shape} state=${state} /><span class="hidden">${t(`state.${state}`)}</span> ${formatShort(queue.counts[state])}</a></li>`)}
      ${waitsLong(queue) && html`<li class="faint card-oldest">${t("overview.oldest")} <${When} at=${queue.oldest_ready} /></li>`}
    </ul>
  </li>`;
}
