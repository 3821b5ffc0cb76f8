/** Lists that say more when they are drawn: objects of one shape as a table, numbers as a line. */
import { html } from "../../lib/dom.js";
import { formatNumber, t } from "../../lib/i18n.js";
import { SeriesChart } from "../../parts/series.js";

const COLUMNS = 30;

/** @param {any[]} items */
export function isNumbers(items) {
  return items.length > 2 && items.every((item) => typeof item === "number");
}

/** @param {any[]} items */
export function isRows(items) {
  return items.length > 0 && items.every((item) => item !== null && typeof item === "object" && !Array.isArray(item)) && columnsOf(items).length <= COLUMNS;
}

/** @param {{values: number[], offset: number}} props `offset` is the place of the first in the whole list */
export function Numbers({ values, offset }) {
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const told = t("result.numbers", { least: shortNumber(least), mean: shortNumber(mean), most: shortNumber(most) });
  return html`<${SeriesChart} values=${values} offset=${offset} label=${told} />`;
}

/** @param {{rows: object[], offset: number}} props */
export function Rows({ rows, offset }) {
  const names = columnsOf(rows);
  const number = Object.fromEntries(names.map((name) => [name, rows.every((row) => ["number", "undefined"].includes(typeof (row[name] ?? undefined)))]));
  return html`<div class="values" tabindex="0" role="group" aria-label=${t("result.title")}><table>
    <thead><tr><th scope="col" class="number">#</th>${names.map((name) => html`<th key=${name} scope="col" class=${number[name] ? "number" : undefined}>${name}</th>`)}</tr></thead>
    <tbody>${rows.map((row, index) => html`<tr key=${offset + index}><td class="number faint">${offset + index + 1}</td>
      ${names.map((name) => html`<td key=${name} class=${number[name] ? "number" : undefined} title=${long(row[name])}>${shown(row[name])}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

function columnsOf(rows) {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function shown(value) {
  if (value === undefined) return "";
  if (value === null) return html`<span class="faint">null</span>`;
  if (typeof value === "object") return html`<code>${JSON.stringify(value)}</code>`;
  return String(value);
}

/** The whole of what a cell may cut. */
function long(value) {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value ?? "");
  return text.length > 40 ? text : undefined;
}

function shortNumber(value) {
  return formatNumber(Number(value.toPrecision(6)));
}
