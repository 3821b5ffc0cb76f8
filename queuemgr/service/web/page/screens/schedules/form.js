/** A schedule is added, or given another rule. What it will do is shown while it is written. */
import { html, useState } from "../../lib/dom.js";
import { ask } from "../../lib/api.js";
import { told } from "../../lib/act.js";
import { useAsked } from "../../lib/asked.js";
import { refreshAll } from "../../lib/live.js";
import { t } from "../../lib/i18n.js";
import { Button } from "../../parts/button.js";
import { Dialog, showDialog } from "../../parts/dialog.js";
import { Choice, Field } from "../../parts/field.js";
import { toast } from "../../parts/toast.js";
import { Foreseen, isInterval } from "./foreseen.js";
import { given } from "./given.js";

const MISSED = ["once", "skip", "all"];
const HERE = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const FRESH = { name: "", task: "", rule: "every 10m", zone: HERE, missed: "once", positional: "", named: "", queue: "" };

export function addSchedule() {
  return showDialog((close) => html`<${Form} first=${FRESH} close=${close} />`);
}

/** What it enqueues stays as it is: secrets and options are not sent through the page. */
export function editSchedule({ name, task, rule, zone, missed }) {
  return showDialog((close) => html`<${Form} first=${{ ...FRESH, name, task, rule, zone: zone ?? HERE, missed }} old=${true} close=${close} />`);
}

function Form({ first, old = false, close }) {
  const [form, setForm] = useState(first);
  const [wrong, setWrong] = useState("");
  const tasks = useAsked(old ? null : "tasks.list").data?.tasks ?? [];
  const change = (name) => (value) => setForm((before) => ({ ...before, [name]: value }));
  const keep = async (event) => {
    event.preventDefault();
    try {
      const answer = old ? await ask("schedules.change", timesOf(form)) : await ask("schedules.add", { ...timesOf(form), ...given(form) });
      close();
      toast(t(old ? "schedules.changed" : answer.replaced ? "schedules.replaced" : "schedules.added", { name: form.name }), { hint: answer.obstacles?.[0]?.why });
      refreshAll();
    } catch (problem) {
      setWrong(problem.mistaken ?? told(problem));
    }
  };
  return html`<${Dialog} title=${old ? t("schedules.edit.title", { name: first.name }) : t("schedules.add")} close=${close} wide=${true}>
    <form class="form" onSubmit=${keep}>
      ${!old && html`<${Field} label=${t("schedules.field.name")} value=${form.name} change=${change("name")} required autofocus />
        <${Field} label=${t("schedules.field.task")} value=${form.task} change=${change("task")} mono offers=${tasks.map((task) => task.name)} required />`}
      <div class=${isInterval(form.rule) ? "whole" : undefined}><${Field} label=${t("schedules.field.rule")} value=${form.rule} change=${change("rule")} mono hint=${t("schedules.field.rule.hint")} required /></div>
      ${!isInterval(form.rule) && html`<${Field} label=${t("schedules.field.zone")} value=${form.zone} change=${change("zone")} offers=${Intl.supportedValuesOf("timeZone")} />`}
      <${Foreseen} name=${form.name} rule=${form.rule} zone=${form.zone} />
      <${Choice} label=${t("schedules.field.missed")} value=${form.missed} change=${change("missed")} options=${MISSED.map((one) => [one, t(`schedules.missed.${one}`)])} />
      ${old
        ? html`<p class="faint whole">${t("schedules.edit.stays", { task: form.task })}</p>`
        : html`<${Field} label=${t("job.about.queue")} value=${form.queue} change=${change("queue")} hint=${t("schedules.field.queue.hint")} />
          <${Field} label=${t("rerun.positional")} value=${form.positional} change=${change("positional")} mono placeholder="[]" />
          <${Field} label=${t("rerun.named")} value=${form.named} change=${change("named")} mono placeholder="{}" />`}
      <p class="problem whole" role="alert">${wrong}</p>
      <footer class="form-foot whole"><${Button} onClick=${() => close()}>${t("dismiss")}<//><${Button} kind="primary" type="submit">${t(old ? "schedules.keep" : "schedules.add")}<//></footer>
    </form>
  <//>`;
}

function timesOf({ name, rule, zone, missed }) {
  return { name: name.trim(), rule: rule.trim(), zone: isInterval(rule) ? "UTC" : zone.trim() || "UTC", missed };
}
