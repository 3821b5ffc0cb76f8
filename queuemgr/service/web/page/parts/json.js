/** Plain data as a tree that can be folded. Long lists and texts are cut, and say so. */
import { html, useState } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

const ITEMS = 100;
const TEXT = 2000;
const OPEN_DEPTH = 2;

/** @param {{value: any, depth?: number, name?: string}} props */
export function Json({ value, depth = 0, name }) {
  const label = name !== undefined && html`<span class="json-name">${name}</span>`;
  const { kind, plain } = untagged(value);
  if (plain !== null && typeof plain === "object") return html`<${Tree} value=${plain} depth=${depth} label=${label} kind=${kind} />`;
  return html`<div class="json-leaf">${label}<${Leaf} value=${plain} />${kind && html` <span class="faint">${kind}</span>`}</div>`;
}

/** What JSON has no word for comes as its kind and its plain form: a moment, a secret, a dict by other keys than texts. */
function untagged(value) {
  const tagged = typeof value?.$ === "string" && "v" in value && Object.keys(value).length === 2;
  if (!tagged) return { kind: "", plain: value };
  const pairs = value.$ === "dict" && Array.isArray(value.v) && value.v.every((one) => Array.isArray(one) && one.length === 2);
  if (!pairs) return { kind: value.$, plain: value.v };
  return { kind: "", plain: Object.fromEntries(value.v.map(([key, one]) => [Object(key) === key ? JSON.stringify(key) : key, one])) };
}

function Leaf({ value }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return html`<span class="json-${value === null ? "null" : typeof value}">${String(value)}</span>`;
  const cut = !whole && value.length > TEXT;
  return html`<span class="json-string">${cut ? `${value.slice(0, TEXT)}…` : value}</span>
    ${cut && html` <button type="button" class="textual" onClick=${() => setWhole(true)}>${t("json.whole", { count: value.length })}</button>`}`;
}

function Tree({ value, depth, label, kind }) {
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  const [shown, show] = useState(ITEMS);
  if (!entries.length) return html`<div class="json-leaf">${label}<span class="faint">${list ? "[ ]" : "{ }"}</span></div>`;
  const small = entries.length <= 30;
  return html`<details class="json-tree" open=${depth < OPEN_DEPTH && (depth === 0 || small)}>
    <summary>${label}<span class="faint">${t(list ? "json.items" : "json.fields", { count: entries.length })}${kind && ` · ${kind}`}</span></summary>
    ${entries.slice(0, shown).map(([name, one]) => html`<${Json} key=${name} name=${name} value=${one} depth=${depth + 1} />`)}
    ${entries.length > shown && html`<button type="button" class="textual" onClick=${() => show(shown + ITEMS)}>${t("json.more", { count: entries.length - shown })}</button>`}
  </details>`;
}
