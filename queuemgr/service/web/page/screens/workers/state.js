/** The state of a worker as a shape, a colour and a word, in the shapes that jobs have. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { Shape } from "../../parts/state.js";

const LIKE = { running: "running", starting: "ready", quiet: "held", stopping: "cancelled", dead: "dead" };

/** @param {{worker: {alive: boolean, state: string}}} props */
export function WorkerState({ worker }) {
  const state = worker.alive ? worker.state : "dead";
  const like = LIKE[state] ?? "ready";
  return html`<span class="state" data-state=${like}><${Shape} state=${like} />${t(`workers.state.${state}`)}</span>`;
}

/** What people call it: its name, else the machine and the process. */
export function nameOf({ name, id }) {
  return name || id;
}

/** The machine's name: ids begin with it, and what tells machines apart is for machines. */
export function hostOf({ id, host, here }) {
  const words = id.split(":");
  return words.length > 2 ? words.slice(0, -2).join(":") : here ? t("workers.here") : host;
}
