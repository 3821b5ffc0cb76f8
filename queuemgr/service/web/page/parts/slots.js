/** How many of so many places are taken: one mark for each while they can be counted, else a bar. */
import { html } from "../lib/dom.js";

const COUNTED = 32;
const WIDTH = 9;

/** @param {{used: number, total: number, label: string}} props */
export function Slots({ used, total, label }) {
  if (total > COUNTED || used > total) {
    const share = Math.min(100, (100 * used) / Math.max(1, total));
    return html`<svg class="statebar" role="img" aria-label=${label}><title>${label}</title>
      <rect data-state="running" width="${share}%" height="100%" /></svg>`;
  }
  const places = Array.from({ length: total }, (_, index) => index);
  return html`<svg class="slots" viewBox="0 0 ${total * WIDTH} 12" width=${total * WIDTH} height="12" role="img" aria-label=${label}><title>${label}</title>
    ${places.map((index) => html`<rect key=${index} data-state=${index < used ? "running" : undefined} x=${index * WIDTH + 0.5} y="0.5" width="6.5" height="11" rx="1.5" />`)}
  </svg>`;
}
