/** How the jobs of a queue are spread over the states, as one bar. */
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { STATES } from "../lib/states.js";

/** @param {{counts: Record<string, number>}} props */
export function StateBar({ counts }) {
  const present = STATES.filter((state) => counts[state] > 0);
  const total = present.reduce((sum, state) => sum + counts[state], 0);
  const told = present.map((state) => `${t(`state.${state}`)}: ${t("number", { count: counts[state] })}`).join(", ");
  let left = 0;
  const parts = present.map((state) => {
    const width = (100 * counts[state]) / total;
    const part = html`<rect key=${state} data-state=${state} x="${left}%" width="${width}%" height="100%" />`;
    left += width;
    return part;
  });
  return html`<svg class="statebar" role="img" aria-label=${told || t("empty.jobs.title")}><title>${told}</title>${parts}</svg>`;
}
