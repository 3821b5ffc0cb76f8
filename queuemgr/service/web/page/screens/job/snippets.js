/** The job once more, as a person would write it in a program, in a terminal, and over HTTP. */
import { addressOf } from "../../lib/api.js";

/** @typedef {{positional: any[], named: Record<string, any>}} Arguments */

/** @param {any} job @param {Arguments} given */
export function asPython(job, given) {
  const [, module, name] = /^(?:(.*)\.)?([^.]+)$/.exec(job.task) ?? [null, "", job.task];
  const values = [...given.positional.map(python), ...Object.entries(given.named).map(([key, value]) => `${key}=${python(value)}`)];
  const options = job.queue === "default" ? "" : `.using(queue=${python(job.queue)})`;
  return `${module ? `from ${module} import ${name}\n\n` : ""}${name}${options}.enqueue(${values.join(", ")})`;
}

/** @param {any} job @param {Arguments} given */
export function asCli(job, given) {
  const words = given.positional.map((value) => quoted(JSON.stringify(plain(value))));
  const named = Object.entries(given.named).map(([key, value]) => `--kw ${quoted(`${key}=${JSON.stringify(plain(value))}`)}`);
  return ["queuemgr enqueue", quoted(job.task), ...words, ...named, `--queue ${quoted(job.queue)}`].join(" ");
}

/** @param {any} job @param {Arguments} given */
export function asCurl(job, given) {
  const body = { task: job.task, arguments: given.positional, named: given.named, options: { queue: job.queue } };
  return `curl -X POST ${quoted(addressOf("jobs.enqueue").href)} -H 'Content-Type: application/json' -H 'X-Queuemgr: 1' -d ${quoted(JSON.stringify(body))}`;
}

/** Values of types that JSON lacks come as `{"$": type, "v": value}`. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if ("$" in value && "v" in value) return plain(value.v);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function python(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  if ("$" in value && "v" in value) return tagged(value.$, value.v);
  return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${python(one)}`).join(", ")}}`;
}

function tagged(type, value) {
  const made = { datetime: "datetime.fromisoformat", date: "date.fromisoformat", time: "time.fromisoformat", uuid: "UUID", decimal: "Decimal", float: "float", int: "int", tuple: "tuple", set: "set", frozenset: "frozenset" };
  return made[type] ? `${made[type]}(${python(value)})` : python(value);
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
