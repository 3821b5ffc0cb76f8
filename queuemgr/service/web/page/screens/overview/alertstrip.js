/** The alerts that fire, above everything else. Where none fires there is nothing. */
import { html } from "../../lib/dom.js";
import { link } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { Icon } from "../../parts/icon.js";
import { When } from "../../parts/when.js";

/** @param {{facts: any}} props null until it is known */
export function AlertStrip({ facts }) {
  const firing = facts?.alerts.filter((alert) => alert.state === "firing" && alert.silenced_until === null) ?? [];
  if (!firing.length) return null;
  return html`<div class="alertstrip" role="region" aria-label=${t("nav.alerts")}>
    <${Icon} name="alerts" />
    <ul>${firing.map((alert) => html`<li key=${`${alert.rule} ${alert.queue}`}><b>${alert.rule}</b> ${alert.queue} <span class="faint">${t("alerts.column.now")}: ${alert.shown} · <${When} at=${alert.since} /></span></li>`)}</ul>
    <a class="button" href=${link("alerts")}>${t("overview.alerts")}</a>
  </div>`;
}
