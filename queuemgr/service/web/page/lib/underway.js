/** Says of a change of many jobs that it is under way, and how far it is, where that takes more than a moment. */
import { ask } from "./api.js";
import { t } from "./i18n.js";
import { toastLasting } from "../parts/toast.js";

const MOMENT = 500;
const LOOK = 1000;

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
