/**
 * What is on the screen, as the address says it: `#/jobs/ID?q=state:dead`. The part behind `#` works below any prefix and
 * any proxy, because the server never sees it. It draws nothing.
 */
import { signal } from "./dom.js";

/** @typedef {{screen: string, id: string | null, query: Record<string, string>}} Place */

/** @type {import("../vendor/signals.js").Signal<Place>} */
export const place = signal(parse(location.hash));

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
}

/** Changes the query of this place without a step in the history. */
export function amend(query) {
  const { screen, id, query: old } = place.peek();
  history.replaceState(null, "", link(screen, { ...old, ...query }, id));
  place.value = parse(location.hash);
}

function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [screen, id = null] = path.split("/");
  const query = Object.fromEntries(new URLSearchParams(search));
  return { screen: screen || "overview", id: id && decodeURIComponent(id), query };
}

addEventListener("hashchange", () => {
  place.value = parse(location.hash);
});
