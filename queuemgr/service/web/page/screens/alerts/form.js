/** An alert rule is put together from its parts; the sentence that comes of them is shown as it will be kept. */
import { html, useState } from "../../lib/dom.js";
import { ask } from "../../lib/api.js";
import { told } from "../../lib/act.js";
import { refreshAll, useLive } from "../../lib/live.js";
import { OVERVIEW } from "../../lib/overview.js";
import { t } from "../../lib/i18n.js";
import { Button } from "../../parts/button.js";
import { Dialog, showDialog } from "../../parts/dialog.js";
import { Choice, Field } from "../../parts/field.js";
import { toast } from "../../parts/toast.js";

const OF_QUEUES = ["queue_length", "failure_rate", "oldest_wait", "avg_wait", "avg_latency", "processing_rate", "dead", "running", "scheduled"];
const OF_WORKERS = ["workers", "worker_utilization", "memory"];
const USUAL = { queue_length: "1000", failure_rate: "5%", oldest_wait: "5m", avg_wait: "1m", avg_latency: "30s", processing_rate: "1/s", dead: "10", running: "100", scheduled: "1000", workers: "1", worker_utilization: "90%", memory: "2GB" };
const BELOW = ["processing_rate", "workers"];
const SEVERITIES = ["info", "warning", "critical"];

export function addRule() {
  return showDialog((close) => html`<${Form} close=${close} />`);
}

function Form({ close }) {
  const queues = useLive("overview", OVERVIEW).data?.queues ?? [];
  const [form, setForm] = useState({ metric: "queue_length", operator: ">", threshold: "1000", queue: "", lasting: "5m", severity: "warning" });
  const [wrong, setWrong] = useState("");
  const change = (name) => (value) => setForm((before) => ({ ...before, [name]: value }));
  const measure = (metric) => setForm((before) => ({ ...before, metric, threshold: USUAL[metric], operator: BELOW.includes(metric) ? "<" : ">" }));
  const keep = async (event) => {
    event.preventDefault();
    try {
      await ask("alerts.add", { rule: sentence(form), severity: form.severity });
      close();
      toast(t("alerts.added"));
      refreshAll();
    } catch (problem) {
      setWrong(told(problem));
    }
  };
  const names = [["", t("alerts.queue.together")], ["*", t("alerts.queue.each")], ...queues.map(({ name }) => [name, name])];
  return html`<${Dialog} title=${t("alerts.add")} close=${close} wide=${true}>
    <form class="form" onSubmit=${keep}>
      <${Choice} label=${t("alerts.field.metric")} value=${form.metric} change=${measure} autofocus options=${[...OF_QUEUES, ...OF_WORKERS].map((one) => [one, t(`alerts.metric.${one}`)])} />
      <div class="joined">
        <${Choice} label=${t("alerts.field.operator")} value=${form.operator} change=${change("operator")} options=${[">", ">=", "<", "<="].map((one) => [one, one])} />
        <${Field} label=${t("alerts.field.threshold")} value=${form.threshold} change=${change("threshold")} mono required />
      </div>
      ${!OF_WORKERS.includes(form.metric) && html`<${Choice} label=${t("jobs.column.queue")} value=${form.queue} change=${change("queue")} options=${names} />`}
      <${Field} label=${t("alerts.field.for")} value=${form.lasting} change=${change("lasting")} mono hint=${t("alerts.field.for.hint")} />
      <${Choice} label=${t("alerts.column.severity")} value=${form.severity} change=${change("severity")} options=${SEVERITIES.map((one) => [one, t(`alerts.severity.${one}`)])} />
      <div class="foreseen whole" role="status"><code class="break">${sentence(form)}</code></div>
      <p class="problem whole" role="alert">${wrong}</p>
      <footer class="form-foot whole"><${Button} onClick=${() => close()}>${t("dismiss")}<//><${Button} kind="primary" type="submit">${t("alerts.add")}<//></footer>
    </form>
  <//>`;
}

/** The rule as people write it: `queue_length > 1000 in mail for 5m`. */
function sentence({ metric, operator, threshold, queue, lasting }) {
  const where = queue && !OF_WORKERS.includes(metric) ? ` in ${queue}` : "";
  return `${metric} ${operator} ${threshold.trim()}${where}${lasting.trim() ? ` for ${lasting.trim()}` : ""}`;
}
