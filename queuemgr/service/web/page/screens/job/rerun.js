/** Runs a task again with arguments that somebody has edited. The first job stays as it is. */
import { html, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { go, link } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { refreshAll } from "../../lib/live.js";
import { Button } from "../../parts/button.js";
import { Dialog, showDialog } from "../../parts/dialog.js";
import { toast, toastProblem } from "../../parts/toast.js";

/** @param {any} job */
export async function editAndRun(job) {
  try {
    const facts = await ask("jobs.arguments", { job_id: job.id });
    await showDialog((close) => html`<${Form} job=${job} facts=${facts} close=${close} />`);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toastProblem(problem);
  }
}

function Form({ job, facts, close }) {
  const [positional, setPositional] = useState(JSON.stringify(facts.positional, null, 2));
  const [named, setNamed] = useState(JSON.stringify(facts.named, null, 2));
  const [queue, setQueue] = useState(job.queue);
  const [wrong, setWrong] = useState("");
  const run = async () => {
    try {
      const edited = facts.editable ? { positional: listed(positional), named: object(named) } : {};
      const options = queue === job.queue ? {} : { queue };
      const made = await ask("jobs.rerun", { job_id: job.id, ...edited, options });
      close();
      toast(t("rerun.done", { id: made.id }), { hint: made.obstacles[0]?.why });
      go(link("jobs", {}, made.id));
      refreshAll();
    } catch (error) {
      setWrong(error instanceof Problem ? `${error.message} ${error.hint ?? ""}` : error.message);
    }
  };
  const actions = html`<${Button} onClick=${() => close()}>${t("dismiss")}<//><${Button} kind="primary" onClick=${run}>${t("rerun.run")}<//>`;
  return html`<${Dialog} title=${t("rerun.of", { task: job.task })} close=${close} actions=${actions} wide=${true}>
    ${facts.editable
      ? html`<label class="labelled"><span>${t("rerun.positional")}</span><${Area} value=${positional} change=${setPositional} first=${true} /></label>
          <label class="labelled"><span>${t("rerun.named")}</span><${Area} value=${named} change=${setNamed} /></label>`
      : html`<p>${t(facts.secrets ? "rerun.secret" : "rerun.fixed")}</p>`}
    <label class="labelled"><span>${t("job.about.queue")}</span><input class="field" value=${queue} onInput=${(event) => setQueue(event.currentTarget.value)} /></label>
    <p class="problem" role="alert">${wrong}</p>
  <//>`;
}

function Area({ value, change, first }) {
  return html`<textarea class="field" data-first=${first} spellcheck=${false} rows=${Math.min(12, value.split("\n").length + 1)} value=${value} onInput=${(event) => change(event.currentTarget.value)}></textarea>`;
}

function listed(text) {
  const value = read(text);
  if (!Array.isArray(value)) throw new Error(t("rerun.list"));
  return value;
}

function object(text) {
  const value = read(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error(t("rerun.object"));
  return value;
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(t("rerun.json", { reason: error.message }));
  }
}
