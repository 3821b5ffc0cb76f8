/** Who is looking, and what that visitor may do. The secret itself lives in a cookie that this page cannot read. */
import { signal } from "./dom.js";
import { onUnauthorized, Problem, talk } from "./api.js";

const SCOPES = ["read", "operate", "administer"];

/** @type {import("../vendor/signals.js").Signal<{name: string, scope: string, read_only: boolean} | null>} */
export const visitor = signal(null);

/** Whether a token is needed before anything can be seen. */
export const locked = signal(false);

onUnauthorized(() => {
  locked.value = true;
});

/** Asks who this is. Without an answer nothing is allowed but looking. */
export async function meet() {
  try {
    visitor.value = await talk("GET", "me");
    locked.value = false;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
}

/** Begins the page anew, which may ask for everything then. @param {string} token @throws {Problem} */
export async function logIn(token) {
  await talk("POST", "login", { token });
  location.reload();
}

export async function logOut() {
  await talk("POST", "logout", {});
  visitor.value = null;
  locked.value = true;
}

/** @param {"read" | "operate" | "administer"} scope */
export function may(scope) {
  const who = visitor.value;
  if (!who || (who.read_only && scope !== "read")) return false;
  return SCOPES.indexOf(who.scope) >= SCOPES.indexOf(scope);
}
