/** Light, dark, or as the system says. `early.js` has applied the choice before the first paint. */
import { effect } from "./dom.js";
import { setting } from "./settings.js";

export const THEMES = ["auto", "light", "dark"];

/** @type {import("../vendor/signals.js").Signal<"auto" | "light" | "dark">} */
export const theme = setting("theme", "auto");

effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});

/** The next of the three. */
export function turnTheme() {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length];
}
