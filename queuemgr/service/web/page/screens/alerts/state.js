/** How an alert stands, as a shape, a colour and a word, in the shapes that jobs have. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { Shape } from "../../parts/state.js";

const LIKE = { ok: "succeeded", pending: "held", firing: "dead", unknown: "ready" };

/** @param {{state: "ok" | "pending" | "firing" | null}} props null where nobody has judged it yet */
export function AlertState({ state }) {
  const known = state ?? "unknown";
  return html`<span class="state" data-state=${LIKE[known]}><${Shape} state=${LIKE[known]} />${t(`alerts.state.${known}`)}</span>`;
}
