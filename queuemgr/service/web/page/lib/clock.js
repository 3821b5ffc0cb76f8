/** The server's time as this page knows it, and a tick by which ages on the screen grow. */
import { signal } from "./dom.js";

let ahead = 0;

/** Grows once a second while the page can be seen: read it to be drawn again. */
export const tick = signal(0);

/** Learns from an answer that says `at` how far the server's clock is ahead of this one. */
export function learn(at) {
  if (typeof at === "number") ahead = at - Date.now() / 1000;
}

/** Seconds since the epoch, by the server's clock. */
export function now() {
  return Date.now() / 1000 + ahead;
}

setInterval(() => {
  if (!document.hidden) tick.value += 1;
}, 1000);
