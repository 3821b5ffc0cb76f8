/** Short notices of what was done, read out by screen readers, gone by themselves. */
import { html, signal } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { IconButton } from "./button.js";

const STAY = 6000;
const STAY_WRONG = 15000;

const notices = signal([]);
let number = 0;

/** @param {string} text @param {{kind?: "done" | "wrong", hint?: string}} [options] */
export function toast(text, { kind = "done", hint = "" } = {}) {
  const id = ++number;
  notices.value = [...notices.value.slice(-3), { id, text, kind, hint }];
  setTimeout(() => dismiss(id), kind === "wrong" ? STAY_WRONG : STAY);
}

/** Shows what went wrong. @param {import("../lib/api.js").Problem} problem */
export function toastProblem(problem) {
  toast(problem.message, { kind: "wrong", hint: problem.hint });
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${notices.value.map(
      (one) => html`<div class="toast" data-kind=${one.kind} key=${one.id}>
        <div><p>${one.text}</p>${one.hint && html`<p class="faint">${one.hint}</p>`}</div>
        <${IconButton} icon="close" label=${t("close")} onClick=${() => dismiss(one.id)} />
      </div>`,
    )}
  </div>`;
}

function dismiss(id) {
  notices.value = notices.value.filter((one) => one.id !== id);
}
