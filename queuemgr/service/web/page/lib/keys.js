/** The keyboard: screens say what their keys do, and the help reads the same list. Nothing fires while somebody types. */
import { signal, useLayoutEffect } from "./dom.js";
import { setting } from "./settings.js";

/** @typedef {{keys: string, text: string, run?: (event: KeyboardEvent) => void, group?: string}} Shortcut what has no `run`
 *  is done by the browser or a part itself, and told by the help alone */

const SEQUENCE = 1200;

/** @type {import("../vendor/signals.js").Signal<Shortcut[]>} All that can be pressed now; `text` is a key of a text. */
export const shortcuts = signal([]);

/** Whether single keys do anything: who dictates or types by other means may want them off. */
export const singleKeys = setting("keys", true);

let before = { key: "", at: 0 };

/**
 * Offers keys while the component is on the screen: `{ keys: "g j", text: "keys.jobs", run }`.
 * @param {Shortcut[]} offered
 * @param {unknown[]} [depends] when to take them anew
 */
export function useKeys(offered, depends = []) {
  // At once, so that no key is lost that follows what has just appeared.
  useLayoutEffect(() => {
    shortcuts.value = [...shortcuts.peek(), ...offered];
    return () => {
      shortcuts.value = shortcuts.peek().filter((one) => !offered.includes(one));
    };
  }, depends);
}

/** Whether what is typed belongs to a field. */
export function isTyping(target) {
  return target instanceof Element && Boolean(target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]"));
}

/**
 * Keeps what is typed for a field that is on its way: no shortcut must take it for its own.
 * @returns {() => {text: string, entered: boolean}} ends that, and tells what was typed and whether Enter followed
 */
export function holdKeys() {
  let [text, entered] = ["", false];
  const hold = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || entered) return;
    if (event.key === "Enter") entered = true;
    else if (event.key === "Backspace") text = text.slice(0, -1);
    else if (event.key.length === 1) text += event.key;
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("keydown", hold, true);
  return () => {
    removeEventListener("keydown", hold, true);
    return { text, entered };
  };
}

function pressed(event) {
  const name = nameOf(event);
  const modified = event.ctrlKey || event.metaKey;
  if (!modified && !singleKeys.peek()) return;
  if (event.altKey || (isTyping(event.target) && !modified) || document.querySelector("dialog[open]")) return;
  const sequence = event.timeStamp - before.at < SEQUENCE ? `${before.key} ${name}` : name;
  before = { key: name, at: event.timeStamp };
  const found = find(sequence) ?? find(name);
  if (!found) return;
  event.preventDefault();
  before = { key: "", at: 0 };
  found.run(event);
}

function find(keys) {
  return shortcuts.peek().findLast((one) => one.keys === keys && one.run);
}

function nameOf(event) {
  // The place of the key counts for letters, so that they work in a Cyrillic layout, too.
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase();
  const name = letter && !/^[a-z]$/i.test(event.key) ? letter : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const words = [event.ctrlKey || event.metaKey ? "ctrl" : "", event.shiftKey && letter ? "shift" : "", name];
  return words.filter(Boolean).join("+");
}

addEventListener("keydown", pressed);
