/** Asks the manager by the names of its operations. What goes wrong comes as a Problem that says what to do. */
import { learn } from "./clock.js";
import { ROUTES } from "./operations.js";
import { t } from "./i18n.js";

const BASE = new URL("api/v1/", document.baseURI);
const IN_QUERIES = { states: "state", ids: "id" };
const listeners = new Set();

/** What the server said against it (RFC 9457), or why it could not be reached. */
export class Problem extends Error {
  /** @param {{status?: number, title?: string, detail?: string, hint?: string, type?: string}} told */
  constructor(told) {
    super(told.detail || told.title || "");
    this.status = told.status ?? 0;
    this.title = told.title ?? "";
    this.hint = told.hint ?? "";
    this.type = told.type ?? "";
  }
}

/** Calls `listener` whenever an answer says that nobody is logged in. */
export function onUnauthorized(listener) {
  listeners.add(listener);
}

/**
 * Asks for an operation.
 * @param {string} name as "jobs.list"
 * @param {Record<string, any>} [given] its arguments; `query` may be an object
 * @param {{signal?: AbortSignal, headers?: Record<string, string>}} [options]
 * @returns {Promise<any>} its facts
 */
export function ask(name, given = {}, options = {}) {
  const [method, url, rest] = located(name, given);
  return send(method, url, method === "GET" ? undefined : rest, options);
}

/** The address of a reading operation, for links and streams. */
export function addressOf(name, given = {}) {
  return located(name, given)[1];
}

/** Talks to a route that is no operation: `login`, `me`. */
export function talk(method, path, body) {
  return send(method, new URL(path, BASE), body, {});
}

/** @returns {URL} an address below the API's own */
export function apiAddress(path) {
  return new URL(path, BASE);
}

/** Arguments as a query string; nested queries are made flat, nulls are left out. @returns {URLSearchParams} */
export function flattened(given) {
  const { query, ...rest } = given;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, ...rest })) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined && one !== "") search.append(IN_QUERIES[name] ?? name, one);
    }
  }
  return search;
}

function located(name, given) {
  const [method, template] = ROUTES[name].split(" ");
  const rest = { ...given };
  const path = template.replace(/\{(\w+)\}/g, (_, part) => {
    delete rest[part];
    return encodeURIComponent(given[part]);
  });
  const url = new URL(path, BASE);
  if (method === "GET") url.search = flattened(rest).toString();
  return [method, url, rest];
}

async function send(method, url, body, { signal, headers = {} }) {
  const request = { method, signal, headers: { ...headers } };
  if (method !== "GET") request.headers["X-Queuemgr"] = "1";
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const answer = await fetched(url, request);
  const facts = answer.status === 204 ? null : await read(answer);
  if (!answer.ok) throw refused(answer, facts);
  learn(facts?.at);
  return facts;
}

async function read(answer) {
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null; // a proxy's own page: its status says enough
  }
}

async function fetched(url, request) {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: t("problem.unreachable"), hint: t("problem.unreachable.hint") });
  }
}

function refused(answer, facts) {
  if (answer.status === 401) listeners.forEach((listener) => listener());
  return new Problem({ title: answer.statusText, ...facts, status: answer.status });
}
