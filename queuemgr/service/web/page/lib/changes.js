/** Changes jobs as people mean it: says beforehand how many that will be, afterwards how many it were. */
import { html } from "./dom.js";
import { ask, Problem } from "./api.js";
import { refreshAll } from "./live.js";
import { t } from "./i18n.js";
import { askOnce, underWay } from "./underway.js";
import { confirm } from "../parts/dialog.js";
import { StateBadge } from "../parts/state.js";
import { toast, toastProblem } from "../parts/toast.js";

const HARMLESS = ["retry", "hold", "release"];

/**
 * Changes one job; what cannot be taken back is asked first.
 * @param {string} verb
 * @param {{id: string, task: string}} job
 * @returns {Promise<boolean>} whether it was changed
 */
export async function changeJob(verb, job) {
  const title = t(`change.${verb}.title`, { count: 1 });
  const asked = { title, body: t(`change.${verb}.one`, { task: job.task }), action: t(`change.${verb}`), danger: verb === "delete" };
  if (!HARMLESS.includes(verb) && !(await confirm(asked))) return false;
  return carriedOut(async () => {
    const answer = await ask("jobs.change", { verb, job_ids: [job.id] });
    return [answer.changed, answer.jobs[0].message];
  }, verb);
}

/**
 * Changes chosen jobs, or all that fit a query, once a person has seen how many that are.
 * @param {string} verb
 * @param {{ids: string[]} | {query: Record<string, any>, search: string}} chosen
 * @param {() => Promise<{changed: number}>} [change] what carries it out, where there is an operation for just that
 * @param {Record<string, any>} [words] what the texts name beside the number of jobs
 * @returns {Promise<boolean>}
 */
export async function changeJobs(verb, chosen, change, words = {}) {
  const { ids, query = { ids }, search } = chosen;
  const reached = { verb, query, search };
  let preview = null;
  try {
    preview = await ask("jobs.count", reached);
    if (!preview.matched) {
      toast(t(`change.${verb}.none`), { kind: "wrong" });
      return false;
    }
    if (!(await confirm(asked(verb, preview, words)))) return false;
  } catch (problem) {
    return failed(problem);
  }
  const carryOut = async () => {
    if (change) return [(await change()).changed, null];
    if (!ids) return [(await askOnce("jobs.change_matching", reached)).changed, null];
    const answer = await askOnce("jobs.change", { verb, job_ids: ids });
    return [answer.changed, answer.changed ? null : answer.jobs.find((job) => job.message)?.message];
  };
  return carriedOut(() => underWay({ verb, count: preview.matched, words }, reached, carryOut), verb, words);
}

/**
 * Gives waiting jobs another priority, after the same look.
 * @param {number} priority 0 to 9
 * @param {{ids: string[]} | {query: Record<string, any>, search?: string}} chosen
 * @returns {Promise<boolean>}
 */
export function prioritiseJobs(priority, chosen) {
  const { ids, query = { ids }, search } = chosen;
  return changeJobs("prioritise", { query, search }, () => askOnce("jobs.prioritise", { query, priority, search }), { priority });
}

function asked(verb, preview, words) {
  const body = html`<p>${t(`change.${verb}.many`, { count: preview.matched, ...words })}</p>
    <ul class="preview">${Object.entries(preview.states).map(([state, count]) => html`<li key=${state}><${StateBadge} state=${state} /><b class="number">${t("number", { count })}</b></li>`)}</ul>
    ${verb === "delete" && html`<p class="problem">${t("change.delete.final")}</p>`}`;
  return { title: t(`change.${verb}.title`, { count: preview.matched }), body, action: t(`change.${verb}`), danger: verb === "delete" };
}

async function carriedOut(change, verb, words = {}) {
  try {
    const [changed, message] = await change();
    if (changed) toast(t(`change.${verb}.done`, { count: changed, ...words }));
    else toast(message ?? t(`change.${verb}.none`), { kind: "wrong" });
    refreshAll();
    return changed > 0;
  } catch (problem) {
    return failed(problem);
  }
}

function failed(problem) {
  if (!(problem instanceof Problem)) throw problem;
  toastProblem(problem);
  return false;
}
