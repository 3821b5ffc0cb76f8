/** The states of a job in the order of its life, and what may be done in each. */

/** @typedef {"scheduled"|"ready"|"running"|"held"|"parked"|"succeeded"|"dead"|"cancelled"} State */

/** @type {State[]} */
export const STATES = ["scheduled", "ready", "running", "held", "parked", "succeeded", "dead", "cancelled"];

export const WAITING = ["scheduled", "ready", "held", "parked"];
export const FINISHED = ["succeeded", "dead", "cancelled"];

/** The states in which each change does anything. @type {Record<string, State[]>} */
export const AFFECTED = {
  retry: [...FINISHED, "scheduled"],
  cancel: [...WAITING, "running"],
  hold: ["scheduled", "ready", "parked"],
  release: ["held"],
  delete: [...WAITING, ...FINISHED],
};

export const VERBS = Object.keys(AFFECTED);

/** The verbs that make sense for jobs in these states. */
export function verbsFor(states) {
  return VERBS.filter((verb) => states.some((state) => AFFECTED[verb].includes(state)));
}

const SHOWN = ["ready", "running", "scheduled", "dead"];
const SHOWN_IF_ANY = ["held", "parked"];

/** The states whose numbers a queue tells: the usual ones always, so that they stand in line; what is put aside where there is any. */
export function shownStates(counts) {
  return [...SHOWN, ...SHOWN_IF_ANY.filter((state) => counts[state] > 0)];
}
