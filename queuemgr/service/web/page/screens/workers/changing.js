/** Asks workers to rest, to go on, to leave. They do so when they next look. */
import { html, useState } from "../../lib/dom.js";
import { act } from "../../lib/act.js";
import { t } from "../../lib/i18n.js";
import { Button } from "../../parts/button.js";
import { Dialog, showDialog } from "../../parts/dialog.js";
import { Field } from "../../parts/field.js";
import { nameOf } from "./state.js";

export function quiet(worker) {
  return act("workers.quiet", { worker_id: worker.id }, t("workers.quiet.done", { name: nameOf(worker) }));
}

export function resume(worker) {
  return act("workers.resume", { worker_id: worker.id }, t("workers.resume.done", { name: nameOf(worker) }));
}

/** Asks how long its jobs may take to end, and then asks the worker to leave. */
export async function stop(worker) {
  const given = await showDialog((close) => html`<${StopForm} worker=${worker} close=${close} />`);
  if (!given) return;
  const { grace } = given;
  await act("workers.stop", { worker_id: worker.id, ...(grace === "" ? {} : { grace: Number(grace) }) }, t("workers.stop.done", { name: nameOf(worker) }));
}

function StopForm({ worker, close }) {
  const [grace, setGrace] = useState("");
  const enter = (event) => {
    event.preventDefault();
    close({ grace });
  };
  return html`<${Dialog} title=${t("workers.stop.title", { name: nameOf(worker) })} close=${close}>
    <form class="stack" onSubmit=${enter}>
      <p>${worker.running ? t("workers.stop.text", { count: worker.running }) : t("workers.stop.idle")}</p>
      <${Field} label=${t("workers.grace")} hint=${t("workers.grace.hint")} type="number" min="0" step="any" inputmode="decimal" value=${grace} change=${setGrace} />
      <footer class="form-foot"><${Button} onClick=${() => close()}>${t("dismiss")}<//><${Button} kind="danger" type="submit">${t("workers.stop")}<//></footer>
    </form>
  <//>`;
}
