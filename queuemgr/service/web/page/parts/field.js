/** Fields of a form with their labels above them and, where it helps, a line below that says what to write. */
import { html, useId } from "../lib/dom.js";

/**
 * @param {{label: string, value: string, change: (value: string) => void, hint?: any, mono?: boolean, type?: string,
 *   offers?: string[]}} props `offers` are suggested; further attributes go to the field itself
 */
export function Field({ label, value, change, hint, mono, type = "text", offers, ...rest }) {
  const id = useId();
  return html`<label class="labelled"><span>${label}</span>
    <input class=${mono ? "field mono" : "field"} type=${type} value=${value} autocomplete="off" spellcheck=${false} list=${offers && `${id}-list`}
      aria-describedby=${hint ? `${id}-hint` : undefined} onInput=${(event) => change(event.currentTarget.value)} ...${rest} />
    ${offers && html`<datalist id=${`${id}-list`}>${offers.map((one) => html`<option key=${one} value=${one} />`)}</datalist>`}
    ${hint && html`<small id=${`${id}-hint`} class="faint">${hint}</small>`}
  </label>`;
}

/** @param {{label: string, value: string, change: (value: string) => void, options: [string, string][]}} props value and words of each */
export function Choice({ label, value, change, options, ...rest }) {
  return html`<label class="labelled"><span>${label}</span>
    <select class="field" onChange=${(event) => change(event.currentTarget.value)} ...${rest}>
      ${options.map(([one, text]) => html`<option key=${one} value=${one} selected=${one === value}>${text}</option>`)}
    </select>
  </label>`;
}
