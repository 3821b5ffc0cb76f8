/** What can be done with a schedule, from its row or from the palette. */
import { html } from "../../lib/dom.js";
import { act } from "../../lib/act.js";
import { t } from "../../lib/i18n.js";
import { confirm } from "../../parts/dialog.js";

/** Enqueues its job now, beside its usual times. */
export function runNow({ name }) {
  return act("schedules.run", { name }, ({ id }) => t("schedules.ran", { name, id: id.slice(-8) }));
}

/** Pauses it, or lets it go on. */
export function turnSchedule({ name, paused }) {
  return act("schedules.pause", { name, paused: !paused }, t(paused ? "schedules.resumed" : "schedules.paused", { name }));
}

/** Forgets it, once a person has said so. */
export async function removeSchedule({ name }) {
  const asked = { title: t("schedules.remove.title", { name }), body: html`<p>${t("schedules.remove.text")}</p>`, action: t("schedules.remove"), danger: true };
  if (await confirm(asked)) await act("schedules.remove", { name }, t("schedules.removed", { name }));
}
