/** A moment as an age that grows, with the whole of it for whoever points at it. */
import { html } from "../lib/dom.js";
import { now, tick } from "../lib/clock.js";
import { formatAge, formatDuration, formatExact } from "../lib/format.js";

/** @param {{at: number | null | undefined, none?: string}} props */
export function When({ at, none = "–" }) {
  if (at === null || at === undefined) return html`<span class="faint">${none}</span>`;
  tick.value;
  return html`<time datetime=${new Date(at * 1000).toISOString()} title=${formatExact(at)}>${formatAge(at)}</time>`;
}

/** How long something has lasted since a moment, growing. @param {{since: number}} props */
export function Since({ since }) {
  tick.value;
  return html`<time datetime=${new Date(since * 1000).toISOString()} title=${formatExact(since)}>
    ${formatDuration(Math.max(0, now() - since))}
  </time>`;
}
