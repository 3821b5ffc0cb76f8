/** The error that a job left: what was raised, and where. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { link } from "../../lib/address.js";
import { Copy } from "../../parts/copy.js";
import { Panel } from "../../parts/frame.js";

/** @param {{error: {type?: string, message?: string, reason?: string, traceback?: string}}} props */
export function Failure({ error }) {
  const { type, message, reason, traceback } = error;
  const said = message || reason;
  const actions = html`<a class="button quiet" href=${link("failures")}>${t("job.failure.alike")}</a>${traceback && html`<${Copy} text=${traceback} label=${t("job.failure.copy")} />`}`;
  return html`<${Panel} title=${t("job.failure")} actions=${actions} class="failure">
    <p class="failure-line"><b class="mono break">${type}</b> <span class="break">${said}</span></p>
    ${traceback && html`<pre class="code traceback" tabindex="0">${traceback}</pre>`}
  <//>`;
}
