/** Every screen with its place in the navigation and its key after `g`. */
import { Alerts } from "../screens/alerts/alerts.js";
import { Audit } from "../screens/audit/audit.js";
import { Failures } from "../screens/failures/failures.js";
import { Job } from "../screens/job/job.js";
import { Jobs } from "../screens/jobs/jobs.js";
import { Overview } from "../screens/overview/overview.js";
import { Queues } from "../screens/queues/queues.js";
import { Schedules } from "../screens/schedules/schedules.js";
import { Workers } from "../screens/workers/workers.js";

export const SCREENS = [
  { name: "overview", key: "o", screen: Overview },
  { name: "jobs", key: "j", screen: Jobs },
  { name: "queues", key: "q", screen: Queues },
  { name: "workers", key: "w", screen: Workers },
  { name: "schedules", key: "s", screen: Schedules },
  { name: "failures", key: "f", screen: Failures },
  { name: "alerts", key: "a", screen: Alerts },
  { name: "audit", key: "u", screen: Audit },
];

/** @param {import("../lib/address.js").Place} place */
export function screenOf({ screen, id }) {
  if (screen === "jobs" && id) return Job;
  return SCREENS.find(({ name }) => name === screen)?.screen ?? Overview;
}
