/** Runs a whole group again, job by job, so that none is touched that failed for another reason. */
import { html } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { act } from "../../lib/act.js";
import { t } from "../../lib/i18n.js";
import { confirm } from "../../parts/dialog.js";
import { toast, toastProblem } from "../../parts/toast.js";
import { jobsLink } from "../jobs/search.js";

/**
 * @param {{fingerprint: string}} group
 * @returns {Promise<boolean>} whether any job runs again
 */
export async function retryGroup({ fingerprint }) {
  const group = await lookAgain(fingerprint);
  if (!group) return false;
  const { query, all } = group.retry;
  const count = query.ids.length;
  const body = html`<p>${t("change.retry.many", { count })}</p><p class="faint break">${group.message}</p>${!all && html`<p>${t("failures.retry.part", { count })}</p>`}`;
  if (!(await confirm({ title: t("change.retry.title", { count }), body, action: t("change.retry") }))) return false;
  const answer = await act("jobs.change_matching", { verb: "retry", query }, ({ changed }) => t("change.retry.done", { count: changed }));
  return Boolean(answer?.changed);
}

/** The list of a group's jobs: those that died with the longest piece of its message that never changes. */
export function groupLink({ type, message, tasks }) {
  const pieces = message.split(/<[\w-]+>|["'…]/).map((piece) => piece.trim());
  const longest = pieces.reduce((best, piece) => (piece.length > best.length ? piece : best), "");
  const names = Object.keys(tasks);
  return jobsLink({ state: "dead", ...(names.length === 1 ? { task: names[0] } : {}), error: longest || type });
}

async function lookAgain(fingerprint) {
  try {
    const [group] = (await ask("failures.list", { fingerprint, limit: 1 })).groups;
    if (!group) toast(t("failures.gone"), { kind: "wrong" });
    return group;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toastProblem(problem);
    return null;
  }
}
