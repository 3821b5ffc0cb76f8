/** Buttons: with words, or with a drawing alone that has its words for screen readers and in a tooltip. */
import { html, classes } from "../lib/dom.js";
import { Icon } from "./icon.js";

/**
 * @param {{onClick: (event: Event) => void, icon?: string, kind?: "plain" | "primary" | "danger" | "quiet",
 *   disabled?: boolean, title?: string, keys?: string, children?: any}} props
 */
export function Button({ icon, kind = "plain", keys, children, type = "button", ...rest }) {
  return html`<button type=${type} class=${classes("button", kind)} aria-keyshortcuts=${keys} ...${rest}>
    ${icon && html`<${Icon} name=${icon} />`}${children && html`<span>${children}</span>`}
  </button>`;
}

/** @param {{icon: string, label: string, onClick: (event: Event) => void}} props */
export function IconButton({ icon, label, ...rest }) {
  return html`<button type="button" class="button quiet square" aria-label=${label} title=${label} ...${rest}>
    <${Icon} name=${icon} />
  </button>`;
}
