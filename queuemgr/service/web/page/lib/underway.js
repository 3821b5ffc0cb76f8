/**
 * Says of a change of many jobs that it is under way, and how far it is, where that takes more than a moment; and learns how
 * it ended, also where a proxy has cut the request off meanwhile.
 */
import { ask, Problem, talk } from "./api.js";
import { t } from "./i18n.js";
import { toastLasting } from "../parts/toast.js";

const MOMENT = 500;
const LOOK = 1000;
const UNANSWERED = 60;
const OURS = "urn:queuemgr:";

/**
 * @template T
 * @param {{verb: string, count: number, words: Record<string, any>}} told what is done, and to how many jobs
 * @param {Record<string, any>} left what `jobs.count` is asked with: of most changes it tells how many are left
 * @param {() => Promise<T>} change
 * @returns {Promise<T>} what the change returns
 */
export async function underWay({ verb, count, words }, left, change) {
  let notice = null;
  let timer = setTimeout(() => {
    notice = toastLasting(t(`change.${verb}.now`, { count, ...words }), t("change.now"));
    look();
  }, MOMENT);
  const look = async () => {
    // The change itself tells what is wrong.
    const matched = await ask("jobs.count", left).then((facts) => facts.matched, () => count);
    if (!notice) return;
    if (matched < count) notice.tell(1 - matched / count);
    timer = setTimeout(look, LOOK);
  };
  try {
    return await change();
  } finally {
    clearTimeout(timer);
    notice?.end();
    notice = null;
  }
}

/**
 * Asks for a change with a key of its own. Where the answer is lost, the key tells what it was; nothing is asked for twice.
 * @param {string} name the operation
 * @param {Record<string, any>} given
 * @returns {Promise<any>} its answer
 */
export async function askOnce(name, given) {
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const answer = await ask(name, given, { headers: { "Idempotency-Key": key } });
    if (answer) return answer;
  } catch (problem) {
    if (!isOfTheWay(problem)) throw problem;
  }
  return ended(key);
}

async function ended(key) {
  for (let unanswered = 0; unanswered < UNANSWERED; unanswered++) {
    const told = await look(key);
    if (told?.ended && told.status < 400) return told.answer;
    if (told?.ended) throw new Problem(told.answer);
    if (told) unanswered = 0;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
  throw unheard();
}

/** @returns {Promise<any>} null where nothing was heard */
async function look(key) {
  try {
    return await talk("GET", `changes/${key}`);
  } catch (problem) {
    if (problem.status === 404) throw unheard(); // the request has never come there
    if (!isOfTheWay(problem)) throw problem;
    return null;
  }
}

function unheard() {
  return new Problem({ title: t("problem.unreachable"), hint: t("problem.unreachable.hint") });
}

/** Whether nothing was heard of our server itself: no line to it, or a proxy that says so. */
function isOfTheWay(problem) {
  return problem instanceof Problem && (!problem.status || (problem.status >= 500 && !problem.type.startsWith(OURS)));
}
