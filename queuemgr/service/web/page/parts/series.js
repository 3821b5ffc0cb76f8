/** A list of numbers as a line that can be read point by point, with the pointer or with the arrow keys. */
import { html, useState } from "../lib/dom.js";
import { formatNumber, t } from "../lib/i18n.js";

const WIDTH = 240;
const HEIGHT = 60;

/** @param {{values: number[], offset?: number, label: string}} props `offset` is the place of the first */
export function SeriesChart({ values, offset = 0, label }) {
  const [at, look] = useState(null);
  const last = values.length - 1;
  const index = Math.min(at ?? last, last);
  const line = drawn(values);
  const follow = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    look(Math.max(0, Math.min(last, Math.round(((event.clientX - box.left) / box.width) * last))));
  };
  const keyed = (event) => {
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    look(Math.max(0, Math.min(last, to)));
  };
  const told = t("result.point", { place: offset + index + 1, value: formatNumber(values[index]) });
  return html`<figure class="chart">
    <figcaption><span class="faint">${label}</span><b class="number chart-point">${told}</b></figcaption>
    <div class="chart-plot" tabindex="0" role="slider" aria-label=${label} aria-valuemin="0" aria-valuemax=${last} aria-valuenow=${index} aria-valuetext=${told}
      onPointerMove=${follow} onPointerLeave=${() => look(null)} onKeyDown=${keyed}>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><g>
        <path class="line" d="M${line.join("L")}" />
        ${at !== null && html`<path class="chart-cursor" d="M${(index / last) * WIDTH} 0V${HEIGHT}" />`}
      </g></svg>
    </div>
  </figure>`;
}

function drawn(values) {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  return values.map((value, index) => {
    const y = HEIGHT - 3 - ((value - low) / (high - low || 1)) * (HEIGHT - 6);
    return `${((index / (values.length - 1)) * WIDTH).toFixed(2)} ${y.toFixed(2)}`;
  });
}
