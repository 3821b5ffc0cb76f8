/** The last hour of each queue, asked for one after another and once a minute, as often as it is measured. */
import { useEffect, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";

const EVERY = 60000;
const MOST = 40;

/** @param {string[]} names @returns {Map<string, (number | null)[]>} runs a second, minute by minute */
export function useRates(names) {
  const [rates, setRates] = useState(new Map());
  useEffect(() => {
    if (!names.length) return undefined;
    const stop = new AbortController();
    const look = () => document.hidden || asked(names.slice(0, MOST), stop.signal, setRates);
    look();
    const again = setInterval(look, EVERY);
    return () => {
      stop.abort();
      clearInterval(again);
    };
  }, [names.join("\n")]);
  return rates;
}

async function asked(names, signal, tell) {
  try {
    for (const queue of names) {
      const past = await ask("history", { queue, metrics: ["processing_rate"], span: 3600, points: 60 }, { signal });
      tell((before) => new Map(before).set(queue, past.series.processing_rate));
    }
  } catch (problem) {
    // Without a history there is no line to draw, and the list tells everything else.
    if (!(problem instanceof Problem) && problem.name !== "AbortError") throw problem;
  }
}
