/** Takes a text to the clipboard, also where the page came over plain HTTP and the browser offers no clipboard. */
import { html, useState } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { IconButton } from "./button.js";
import { toast } from "./toast.js";

/** @param {string} text */
export async function copyText(text) {
  const done = navigator.clipboard ? await navigator.clipboard.writeText(text).then(() => true, () => selected(text)) : selected(text);
  toast(done ? t("copied") : t("copy.refused"), { kind: done ? "done" : "wrong" });
}

/** A button that copies. @param {{text: string, label?: string}} props */
export function Copy({ text, label = t("copy") }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<${IconButton} icon=${done ? "check" : "copy"} label=${label} onClick=${copy} />`;
}

/** A line of code with its button. @param {{text: string}} props */
export function CopyLine({ text }) {
  return html`<div class="copyline"><code tabindex="0">${text}</code><${Copy} text=${text} /></div>`;
}

function selected(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "offscreen";
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
