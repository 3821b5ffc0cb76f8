/** Carries a change out, says that it was done or what was wrong, and lets everything on the screen be asked anew. */
import { ask, Problem } from "./api.js";
import { refreshAll } from "./live.js";
import { toast, toastProblem } from "../parts/toast.js";

/**
 * @param {string} name the operation
 * @param {Record<string, any>} given
 * @param {string | ((answer: any) => string)} done what to say afterwards
 * @returns {Promise<any>} its answer; null where it was refused
 */
export async function act(name, given, done) {
  try {
    const answer = await ask(name, given);
    toast(typeof done === "function" ? done(answer) : done);
    refreshAll();
    return answer;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toastProblem(problem);
    return null;
  }
}

/** The sentence to show for what went wrong in a form; anything but a Problem is thrown on. */
export function told(problem) {
  if (!(problem instanceof Problem)) throw problem;
  return [problem.message || problem.title, problem.hint].filter(Boolean).join(" ");
}
