/** The text in the search box as its words. The server reads the same text, and says what it does not understand. */
import { link } from "../../lib/address.js";

/** @typedef {{name: string, value: string, raw: string}} Word `name` is empty where something is merely looked for */

const WORD = /(?:[^\s"]|"[^"]*"?)+/g;

/** @param {string} text @returns {Word[]} */
export function wordsOf(text) {
  return (text.match(WORD) ?? []).map((raw) => {
    const [, name = "", value = raw] = /^(args(?:\.[^\s:]+)?|[a-z]+):(.*)$/s.exec(raw) ?? [];
    return { name, value: value.replaceAll('"', ""), raw };
  });
}

/** The value of a field, empty where it is not asked for. */
export function valueOf(text, name) {
  return wordsOf(text).find((word) => word.name === name)?.value ?? "";
}

/** The text with a field set to another value; an empty value takes it out. */
export function withValue(text, name, value) {
  const others = wordsOf(text).filter((word) => word.name !== name);
  return [...(value ? [`${name}:${quoted(value)}`] : []), ...others.map((word) => word.raw)].join(" ");
}

/** The address of the list under a search: `jobsLink({ queue: "mail", state: "dead" })`. */
export function jobsLink(fields) {
  const text = Object.entries(fields).reduceRight((all, [name, value]) => withValue(all, name, value), "");
  return link("jobs", { q: text });
}

/** Whether all jobs that fit can be changed at once: words and arguments take a look at every job, so they cannot. */
export function isExact(text) {
  return wordsOf(text).every(({ name }) => name && !name.startsWith("args"));
}

function quoted(value) {
  return /[\s"']/.test(value) ? `"${value.replaceAll('"', "")}"` : value;
}
