/** A button that opens a short list of things to do. Arrows move in it, Escape closes it. */
import { html, useLayoutEffect, useRef, useState } from "../lib/dom.js";
import { Icon } from "./icon.js";

/**
 * @param {{label: any, name?: string, icon?: string, items: {text: string, icon?: string, run: () => void, danger?: boolean,
 *   disabled?: boolean, chosen?: boolean}[], kind?: string}} props `name` is what a menu without words is called
 */
export function Menu({ label, name, icon, items, kind = "plain" }) {
  const [open, setOpen] = useState(false);
  const place = useRef(null);
  const button = useRef(null);
  // At once: whoever types quickly means the item, not the button.
  useLayoutEffect(() => {
    if (!open) return undefined;
    place.current.querySelector("[role^=menuitem]:not([disabled])")?.focus();
    const outside = (event) => place.current.contains(event.target) || setOpen(false);
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const leave = () => {
    setOpen(false);
    button.current.focus();
  };
  const keyed = (event) => open && moved(event, place.current, leave);
  return html`<div class="menu" ref=${place} onKeyDown=${keyed}>
    <button type="button" ref=${button} class="button ${kind} ${label ? "" : "square"}" aria-haspopup="menu" aria-expanded=${open}
      aria-label=${name} title=${name} onClick=${() => setOpen(!open)}>
      ${icon && html`<${Icon} name=${icon} />`}${label && html`<span>${label}</span><${Icon} name="down" class="small" />`}
    </button>
    ${open && html`<div role="menu" class="menu-list">${items.map((item) => html`<${Item} key=${item.text} item=${item} leave=${leave} />`)}</div>`}
  </div>`;
}

function Item({ item, leave }) {
  const choose = () => {
    leave();
    item.run();
  };
  const role = item.chosen === undefined ? "menuitem" : "menuitemradio";
  return html`<button type="button" role=${role} aria-checked=${item.chosen} tabindex="-1" class=${item.danger ? "danger" : undefined}
    disabled=${item.disabled} onClick=${choose}>
    ${item.icon && html`<${Icon} name=${item.icon} />`}<span>${item.text}</span>${item.chosen && html`<${Icon} name="check" />`}
  </button>`;
}

function moved(event, place, leave) {
  const items = [...place.querySelectorAll("[role^=menuitem]:not([disabled])")];
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") leave();
  if (event.key === "Escape") event.stopPropagation();
  if (next === undefined) return;
  event.preventDefault();
  items[next % items.length]?.focus();
}
