/** Texts in the reader's language, switched in place. A text is a string, or one string for each plural form. */
import { computed, signal } from "./dom.js";
import { setting } from "./settings.js";

export const LANGUAGES = { en: "English", ru: "Русский" };

/** @type {import("../vendor/signals.js").Signal<"en" | "ru">} */
export const language = setting("language", preferred());

/** @type {import("../vendor/signals.js").Signal<Record<string, string | Record<string, string>>>} */
const texts = signal({});
const fallback = { texts: {} };

/** The language whose texts are shown: it changes once these have come. */
const shown = signal(language.peek());
const plurals = computed(() => new Intl.PluralRules(shown.value));
const numbers = computed(() => new Intl.NumberFormat(shown.value, { maximumFractionDigits: 2 }));

export const locale = computed(() => shown.value);

/** Fetches the texts of the chosen language, and those of English once for what a translation lacks. */
export async function loadTexts(wanted = language.peek()) {
  const [chosen, english] = await Promise.all([fetchTexts(wanted), wanted === "en" ? null : fetchTexts("en")]);
  fallback.texts = english ?? chosen;
  shown.value = wanted;
  texts.value = chosen;
  document.documentElement.lang = wanted;
}

/** @param {"en" | "ru"} wanted */
export async function switchLanguage(wanted) {
  await loadTexts(wanted);
  language.value = wanted;
}

/**
 * The text under a key. `{name}` stands for a parameter; `count` chooses the plural form.
 * @param {string} key
 * @param {Record<string, string | number>} [given]
 * @returns {string}
 */
export function t(key, given = {}) {
  return template(key, given).replace(/\{(\w+)\}/g, (whole, name) =>
    name in given ? written(given[name]) : whole,
  );
}

/**
 * As `t`, for parameters that are drawn: the pieces in order, to be put into a template.
 * @param {string} key
 * @param {Record<string, any>} given
 */
export function rich(key, given) {
  const pieces = template(key, given).split(/\{(\w+)\}/);
  return pieces.map((piece, index) => (index % 2 ? (given[piece] ?? "") : piece));
}

/** Whether there is such a text in any language: for words that come from the server. */
export function known(key) {
  return key in texts.value || key in fallback.texts;
}

/** @param {number} value */
export function formatNumber(value) {
  return numbers.value.format(value);
}

function template(key, given) {
  const found = texts.value[key] ?? fallback.texts[key] ?? key;
  if (typeof found === "string") return found;
  return found[plurals.value.select(Number(given.count ?? 0))] ?? found.other ?? key;
}

function written(value) {
  return typeof value === "number" ? formatNumber(value) : String(value);
}

async function fetchTexts(wanted) {
  const answer = await fetch(new URL(`../locales/${wanted}.json`, import.meta.url));
  return answer.json();
}

function preferred() {
  return (navigator.languages ?? []).some((one) => one.toLowerCase().startsWith("ru")) &&
    !(navigator.language ?? "").toLowerCase().startsWith("en")
    ? "ru"
    : "en";
}
