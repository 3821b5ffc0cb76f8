/** Every screen with its place in the navigation and its key after `g`. All but the first come once they are wanted. */
import { html, signal, useEffect, useState } from "../lib/dom.js";
import { Problem } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { holdKeys } from "../lib/keys.js";
import { Loaded } from "../parts/frame.js";
import { toastProblem } from "../parts/toast.js";
import { Overview } from "../screens/overview/overview.js";

export const SCREENS = [
  { name: "overview", key: "o" },
  { name: "jobs", key: "j" },
  { name: "queues", key: "q" },
  { name: "workers", key: "w" },
  { name: "schedules", key: "s" },
  { name: "failures", key: "f" },
  { name: "alerts", key: "a" },
  { name: "audit", key: "u" },
];

const FETCHED = {
  jobs: async () => (await import("../screens/jobs/jobs.js")).Jobs,
  job: async () => (await import("../screens/job/job.js")).Job,
  queues: async () => (await import("../screens/queues/queues.js")).Queues,
  workers: async () => (await import("../screens/workers/workers.js")).Workers,
  schedules: async () => (await import("../screens/schedules/schedules.js")).Schedules,
  failures: async () => (await import("../screens/failures/failures.js")).Failures,
  alerts: async () => (await import("../screens/alerts/alerts.js")).Alerts,
  audit: async () => (await import("../screens/audit/audit.js")).Audit,
};
const LOOK_AROUND = 2000;

const here = signal({ overview: Overview });

/** Begins to fetch the screen of a place, so that it comes together with the texts. @param {import("../lib/address.js").Place} place */
export function expect(place) {
  fetchScreen(nameOf(place)).catch(() => {}); // whoever draws it is told
}

/** @param {import("../lib/address.js").Place} props */
export function Screen({ screen, id }) {
  const name = nameOf({ screen, id });
  const Drawn = here.value[name];
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (!Drawn) fetchScreen(name).catch(() => setProblem(unreachable()));
  }, [name]);
  if (Drawn) return html`<${Drawn} id=${id} />`;
  return html`<${Loaded} of=${{ data: null, problem, refresh: () => location.reload() }} />`;
}

let coming = false;

/** Opens the palette. What is typed until it is there belongs to it; that it is asked for again, does not. */
export async function showPalette() {
  if (coming) return;
  coming = true;
  const held = holdKeys();
  const typed = () => {
    coming = false;
    return held();
  };
  try {
    (await import("./palette/palette.js")).showPalette(typed);
  } catch {
    typed();
    toastProblem(unreachable());
  }
}

/** Fetches the rest once a person has had time to look around, so that it is there even if the server goes. */
export function fetchTheRest() {
  setTimeout(async () => {
    try {
      await import("./palette/palette.js");
      for (const name of Object.keys(FETCHED)) await fetchScreen(name);
    } catch {
      // whoever wants one of them later is told
    }
  }, LOOK_AROUND);
}

function nameOf({ screen, id }) {
  if (screen === "jobs" && id) return "job";
  return screen in FETCHED ? screen : "overview";
}

async function fetchScreen(name) {
  if (here.peek()[name]) return;
  const fetched = await FETCHED[name]();
  here.value = { ...here.peek(), [name]: fetched };
}

function unreachable() {
  return new Problem({ title: t("problem.unreachable"), hint: t("problem.unreachable.hint") });
}
