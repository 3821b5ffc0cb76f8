/** How one alert, and one telling of it, look in their lists. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Icon } from "../../parts/icon.js";
import { Menu } from "../../parts/menu.js";
import { Shape } from "../../parts/state.js";
import { When } from "../../parts/when.js";
import { removeRule, silence } from "./changing.js";
import { AlertState } from "./state.js";
import { formatValue } from "./value.js";

/** @param {any[]} rules @returns {import("../../parts/table.js").Column[]} */
export function alertColumns(rules) {
  const origins = new Map(rules.map((rule) => [rule.rule, rule.origin]));
  return [
    { key: "state", title: t("jobs.column.state"), class: "tight desk", cell: ({ state }) => html`<${AlertState} state=${state} />` },
    { key: "rule", title: t("alerts.column.rule"), class: "grow", cell: (alert) => html`<${Rule} alert=${alert} configured=${origins.get(alert.rule) === "configuration"} />` },
    { key: "now", title: t("alerts.column.now"), class: "number", cell: ({ metric, value }) => formatValue(metric, value) ?? html`<span class="faint">–</span>` },
    { key: "since", title: t("alerts.column.since"), class: "number desk", cell: ({ since }) => html`<${When} at=${since} />` },
    { key: "severity", title: t("alerts.column.severity"), class: "tight wide", cell: ({ severity }) => html`<span class="badge">${severity}</span>` },
    { key: "actions", title: "", label: t("queues.column.actions"), class: "tight", cell: (alert) => html`<${Actions} alert=${alert} configured=${origins.get(alert.rule) === "configuration"} />` },
  ];
}

function Rule({ alert, configured }) {
  return html`<p><span class="only-phone"><${AlertState} state=${alert.state} /></span> <code class="break">${alert.rule}</code> ${alert.queue && !alert.rule.includes(` in ${alert.queue}`) && html`<span class="tag">${alert.queue}</span> `}
    ${alert.silenced_until !== null && html`<span class="badge warn"><${Icon} name="hold" />${t("alerts.silenced")}</span> `}
    ${configured && html`<span class="badge">${t("alerts.configured")}</span>`}</p>`;
}

function Actions({ alert, configured }) {
  if (!may("operate")) return null;
  const items = [
    { text: t("alerts.silence"), icon: "hold", run: () => silence(alert.rule) },
    { text: t("alerts.remove"), icon: "delete", danger: true, disabled: configured, run: () => removeRule(alert.rule) },
  ];
  return html`<${Menu} kind="quiet" icon="more" name=${t("alerts.more", { rule: alert.rule })} items=${items} />`;
}

/** @returns {import("../../parts/table.js").Column[]} */
export function deliveryColumns() {
  return [
    { key: "at", title: t("jobs.column.when"), class: "tight", cell: ({ at }) => html`<${When} at=${at} />` },
    { key: "event", title: t("alerts.column.event"), class: "tight desk", cell: ({ event }) => t(`alerts.event.${event}`) },
    { key: "rule", title: t("alerts.column.rule"), class: "grow", cell: ({ rule, queue, target, error }) => html`<p><code class="break">${rule}</code>${queue && html` <span class="tag">${queue}</span>`}</p>
      <p class="faint step-text break">${t("alerts.to", { target })}</p>${error && html`<p class="wrongly break">${error}</p>`}` },
    { key: "error", title: t("audit.column.outcome"), class: "tight", cell: ({ error }) => html`<span class="state" data-state=${error ? "dead" : "succeeded"}><${Shape} state=${error ? "dead" : "succeeded"} />${t(error ? "alerts.not_told" : "alerts.was_told")}</span>` },
  ];
}
