/** Follows one job: its record all the time, and what is large or costly to tell only when the job has moved on. */
import { useEffect, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { tick } from "../../lib/clock.js";
import { useLive } from "../../lib/live.js";
import { FINISHED } from "../../lib/states.js";

const TAIL = 200;
const WHY_EVERY = 5;

/**
 * @param {string} id
 * @returns {{job: any, detail: any, why: any, gone: boolean, problem: Problem | null, refresh: () => void}}
 */
export function useJob(id) {
  const live = useLive("jobs.list", { query: { ids: [id] }, limit: 1 });
  const [kept, keep] = useState(null);
  const [detail, setDetail] = useState(null);
  const [why, setWhy] = useState(null);
  const [problems, setProblems] = useState({});
  const job = live.data?.jobs[0] ?? kept;
  const gone = Boolean(live.data && !live.data.jobs.length);
  useEffect(() => {
    if (live.data?.jobs[0]) keep(live.data.jobs[0]);
  }, [live.data]);
  const moved = job && `${job.state} ${job.attempt} ${job.run_at} ${job.finished_at} ${job.cancel_requested}`;
  const turn = job && !FINISHED.includes(job.state) ? Math.floor(tick.value / WHY_EVERY) : 0;
  const told = (name) => (problem) => setProblems((before) => ({ ...before, [name]: problem }));
  useAnswer("jobs.show", moved && { job_id: id, lines: TAIL, result: false }, [id, moved], setDetail, told("show"));
  useAnswer("jobs.why", moved && { job_id: id }, [id, moved, turn], setWhy, told("why"));
  const problem = live.problem ?? problems.show ?? problems.why ?? null;
  return { job, detail, why, gone, problem, refresh: live.refresh };
}

function useAnswer(name, given, depends, take, tell) {
  useEffect(() => {
    if (!given) return undefined;
    const stop = new AbortController();
    const taken = (answer) => {
      take(answer);
      tell(null);
    };
    ask(name, given, { signal: stop.signal }).then(taken, (error) => error instanceof Problem && tell(error));
    return () => stop.abort();
  }, depends);
}
