/** Times, durations and sizes as people read them, in their own language and zone. */
import { computed } from "./dom.js";
import { formatNumber, locale, t } from "./i18n.js";
import { now } from "./clock.js";

const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

const relative = computed(() => new Intl.RelativeTimeFormat(locale.value, { style: locale.value === "en" ? "narrow" : "short", numeric: "always" }));
const exact = computed(() => new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }));
const clockTime = computed(
  () => new Intl.DateTimeFormat(locale.value, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
);
const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const units = new Map();

/** "5m ago", "in 2h": how far a moment is from now. @param {number} at seconds since the epoch */
export function formatAge(at) {
  const away = at - now();
  const [unit, size] = UNITS.find(([, seconds]) => Math.abs(away) >= seconds) ?? UNITS[3];
  // Of days the nearest, or what is kept for a week would be forgotten "in 6d" from its first second on.
  return relative.value.format((unit === "day" ? Math.round : Math.trunc)(away / size), unit);
}

/** The whole moment in the viewer's zone, which it names. */
export function formatExact(at) {
  return `${exact.value.format(at * 1000)} (${zone})`;
}

/** The hour, minute and second in the viewer's zone. */
export function formatClock(at) {
  return clockTime.value.format(at * 1000);
}

/** "1.2 s", "3 min 20 s", "2 h": at most two units. @param {number} seconds */
export function formatDuration(seconds) {
  if (seconds < 0.9995) return inUnit(Math.round(seconds * 1000), "millisecond");
  if (seconds < 10) return inUnit(seconds, "second", 1);
  const index = UNITS.findIndex(([, size]) => seconds >= size);
  const [unit, size] = UNITS[index];
  const whole = inUnit(Math.floor(seconds / size), unit);
  const [smaller, part] = UNITS[index + 1] ?? [];
  const rest = smaller ? Math.floor((seconds % size) / part) : 0;
  return rest ? `${whole} ${inUnit(rest, smaller)}` : whole;
}

/** @param {number} bytes */
export function formatSize(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), SIZES.length - 1);
  if (!power) return t("size", { size: Math.round(bytes) });
  return inUnit(bytes / 1000 ** power, SIZES[power], bytes / 1000 ** power < 100 ? 1 : 0, "short");
}

/** Large numbers short: 12,400 becomes "12.4K". */
export function formatShort(value) {
  if (Math.abs(value) < 10000) return formatNumber(Math.abs(value) < 10 ? value : Math.round(value));
  return new Intl.NumberFormat(locale.value, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

function inUnit(value, unit, digits = 0, unitDisplay = "narrow") {
  const key = `${locale.value} ${unit} ${digits}`;
  if (!units.has(key)) {
    const options = { style: "unit", unit, unitDisplay, maximumFractionDigits: digits };
    units.set(key, new Intl.NumberFormat(locale.value, options));
  }
  return units.get(key).format(value);
}
