/** A failed job beside the last success of its task: what was different. */
import { html } from "../../lib/dom.js";
import { link } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { formatDuration } from "../../lib/format.js";
import { Panel } from "../../parts/frame.js";
import { When } from "../../parts/when.js";

const LONGEST = 120;

/** @param {{why: any}} props */
export function Comparison({ why }) {
  const success = why?.state === "dead" && why.evidence.last_success;
  if (!success) return null;
  const note = html`<a href=${link("jobs", {}, success.id)}>${t("compare.success")} <${When} at=${success.finished_at} /></a>`;
  if (!success.differences.length) return html`<${Panel} title=${t("compare.title")} note=${note}><p class="faint">${t("compare.same")}</p><//>`;
  return html`<${Panel} title=${t("compare.title")} note=${note} flush=${true}><div class="table-scroll"><table class="compare">
    <thead><tr><th scope="col">${t("compare.what")}</th><th scope="col">${t("compare.then")}</th><th scope="col">${t("compare.now")}</th></tr></thead>
    <tbody>${success.differences.map((one) => html`<tr key=${`${one.what} ${one.name}`}>
      <th scope="row">${t(`compare.${one.what}`)} ${one.name && html`<span class="mono">${one.name}</span>`}</th>
      <td class="mono break">${shown(one.what, one.then)}</td><td class="mono break">${shown(one.what, one.now)}</td></tr>`)}</tbody>
  </table></div><//>`;
}

function shown(what, value) {
  if (what === "duration" && typeof value === "number") return formatDuration(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text?.length > LONGEST ? `${text.slice(0, LONGEST)}…` : (text ?? "–");
}
