/** Everything that the palette offers: places, jobs, and what may be done, as the system is now. */
import { useMemo } from "../../lib/dom.js";
import { go, link } from "../../lib/address.js";
import { useAsked } from "../../lib/asked.js";
import { language, LANGUAGES, switchLanguage, t } from "../../lib/i18n.js";
import { useLive } from "../../lib/live.js";
import { OVERVIEW } from "../../lib/overview.js";
import { may } from "../../lib/session.js";
import { WAITING } from "../../lib/states.js";
import { theme, THEMES } from "../../lib/theme.js";
import { jobsLink } from "../../screens/jobs/search.js";
import { drainQueue, retryDead, turnPause } from "../../screens/queues/changing.js";
import { runNow, turnSchedule } from "../../screens/schedules/changing.js";
import { addSchedule } from "../../screens/schedules/form.js";
import { addRule } from "../../screens/alerts/form.js";
import { SCREENS } from "../screens.js";
import { showHelp } from "../help.js";

/** @typedef {{id: string, text: string, kind: string, icon: string, run: () => void, always?: "first" | "last"}} Entry */

/** @param {string} typed @returns {Entry[]} */
export function useEntries(typed) {
  const queues = useLive("overview", OVERVIEW).data?.queues;
  const tasks = useAsked("tasks.list").data?.tasks;
  const schedules = useAsked("schedules.list").data?.schedules;
  const still = useMemo(
    () => [...places(), ...(queues ?? []).flatMap(ofQueue), ...(schedules ?? []).flatMap(ofSchedule), ...(tasks ?? []).map(ofTask), ...general()],
    [queues, tasks, schedules, language.value],
  );
  return useMemo(() => [...still, ...ofJobs(typed.trim())], [still, typed]);
}

function entry(key, icon, kind, given, run) {
  return { id: `${key} ${given.name ?? ""}`, text: t(key, given), kind: t(`palette.kind.${kind}`), icon, run };
}

function places() {
  return SCREENS.map(({ name }) => entry(`nav.${name}`, name, "screen", {}, () => go(link(name))));
}

function ofQueue(queue) {
  const { name, counts, paused } = queue;
  const waits = WAITING.some((state) => counts[state] > 0);
  return [
    entry("palette.queue", "queues", "queue", { name }, () => go(jobsLink({ queue: name }))),
    ...(may("operate")
      ? [
          entry(paused ? "palette.queue.resume" : "palette.queue.pause", paused ? "release" : "hold", "action", { name }, () => turnPause(queue)),
          counts.dead > 0 && entry("palette.queue.retry", "retry", "action", { name }, () => retryDead(queue)),
          waits && entry("palette.queue.drain", "delete", "action", { name }, () => drainQueue(queue)),
        ]
      : []),
  ].filter(Boolean);
}

function ofSchedule(schedule) {
  if (!may("operate")) return [];
  const { name, paused } = schedule;
  return [
    entry("palette.schedule.run", "release", "action", { name }, () => runNow(schedule)),
    entry(paused ? "palette.schedule.resume" : "palette.schedule.pause", paused ? "release" : "hold", "action", { name }, () => turnSchedule(schedule)),
  ];
}

function ofTask({ name }) {
  return entry("palette.task", "jobs", "task", { name }, () => go(jobsLink({ task: name })));
}

function general() {
  const making = [entry("schedules.add", "plus", "action", {}, addSchedule), entry("alerts.add", "plus", "action", {}, addRule)];
  return [
    ...(may("operate") ? making : []),
    ...THEMES.map((name) => entry(`theme.${name}`, name, "setting", {}, () => (theme.value = name))),
    ...Object.entries(LANGUAGES).map(([code, name]) => ({ ...entry("palette.language", "language", "setting", { name }, () => switchLanguage(code)), text: name })),
    entry("keys.help", "help", "setting", {}, showHelp),
  ];
}

/** Whatever is typed may be the id of a job, or words to look for. */
function ofJobs(typed) {
  if (!typed) return [];
  const id = /^[\w:-]{8,}$/.test(typed) && /\d/.test(typed);
  return [
    ...(id ? [{ ...entry("palette.job", "jobs", "job", { name: typed }, () => go(link("jobs", {}, typed))), always: "first" }] : []),
    { ...entry("palette.search", "search", "job", { name: typed }, () => go(link("jobs", { q: typed }))), always: "last" },
  ];
}
