/** The next moments at which a rule fires, in the viewer's zone. They are told by the server, some ahead of their time. */
import { html, useEffect, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { formatExact } from "../../lib/format.js";
import { locale } from "../../lib/i18n.js";

const SHOWN = 5;
const AHEAD = 30;

/** @param {any} schedule @returns {number[]} its next five */
export function useMoments({ name, rule, zone, paused, next_at: next }) {
  const [known, setKnown] = useState({ of: "", firings: [] });
  const of = JSON.stringify([name, rule, zone]);
  const left = known.of === of ? known.firings.filter((at) => at >= next - 0.001) : [];
  const few = left.length < SHOWN && !(known.ended && known.of === of);
  useEffect(() => {
    if (paused || next === null || !few) return undefined;
    const stop = new AbortController();
    const taken = ({ firings }) => setKnown({ of, firings, ended: firings.length < AHEAD });
    ask("schedules.preview", { name, count: AHEAD }, { signal: stop.signal }).then(taken, passed);
    return () => stop.abort();
  }, [of, paused, few, next === null]);
  return left.slice(0, SHOWN);
}

/** @param {{moments: number[]}} props */
export function Moments({ moments }) {
  return html`<ol class="moments">${moments.map((at, index) => html`<li key=${at}>
    <time datetime=${new Date(at * 1000).toISOString()} title=${formatExact(at)}>${formatMoment(at, moments[index - 1])}</time></li>`)}</ol>`;
}

/** The hour, with its day where that is neither today nor the day of the one before. */
function formatMoment(at, before = Date.now() / 1000) {
  const [moment, last] = [new Date(at * 1000), new Date(before * 1000)];
  const seconds = moment.getSeconds() ? { second: "2-digit" } : {};
  const month = moment.getMonth() === new Date().getMonth() ? {} : { month: "short" };
  const day = moment.toDateString() === last.toDateString() ? {} : { weekday: "short", day: "numeric", ...month };
  return moment.toLocaleString(locale.value, { ...day, hour: "2-digit", minute: "2-digit", ...seconds, hourCycle: "h23" });
}

/** The list says the next moment by itself; without this there are only not five. */
function passed(problem) {
  if (!(problem instanceof Problem) && problem.name !== "AbortError") throw problem;
}
