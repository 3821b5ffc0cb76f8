/** A job's state as a shape, a colour and a word: any one of the three is enough to tell it. */
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

const SHAPES = {
  scheduled: html`<circle cx="6" cy="6" r="4.6" /><path d="M6 3.4V6l1.8 1.2" />`,
  ready: html`<circle cx="6" cy="6" r="4.2" />`,
  running: html`<path class="filled" d="M3.2 1.6 10.4 6 3.2 10.4z" />`,
  held: html`<path class="thick" d="M4 2.2v7.6M8 2.2v7.6" />`,
  parked: html`<rect x="1.8" y="1.8" width="8.4" height="8.4" rx="1.4" stroke-dasharray="2.4 1.6" />`,
  succeeded: html`<path class="thick" d="M1.8 6.4 4.8 9.4 10.2 2.8" />`,
  dead: html`<path class="thick" d="M2.4 2.4l7.2 7.2M9.6 2.4 2.4 9.6" />`,
  cancelled: html`<circle cx="6" cy="6" r="4.4" /><path d="M2.9 2.9l6.2 6.2" />`,
};

/** @param {{state: import("../lib/states.js").State}} props */
export function Shape({ state }) {
  return html`<svg class="shape" data-state=${state} viewBox="0 0 12 12" aria-hidden="true">${SHAPES[state]}</svg>`;
}

/** @param {{state: import("../lib/states.js").State}} props */
export function StateBadge({ state }) {
  return html`<span class="state" data-state=${state}><${Shape} state=${state} />${t(`state.${state}`)}</span>`;
}
