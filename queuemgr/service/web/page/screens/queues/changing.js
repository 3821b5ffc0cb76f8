/** What can be done with a queue, from its row or from the palette. */
import { act } from "../../lib/act.js";
import { changeJobs, prioritiseJobs } from "../../lib/changes.js";
import { t } from "../../lib/i18n.js";
import { WAITING } from "../../lib/states.js";
import { askOnce } from "../../lib/underway.js";

/** Pauses it, or lets it go on. @param {{name: string, paused: boolean}} queue */
export function turnPause({ name, paused }) {
  if (paused) return act("queues.resume", { names: [name] }, t("queues.resumed", { name }));
  return act("queues.pause", { names: [name] }, t("queues.paused", { name }));
}

/** Deletes what waits in it, once a person has seen how many that is. */
export function drainQueue({ name }) {
  return changeJobs("delete", { query: { queue: name, states: WAITING } }, () => askOnce("queues.drain", { names: [name] }));
}

/** Gives what waits in it another priority, after the same look. */
export function prioritiseQueue({ name }, priority) {
  return prioritiseJobs(priority, { query: { queue: name, states: WAITING } });
}

/** Runs all its dead jobs again, after the same look. */
export function retryDead({ name }) {
  return changeJobs("retry", { query: { queue: name, states: ["dead"] } });
}

/** @param {string} name @param {number | null} running null takes the limit away */
export function limitQueue(name, running) {
  return act("queues.limit", { names: [name], running }, running === null ? t("queues.unlimited", { name }) : t("queues.limited", { name, count: running }));
}
