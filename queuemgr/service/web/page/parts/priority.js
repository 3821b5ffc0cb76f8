/** A field for another priority of jobs: Enter asks for it, Escape leaves all as it is. */
import { html, useLayoutEffect, useRef, useState } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { IconButton } from "./button.js";

/** @param {{label: string, keep: (priority: number) => Promise<boolean>, close: () => void}} props `keep` tells whether it was done */
export function PriorityField({ label, keep, close }) {
  const field = useRef(null);
  const [typed, type] = useState("");
  useLayoutEffect(() => void field.current.focus(), []);
  const submit = async (event) => {
    event.preventDefault();
    if (await keep(Number(typed))) close();
    else field.current?.focus();
  };
  const keyed = (event) => {
    if (event.key === "Escape") close();
  };
  return html`<form class="limit-form" onSubmit=${submit} onKeyDown=${keyed}>
    <input ref=${field} class="field" type="number" min="0" max="9" step="1" required value=${typed} onInput=${(event) => type(event.currentTarget.value)} placeholder="0–9" aria-label=${label} title=${label} />
    <button type="submit" class="button">${t("priority.keep")}</button>
    <${IconButton} icon="close" label=${t("dismiss")} onClick=${close} />
  </form>`;
}
