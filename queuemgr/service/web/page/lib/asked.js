/** Facts that are asked for now and then, where following them all the time would cost the server too much. */
import { useEffect, useState } from "./dom.js";
import { ask, Problem } from "./api.js";

/**
 * @param {string | null} name null asks for nothing
 * @param {Record<string, any>} given
 * @param {number} [every] seconds between two looks while the page can be seen; 0 looks once
 * @returns {{data: any, problem: Problem | null, refresh: () => void}} as `useLive` has it
 */
export function useAsked(name, given = {}, every = 0) {
  const [state, setState] = useState({ data: null, problem: null });
  const [turn, setTurn] = useState(0);
  const words = JSON.stringify(given);
  useEffect(() => {
    if (!name) return undefined;
    const stop = new AbortController();
    const look = () => ask(name, given, { signal: stop.signal }).then((data) => setState({ data, problem: null }), refused);
    const refused = (problem) => problem instanceof Problem && setState((before) => ({ ...before, problem }));
    look();
    const again = every ? setInterval(() => document.hidden || look(), every * 1000) : 0;
    return () => {
      stop.abort();
      clearInterval(again);
    };
  }, [name, words, every, turn]);
  return { ...state, refresh: () => setTurn((before) => before + 1) };
}
