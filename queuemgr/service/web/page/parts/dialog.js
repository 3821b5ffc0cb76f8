/** Dialogs: the browser's own, which keeps the focus inside, closes at Escape and gives the focus back. */
import { html, signal, useEffect, useId, useRef } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Button, IconButton } from "./button.js";

const open = signal(null);

/**
 * Shows a dialog until it is closed.
 * @param {(close: (answer?: any) => void) => any} draw what is inside: usually a <${Dialog}>
 * @returns {Promise<any>} what it was closed with; undefined if it was dismissed
 */
export function showDialog(draw) {
  open.peek()?.finish();
  const before = document.activeElement;
  return new Promise((resolve) => {
    const finish = (answer) => {
      open.value = null;
      resolve(answer);
      requestAnimationFrame(() => giveBack(before));
    };
    open.value = { draw, finish };
  });
}

/** The browser gives the focus back at Escape alone; a dialog that was answered is taken away with the focus in it. */
function giveBack(element) {
  if (!open.peek() && document.activeElement === document.body) element?.focus();
}

/**
 * Asks whether to go on.
 * @param {{title: string, body?: any, action: string, danger?: boolean}} asked
 * @returns {Promise<boolean>}
 */
export async function confirm({ title, body, action, danger }) {
  const answer = await showDialog(
    (close) => html`<${Dialog} title=${title} close=${close}
      actions=${html`<${Button} data-first=${danger} onClick=${() => close()}>${t("dismiss")}<//>
        <${Button} kind=${danger ? "danger" : "primary"} data-first=${!danger} onClick=${() => close(true)}>${action}<//>`}>
      ${body}
    <//>`,
  );
  return answer === true;
}

/** The frame of a dialog. @param {{title: string, close: Function, actions?: any, wide?: boolean, children?: any}} props */
export function Dialog({ title, close, actions, wide, children }) {
  const frame = useRef(null);
  const label = useId();
  useEffect(() => {
    frame.current.showModal();
    frame.current.querySelector('[data-first="true"]')?.focus();
  }, []);
  const outside = (event) => event.target === frame.current && close();
  return html`<dialog ref=${frame} class=${wide ? "wide" : undefined} aria-labelledby=${label} onClose=${() => close()} onMouseDown=${outside}>
    <div class="dialog">
      <header><h2 id=${label}>${title}</h2><${IconButton} icon="close" label=${t("close")} onClick=${() => close()} /></header>
      <div class="dialog-body">${children}</div>
      ${actions && html`<footer>${actions}</footer>`}
    </div>
  </dialog>`;
}

/** Where dialogs appear: once on the page. */
export function DialogHost() {
  const shown = open.value;
  return shown && shown.draw(shown.finish);
}
