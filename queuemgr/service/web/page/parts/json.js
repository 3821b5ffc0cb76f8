/** Plain data as a tree that can be folded. Long lists and texts are cut, and say so. */
import { html, useState } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

const ITEMS = 100;
const TEXT = 2000;
const OPEN_DEPTH = 2;

/** @param {{value: any, depth?: number, name?: string}} props */
export function Json({ value, depth = 0, name }) {
  const label = name !== undefined && html`<span class="json-name">${name}</span>`;
  if (value !== null && typeof value === "object") return html`<${Tree} value=${value} depth=${depth} label=${label} />`;
  return html`<div class="json-leaf">${label}<${Leaf} value=${value} /></div>`;
}

function Leaf({ value }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return html`<span class="json-${value === null ? "null" : typeof value}">${String(value)}</span>`;
  const cut = !whole && value.length > TEXT;
  return html`<span class="json-string">${cut ? `${value.slice(0, TEXT)}…` : value}</span>
    ${cut && html` <button type="button" class="textual" onClick=${() => setWhole(true)}>${t("json.whole", { count: value.length })}</button>`}`;
}

function Tree({ value, depth, label }) {
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  const [shown, show] = useState(ITEMS);
  if (!entries.length) return html`<div class="json-leaf">${label}<span class="faint">${list ? "[ ]" : "{ }"}</span></div>`;
  const small = entries.length <= 30;
  return html`<details class="json-tree" open=${depth < OPEN_DEPTH && (depth === 0 || small)}>
    <summary>${label}<span class="faint">${t(list ? "json.items" : "json.fields", { count: entries.length })}</span></summary>
    ${entries.slice(0, shown).map(([name, one]) => html`<${Json} key=${name} name=${name} value=${one} depth=${depth + 1} />`)}
    ${entries.length > shown && html`<button type="button" class="textual" onClick=${() => show(shown + ITEMS)}>${t("json.more", { count: entries.length - shown })}</button>`}
  </details>`;
}
