/** How many jobs of a queue run, of how many may, changed in place: Enter keeps the number, Escape leaves it. */
import { html, useLayoutEffect, useRef, useState } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { formatShort } from "../../lib/format.js";
import { may } from "../../lib/session.js";
import { IconButton } from "../../parts/button.js";
import { limitQueue } from "./changing.js";

/** @param {{queue: any}} props */
export function Limit({ queue }) {
  const [editing, setEditing] = useState(false);
  const shown = useRef(null);
  const left = useRef(false);
  useLayoutEffect(() => {
    if (left.current && !editing) shown.current?.focus();
    left.current = editing;
  }, [editing]);
  const running = formatShort(queue.counts.running);
  const told = queue.limit === null ? running : t("queues.of", { running, limit: formatShort(queue.limit) });
  if (editing) return html`<${Editor} queue=${queue} close=${() => setEditing(false)} />`;
  const full = queue.limit !== null && queue.counts.running >= queue.limit ? "limit full" : "limit";
  if (!may("operate")) return html`<span class=${full}>${told}</span>`;
  return html`<button type="button" ref=${shown} class=${full} title=${t("queues.limit.edit")} onClick=${() => setEditing(true)}>
    ${told}<span class="hidden">, ${t("queues.limit.edit")}</span>
  </button>`;
}

function Editor({ queue, close }) {
  const field = useRef(null);
  const [typed, type] = useState(String(queue.limit ?? ""));
  useLayoutEffect(() => void field.current.select(), []);
  const keep = async (event) => {
    event.preventDefault();
    const done = await limitQueue(queue.name, typed.trim() === "" ? null : Number(typed));
    if (done) close();
    else field.current?.focus();
  };
  const keyed = (event) => {
    if (event.key === "Escape") close();
  };
  return html`<form class="limit-form" onSubmit=${keep} onKeyDown=${keyed}>
    <input ref=${field} class="field" type="number" min="1" step="1" value=${typed} onInput=${(event) => type(event.currentTarget.value)} placeholder="∞" aria-label=${t("queues.limit.of", { name: queue.name })} />
    <button type="submit" class="button">${t("queues.limit.keep")}</button>
    <${IconButton} icon="close" label=${t("dismiss")} onClick=${close} />
  </form>`;
}
