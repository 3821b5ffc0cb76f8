/** One look at everything that moves: six figures with their last hour, alerts, queues, what runs and what failed. */
import { html } from "../../lib/dom.js";
import { useLive } from "../../lib/live.js";
import { OVERVIEW } from "../../lib/overview.js";
import { t } from "../../lib/i18n.js";
import { Head, Loaded, Panel } from "../../parts/frame.js";
import { AlertStrip } from "./alertstrip.js";
import { FailedList, RunningList } from "./lists.js";
import { Figures } from "./figures.js";
import { LastHour } from "./lasthour.js";
import { QueueCards } from "./queuecards.js";
import { Welcome } from "./welcome.js";

const METRICS = ["queue_length", "running", "dead", "oldest_wait", "processing_rate", "failure_rate", "workers"];
const HOUR = { metrics: METRICS, span: 3600, points: 60 };

export function Overview() {
  const live = useLive("overview", OVERVIEW);
  const past = useLive("history", HOUR).data;
  const alerts = useLive("alerts.list").data;
  return html`<${Head} title=${t("nav.overview")} /><${Loaded} of=${live}>${(facts) => html`<${Everything} facts=${facts} past=${past} alerts=${alerts} />`}<//>`;
}

function Everything({ facts, past, alerts }) {
  const empty = !facts.queues.some((queue) => Object.values(queue.counts).some(Boolean));
  if (empty && !facts.workers.length) return html`<${Welcome} url=${facts.url} />`;
  return html`<div class="stack">
    <${AlertStrip} facts=${alerts} />
    <${Figures} facts=${facts} past=${past} />
    <div class="halves">
      <${Panel} title=${t("overview.running")} flush=${true}><${RunningList} jobs=${facts.running} facts=${facts} /><//>
      <${Panel} title=${t("overview.failed")} flush=${true}><${FailedList} jobs=${facts.failed} /><//>
    </div>
    <${Panel} title=${t("nav.queues")} note=${t("overview.queues", { count: facts.queues.length })}><${QueueCards} queues=${facts.queues} /><//>
    <${LastHour} past=${past} />
  </div>`;
}
