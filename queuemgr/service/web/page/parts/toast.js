/** Short notices of what was done, read out by screen readers, gone by themselves. */
import { html, signal } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { IconButton } from "./button.js";

const STAY = 6000;
const STAY_WRONG = 15000;
const MOST = 4;

const notices = signal([]);
let number = 0;

/** @param {string} text @param {{kind?: "done" | "wrong", hint?: string}} [options] */
export function toast(text, { kind = "done", hint = "" } = {}) {
  const id = show({ text, kind, hint });
  setTimeout(() => dismiss(id), kind === "wrong" ? STAY_WRONG : STAY);
}

/**
 * Says what is under way, until it is over.
 * @param {string} text
 * @param {string} hint
 * @returns {{tell: (share: number) => void, end: () => void}} `share` is how much of it is done, 0 to 1
 */
export function toastLasting(text, hint) {
  const id = show({ text, kind: "busy", hint, share: 0 });
  const tell = (share) => (notices.value = notices.value.map((one) => (one.id === id ? { ...one, share } : one)));
  return { tell, end: () => dismiss(id) };
}

/** Shows what went wrong. @param {import("../lib/api.js").Problem} problem */
export function toastProblem(problem) {
  toast(problem.message, { kind: "wrong", hint: problem.hint });
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${notices.value.map(
      (one) => html`<div class="toast" data-kind=${one.kind} key=${one.id}>
        <div><p>${one.text}</p>${one.share > 0 && html`<${Share} share=${one.share} of=${one.text} />`}${one.hint && html`<p class="faint">${one.hint}</p>`}</div>
        <${IconButton} icon="close" label=${t("close")} onClick=${() => dismiss(one.id)} />
      </div>`,
    )}
  </div>`;
}

/** Its number is not read out at every step: the bar is there to be asked. */
function Share({ share, of }) {
  return html`<div class="progress" data-state="running"><progress max="1" value=${share} aria-label=${of}></progress>
    <span class="number" aria-hidden="true">${Math.floor(100 * share)} %</span></div>`;
}

function show(notice) {
  const id = ++number;
  const lasting = notices.value.filter((one) => one.kind === "busy");
  const others = notices.value.filter((one) => one.kind !== "busy").slice(1 - MOST);
  notices.value = [...lasting, ...others, { ...notice, id }];
  return id;
}

function dismiss(id) {
  notices.value = notices.value.filter((one) => one.id !== id);
}
