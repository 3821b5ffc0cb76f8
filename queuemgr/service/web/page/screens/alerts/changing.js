/** Removes rules and silences them for some time. */
import { html, useState } from "../../lib/dom.js";
import { act } from "../../lib/act.js";
import { t } from "../../lib/i18n.js";
import { visitor } from "../../lib/session.js";
import { Button } from "../../parts/button.js";
import { confirm, Dialog, showDialog } from "../../parts/dialog.js";
import { Choice, Field } from "../../parts/field.js";

const TIMES = [1800, 3600, 4 * 3600, 86400, 7 * 86400];

/** @param {string} rule as it was written */
export async function removeRule(rule) {
  const body = html`<p><code class="break">${rule}</code></p><p>${t("alerts.remove.text")}</p>`;
  if (await confirm({ title: t("alerts.remove.title"), body, action: t("alerts.remove"), danger: true })) await act("alerts.remove", { rule }, t("alerts.removed"));
}

/** Asks for how long, and why. @param {string} rule "*" for all of them */
export async function silence(rule) {
  const given = await showDialog((close) => html`<${SilenceForm} rule=${rule} close=${close} />`);
  if (given) await act("alerts.silence", { rule, who: visitor.value?.name ?? "", ...given }, t("alerts.silence.done"));
}

/** @param {string} rule */
export function endSilence(rule) {
  return act("alerts.silence", { rule, duration: 0 }, t("alerts.silence.ended"));
}

function SilenceForm({ rule, close }) {
  const [duration, setDuration] = useState("3600");
  const [why, setWhy] = useState("");
  const enter = (event) => {
    event.preventDefault();
    close({ duration: Number(duration), why });
  };
  return html`<${Dialog} title=${t("alerts.silence.title")} close=${close}>
    <form class="stack" onSubmit=${enter}>
      <p>${rule === "*" ? t("alerts.silence.all") : html`<code class="break">${rule}</code>`}</p>
      <${Choice} label=${t("alerts.silence.for")} value=${duration} change=${setDuration} options=${TIMES.map((seconds) => [String(seconds), t(`alerts.silence.for.${seconds}`)])} autofocus />
      <${Field} label=${t("alerts.silence.why")} value=${why} change=${setWhy} />
      <p class="faint">${t("alerts.silence.text")}</p>
      <footer class="form-foot"><${Button} onClick=${() => close()}>${t("dismiss")}<//><${Button} kind="primary" type="submit">${t("alerts.silence.title")}<//></footer>
    </form>
  <//>`;
}
