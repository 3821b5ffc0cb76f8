/** How one entry of the audit list looks. */
import { html } from "../../lib/dom.js";
import { link } from "../../lib/address.js";
import { known, t } from "../../lib/i18n.js";
import { Json } from "../../parts/json.js";
import { Shape } from "../../parts/state.js";
import { When } from "../../parts/when.js";

/** @returns {import("../../parts/table.js").Column[]} */
export function auditColumns() {
  return [
    { key: "at", title: t("jobs.column.when"), class: "tight top-cell", cell: ({ at }) => html`<${When} at=${at} />` },
    { key: "who", title: t("audit.column.who"), class: "who-cell top-cell desk", cell: (entry) => html`<${Who} entry=${entry} />` },
    { key: "what", title: t("audit.column.what"), class: "grow top-cell", cell: (entry) => html`<${What} entry=${entry} />` },
    { key: "outcome", title: t("audit.column.outcome"), class: "tight top-cell", cell: ({ outcome }) => html`<${Outcome} outcome=${outcome} />` },
  ];
}

function Who({ entry: { who, via, address } }) {
  return html`<p class="break">${who}</p><p class="faint step-text break">${[via, address].filter(Boolean).join(" · ")}</p>`;
}

function What({ entry }) {
  const { operation, arguments: given, outcome } = entry;
  const key = `audit.what.${operation}`;
  const words = Object.entries(given).map(([name, value]) => `${name}: ${short(value)}`).join(" · ");
  return html`<p class="only-phone step-text faint"><span>${entry.who} · ${entry.via}</span></p>
    <p class="row"><b>${known(key) ? t(key) : operation}</b>${known(key) && html`<code class="faint wide">${operation}</code>`}</p>
    ${words && html`<details class="given"><summary class="clip">${words}</summary><${Json} value=${given} /></details>`}
    ${outcome.id && html`<a class="mono step-text" href=${link("jobs", {}, outcome.id)}>${outcome.id}</a>`}
    ${!outcome.ok && html`<p class="wrongly break">${[outcome.error, outcome.message].filter(Boolean).join(": ")}</p>`}`;
}

function Outcome({ outcome }) {
  const state = outcome.ok ? "succeeded" : "dead";
  const count = outcome.ok && typeof outcome.changed === "number" ? t("audit.changed", { count: outcome.changed }) : t(outcome.ok ? "audit.done" : "audit.refused");
  return html`<span class="state" data-state=${state}><${Shape} state=${state} />${count}</span>`;
}

function short(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
