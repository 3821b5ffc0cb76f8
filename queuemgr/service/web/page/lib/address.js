/**
 * What is on the screen, as the address says it: `#/jobs/ID?q=state:dead`. The part behind `#` works below any prefix and
 * any proxy, because the server never sees it. It draws nothing.
 */
import { signal } from "./dom.js";

/** @typedef {{screen: string, id: string | null, query: Record<string, string>}} Place */

let shown = location.hash;

/** @type {import("../vendor/signals.js").Signal<Place>} */
export const place = signal(parse(shown));

/**
 * @param {string} screen
 * @param {Record<string, string | null | undefined>} [query] empty values are left out
 * @param {string | null} [id]
 */
export function link(screen, query = {}, id = null) {
  const search = Object.entries(query)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%3A/g, ":").replace(/%20/g, "+")}`);
  const path = ["#", screen, id && encodeURIComponent(id)].filter(Boolean).join("/");
  return search.length ? `${path}?${search.join("&")}` : path;
}

/** Goes to a place, and back from it with the browser's own button. */
export function go(address) {
  location.hash = address;
  // Not when the browser gets round to telling it: a key that is pressed next must find nothing of the place that was left.
  arrive();
}

/** Changes the query of this place without a step in the history. */
export function amend(query) {
  const { screen, id, query: old } = place.peek();
  history.replaceState(null, "", link(screen, { ...old, ...query }, id));
  arrive();
}

function arrive() {
  if (location.hash === shown) return;
  shown = location.hash;
  place.value = parse(shown);
}

function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [screen, id = null] = path.split("/");
  const query = Object.fromEntries(new URLSearchParams(search));
  return { screen: screen || "overview", id: id && decodeURIComponent(id), query };
}

addEventListener("hashchange", arrive);
