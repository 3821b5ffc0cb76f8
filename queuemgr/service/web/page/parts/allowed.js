/** Says why nothing can be changed here, to whoever may only look. Whoever may change things sees nothing of it. */
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { may, visitor } from "../lib/session.js";

/** @param {{scope?: "operate" | "administer"}} props */
export function Reason({ scope = "operate" }) {
  if (may(scope)) return null;
  return html`<span class="reason">${t(visitor.value?.read_only ? "allowed.read_only" : `allowed.${scope}`)}</span>`;
}
