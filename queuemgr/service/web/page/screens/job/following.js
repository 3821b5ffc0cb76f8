/** The lines of a job's output: the last ones first, the earlier ones when asked for, new ones as they come. */
import { useEffect, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";

const PAGE = 1000;
const MOST = 5000;
const LOOK = 700;

/**
 * @param {{id: string, state: string}} job
 * @param {any[]} tail
 * @returns {{lines: any[], partial: any[], whole: boolean, readAll: () => void}}
 */
export function useOutput(job, tail) {
  const [read, setRead] = useState({ lines: tail, partial: [], whole: tail.length < 200, after: tail.at(-1)?.position ?? 0 });
  const running = job.state === "running";
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let at = read.after;
    const look = async () => {
      try {
        const found = document.hidden ? null : await ask("jobs.output", { job_id: job.id, after: at, limit: PAGE }, { signal: stop.signal });
        if (found) {
          at = found.after;
          setRead((before) => ({ ...before, ...grown(before, found) }));
        }
        if (found?.more || running) timer = setTimeout(look, found?.more ? 0 : LOOK);
      } catch (problem) {
        // The job may be gone, or this page: then there is nothing to follow.
        if (!(problem instanceof Problem) && problem.name !== "AbortError") throw problem;
      }
    };
    look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [job.id, running, job.attempt]);
  const readAll = async () => {
    const lines = [];
    let found = { after: 0, more: true };
    while (found.more && lines.length < MOST) {
      found = await ask("jobs.output", { job_id: job.id, after: found.after, limit: PAGE });
      lines.push(...found.lines);
    }
    setRead({ lines, partial: found.partial, whole: true, after: found.after });
  };
  return { ...read, readAll };
}

function grown(before, found) {
  const last = before.lines.at(-1)?.position ?? 0;
  const lines = [...before.lines, ...found.lines.filter((line) => line.position > last)];
  const cut = lines.length > MOST;
  return { lines: cut ? lines.slice(-MOST) : lines, partial: found.partial, whole: before.whole && !cut, after: found.after };
}
