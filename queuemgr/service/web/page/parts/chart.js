/** Series of numbers over time, drawn as SVG: small ones beside a figure, larger ones that can be read point by point. */
import { html, useState } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { formatClock, formatShort } from "../lib/format.js";

const WIDTH = 240;
const HEIGHT = 48;

/**
 * The last hour at a glance.
 * @param {{values: (number | null)[], label: string, state?: string}} props `state` gives its colour
 */
export function Sparkline({ values, label, state }) {
  const known = values.filter((value) => value !== null);
  const top = Math.max(...known, 0);
  const told = t("chart.told", { label, least: Math.min(...known), most: top, last: known.at(-1) ?? 0 });
  return html`<svg class="spark" data-state=${state} viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${told}>
    <${Area} values=${values} top=${top} />
  </svg>`;
}

/**
 * Several series over the same moments, with a readout that follows the pointer and the arrow keys.
 * @param {{times: number[], series: {name: string, values: (number | null)[], state?: string}[], label: string}} props
 */
export function TimeChart({ times, series, label }) {
  const [at, look] = useState(null);
  const top = Math.max(1, ...series.flatMap((one) => one.values.map((value) => value ?? 0)));
  const index = at ?? times.length - 1;
  const move = (step) => look(Math.max(0, Math.min(times.length - 1, index + step)));
  const follow = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    look(Math.round(((event.clientX - box.left) / box.width) * (times.length - 1)));
  };
  const keyed = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(step);
  };
  const x = times.length > 1 ? (index / (times.length - 1)) * WIDTH : 0;
  return html`<figure class="chart">
    <figcaption>
      <span class="chart-moment">${times.length ? formatClock(times[index]) : label}</span>
      ${series.map(
        (one) => html`<span class="legend" data-state=${one.state} key=${one.name}>
          <i></i>${one.name} <b>${formatShort(one.values[index] ?? 0)}</b>
        </span>`,
      )}
    </figcaption>
    <div class="chart-plot" tabindex="0" role="slider" aria-label=${label} aria-valuemin="0" aria-valuemax=${Math.max(0, times.length - 1)}
      aria-valuenow=${index} aria-valuetext=${toldAt(times, series, index)}
      onPointerMove=${follow} onPointerLeave=${() => look(null)} onKeyDown=${keyed}>
      <span class="chart-top" aria-hidden="true">${formatShort(top)}</span>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        ${series.map((one) => html`<g data-state=${one.state} key=${one.name}><${Area} values=${one.values} top=${top} /></g>`)}
        ${at !== null && html`<path class="chart-cursor" d="M${x} 0V${HEIGHT}" />`}
      </svg>
    </div>
  </figure>`;
}

function toldAt(times, series, index) {
  if (!times.length) return "";
  return `${formatClock(times[index])}: ${series.map((one) => `${one.name} ${formatShort(one.values[index] ?? 0)}`).join(", ")}`;
}

/** One area for each stretch that was measured: what nobody measured is not drawn as nothing. */
function Area({ values, top }) {
  const line = values.map((value, index) => {
    const x = (index / (values.length - 1)) * WIDTH;
    return value === null ? null : [x, HEIGHT - 2 - (value / (top || 1)) * (HEIGHT - 6)].map((one) => one.toFixed(1)).join(" ");
  });
  return stretches(line).map((part) => {
    const [from, to] = [part[0], part.at(-1)].map((point) => point.split(" ")[0]);
    return html`<path class="area" d="M${from} ${HEIGHT}L${part.join("L")}L${to} ${HEIGHT}Z" /><path class="line" d="M${part.join("L")}" />`;
  });
}

function stretches(points) {
  const parts = [[]];
  for (const point of points) {
    if (point === null) parts.push([]);
    else parts.at(-1).push(point);
  }
  return parts.filter((part) => part.length > 1);
}
