/** Reads what a schedule's job is given out of a form. It raises what a person can mend, as `mistaken`. */
import { t } from "../../lib/i18n.js";

/** @param {{task: string, positional: string, named: string, queue: string}} form */
export function given({ task, positional, named, queue }) {
  return {
    task: task.trim(),
    arguments: read(positional, "[]", Array.isArray, "rerun.list"),
    named: read(named, "{}", (value) => value !== null && typeof value === "object" && !Array.isArray(value), "rerun.object"),
    options: queue.trim() ? { queue: queue.trim() } : {},
  };
}

function read(text, nothing, fits, key) {
  try {
    const value = JSON.parse(text.trim() || nothing);
    if (fits(value)) return value;
  } catch (error) {
    throw mistake(t("rerun.json", { reason: error.message }));
  }
  throw mistake(t(key));
}

function mistake(sentence) {
  return Object.assign(new Error(sentence), { mistaken: sentence });
}
