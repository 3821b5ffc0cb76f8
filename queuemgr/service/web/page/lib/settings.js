/** What a person has chosen for this browser. It is kept there and sent nowhere. */
import { effect, signal } from "./dom.js";

const PREFIX = "queuemgr.";

/**
 * A signal that outlives the page.
 * @template T
 * @param {string} name
 * @param {T} initial
 * @returns {import("../vendor/signals.js").Signal<T>}
 */
export function setting(name, initial) {
  const kept = signal(read(name, initial));
  effect(() => write(name, kept.value));
  return kept;
}

function read(name, initial) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? initial : JSON.parse(text);
  } catch {
    return initial; // storage may be forbidden, or filled by an older page
  }
}

function write(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // a private window may refuse: the choice then lasts as long as the page
  }
}
