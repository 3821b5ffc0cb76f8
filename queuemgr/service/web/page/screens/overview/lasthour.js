/** What ended in the last hour, minute by minute. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { Panel } from "../../parts/frame.js";
import { TimeChart } from "../../parts/chart.js";

const ENOUGH = 3;

/** @param {{past: any}} props null where no history is kept */
export function LastHour({ past }) {
  const rates = past?.series.processing_rate ?? [];
  if (rates.filter((rate) => rate !== null).length < ENOUGH) return null;
  const share = past.series.failure_rate;
  const failed = rates.map((rate, index) => rate === null ? null : rate * (share[index] ?? 0) * 60);
  const done = rates.map((rate, index) => rate === null ? null : rate * 60 - failed[index]);
  const times = rates.map((_, index) => past.start + index * past.step);
  const series = [
    { name: t("overview.done"), values: done, state: "succeeded" },
    { name: t("overview.wrong"), values: failed, state: "dead" },
  ];
  return html`<${Panel} title=${t("overview.last_hour")} note=${t("overview.per_minute")}>
    <${TimeChart} times=${times} series=${series} label=${t("overview.last_hour")} />
  <//>`;
}
