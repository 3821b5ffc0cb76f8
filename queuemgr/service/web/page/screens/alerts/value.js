/** A measured value in its metric's unit, in the reader's language. */
import { formatDuration, formatSize } from "../../lib/format.js";
import { formatNumber, t } from "../../lib/i18n.js";

const SHARES = ["failure_rate", "worker_utilization"];
const SPANS = ["avg_latency", "avg_wait", "oldest_wait"];

/** @param {string} metric @param {number | null | undefined} value @returns {string | null} null where nothing is known */
export function formatValue(metric, value) {
  if (value === null || value === undefined) return null;
  if (SHARES.includes(metric)) return `${formatNumber(Math.round(value * 1000) / 10)} %`;
  if (SPANS.includes(metric)) return formatDuration(value);
  if (metric === "memory") return formatSize(value);
  if (metric === "processing_rate") return t("overview.per_second", { rate: formatNumber(Math.round(value * 100) / 100) });
  return formatNumber(Math.round(value));
}
