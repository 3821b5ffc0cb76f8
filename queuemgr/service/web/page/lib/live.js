/**
 * Facts that stay fresh: one event stream for the tab, of all topics that are on the screen. It rests while the tab is
 * hidden, resumes where it was, and asks every few seconds where streams are cut off. It draws nothing.
 */
import { signal, useEffect, useSignal } from "./dom.js";
import { apiAddress, ask, flattened, Problem } from "./api.js";
import { learn } from "./clock.js";

const POLL = 5000;
const SETTLE = 30;
const SILENT = 6000;
const AGAIN = 30000;
const REMEMBERED = 40;
const LATE = 60;

/** "connecting", "live", "polling", "paused" or "offline". */
export const connection = signal("connecting");

/**
 * `refused` topics are not streamed: one that the server does not give would cost all others their stream.
 * @type {Map<string, {name: string, given: object, listeners: Set<Function>, asked?: number, refused?: boolean}>}
 */
const topics = new Map();
const remembered = new Map();
let source = null;
let opening = 0;
let polling = 0;
let silence = 0;
let retry = 0;

/**
 * Follows an operation while the component is on the screen.
 * @param {string | null} name null follows nothing
 * @param {Record<string, any>} [given]
 * @returns {{data: any, problem: Problem | null, refresh: () => void}} `data` is null until the first answer
 */
export function useLive(name, given = {}) {
  const topic = name && topicOf(name, given);
  const state = useSignal({ topic, data: remembered.get(topic) ?? null, problem: null });
  const tell = (change) => (state.value = { ...state.peek(), ...change });
  useEffect(() => {
    if (!topic) return undefined;
    tell({ topic, data: remembered.get(topic) ?? null, problem: null });
    return subscribe(topic, name, given, tell);
  }, [topic]);
  const fresh = state.value.topic === topic;
  const refresh = () => topic && fetchOnce(topic);
  return fresh ? { ...state.value, refresh } : { data: remembered.get(topic) ?? null, problem: null, refresh };
}

/** Asks for everything on the screen now: after a change, so that its effect is seen at once. */
export function refreshAll() {
  topics.forEach((_, topic) => fetchOnce(topic));
}

/** @returns {string} the operation with its arguments, as the stream names it */
export function topicOf(name, given) {
  const search = flattened(given).toString();
  return search ? `${name}?${search}` : name;
}

function subscribe(topic, name, given, listener) {
  const followed = topics.has(topic);
  const entry = topics.get(topic) ?? { name, given, listeners: new Set() };
  entry.listeners.add(listener);
  topics.set(topic, entry);
  // Whoever follows what is being asked for already gets that answer.
  if (!entry.asked) fetchOnce(topic);
  if (!followed) reopenSoon();
  return () => {
    entry.listeners.delete(listener);
    if (!entry.listeners.size && topics.get(topic) === entry) {
      topics.delete(topic);
      reopenSoon();
    }
  };
}

async function fetchOnce(topic) {
  const entry = topics.get(topic);
  try {
    entry.asked = (entry.asked ?? 0) + 1;
    const facts = await ask(entry.name, entry.given).finally(() => (entry.asked -= 1));
    deliver(topic, facts);
    if (connection.peek() === "offline") connection.value = "polling";
    turnTo(entry, false);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (!problem.status) connection.value = "offline";
    else turnTo(entry, problem.status < 500);
    // What the stream says next takes the problem away again, and it says nothing where nothing has changed.
    if (source?.readyState === EventSource.OPEN) reopenSoon();
    entry.listeners.forEach((listener) => listener({ problem }));
  }
}

function turnTo(entry, refused) {
  if (Boolean(entry.refused) === refused) return;
  entry.refused = refused;
  reopenSoon();
}

function deliver(topic, data) {
  // Answers and events overtake one another. What is older by more than that was told by a clock that was put back.
  const behind = remembered.get(topic)?.at - data?.at;
  if (behind > 0 && behind < LATE) return;
  learn(data?.at);
  remembered.delete(topic);
  remembered.set(topic, data);
  if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value);
  topics.get(topic)?.listeners.forEach((listener) => listener({ data, problem: null }));
}

function reopenSoon() {
  clearTimeout(opening);
  opening = setTimeout(open, SETTLE);
}

function close() {
  source?.close();
  source = null;
  clearTimeout(silence);
  clearTimeout(retry);
}

function open() {
  close();
  const streamed = [...topics.keys()].filter((topic) => !topics.get(topic).refused);
  if (document.hidden || !streamed.length) return;
  const url = apiAddress("events");
  for (const topic of streamed) url.searchParams.append("topic", topic);
  source = new EventSource(url);
  for (const topic of streamed) source.addEventListener(topic, received);
  source.addEventListener("problem", refused);
  // A proxy that gathers streams lets nothing through, and there is no error. Later, silence only means that nothing changed.
  source.addEventListener("open", () => (silence = setTimeout(poll, SILENT)), { once: true });
  source.onerror = lost;
}

function received(event) {
  clearTimeout(silence);
  stopPolling();
  connection.value = "live";
  deliver(event.type, JSON.parse(event.data));
}

function refused(event) {
  const told = JSON.parse(event.data);
  topics.get(told.topic)?.listeners.forEach((listener) => listener({ problem: new Problem(told) }));
}

function lost() {
  // A stream that is only interrupted comes back by itself, and says Last-Event-ID.
  poll();
  if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, AGAIN);
}

function poll() {
  if (polling) return;
  connection.value = "polling";
  polling = setInterval(() => document.hidden || refreshAll(), POLL);
}

function stopPolling() {
  clearInterval(polling);
  polling = 0;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    close();
    connection.value = "paused";
  } else {
    connection.value = "connecting";
    open();
  }
});
