/** What nobody is told of for now, by whom and why. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Button } from "../../parts/button.js";
import { Panel } from "../../parts/frame.js";
import { When } from "../../parts/when.js";
import { endSilence, silence } from "./changing.js";

/** @param {{silences: {rule: string, until: number, who: string, why: string}[]}} props */
export function Silences({ silences }) {
  const all = may("operate") && html`<${Button} kind="quiet" icon="hold" onClick=${() => silence("*")}>${t("alerts.silence.everything")}<//>`;
  return html`<${Panel} title=${t("alerts.silences")} flush=${silences.length > 0} actions=${all}>
    ${silences.length
      ? html`<ul class="few silences">${silences.map((one) => html`<li key=${one.rule}>
          <div><p>${one.rule === "*" ? t("alerts.silence.all") : html`<code class="break">${one.rule}</code>`}</p>
            <p class="faint break">${t("alerts.ends")} <${When} at=${one.until} />${one.who && ` · ${one.who}`}${one.why && ` · ${one.why}`}</p></div>
          ${may("operate") && html`<${Button} onClick=${() => endSilence(one.rule)}>${t("alerts.silence.end")}<//>`}
        </li>`)}</ul>`
      : html`<p class="faint">${t("alerts.silences.none")}</p>`}
  <//>`;
}
