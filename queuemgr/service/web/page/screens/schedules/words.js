/**
 * A rule in the reader's language. The server says it in plain English; the forms that it uses are few, and each is known
 * here by its words. What is not among them stays as it is.
 */
import { formatNumber, language, t } from "../../lib/i18n.js";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const UNITS = { s: "second", min: "minute", h: "hour" };
const AT = /^(.+) at (\d\d:\d\d) \((.+)\)$/;

/** @param {{words: string}} schedule @returns {string} */
export function inWords({ words }) {
  if (language.value === "en") return words;
  const [, days, time, zone] = AT.exec(words) ?? [];
  const said = days ? onDays(days) : everySo(words);
  if (!said) return words;
  return days ? t("schedules.words.at", { days: said, time, zone: zoneOf(zone) }) : said;
}

function onDays(days) {
  const [, weekday] = /^every (\w+day)$/.exec(days) ?? [];
  const [, number] = /^on day (\d+) of every month$/.exec(days) ?? [];
  if (days === "every day") return t("schedules.words.daily");
  if (days === "Monday to Friday") return t("schedules.words.weekdays");
  if (DAYS.includes(weekday)) return t(`schedules.words.weekday.${DAYS.indexOf(weekday)}`);
  if (days === "on the last day of every month") return t("schedules.words.last_day");
  return number ? t("schedules.words.day", { number: Number(number) }) : null;
}

function everySo(words) {
  const [, span, zone] = /^every (.+?)(?: \((.+)\))?$/.exec(words) ?? [];
  const [, count, unit] = /^(?:([\d.]+) )?(s|second|minute|hour|day)s?$/.exec(span ?? "") ?? [];
  if (unit) {
    const number = Number(count ?? 1);
    const said = t(`schedules.words.${number === 1 ? "each" : "every"}.${UNITS[unit] ?? unit}`, { count: number });
    return zone ? `${said} (${zoneOf(zone)})` : said;
  }
  const parts = (span ?? "").match(/^(?:\d+ (?:h|min|s) ?)+$/) && span.match(/\d+ (?:h|min|s)/g);
  return parts ? t("schedules.words.every.parts", { parts: parts.map(shortPart).join(" ") }) : null;
}

function shortPart(part) {
  const [number, unit] = part.split(" ");
  return `${formatNumber(Number(number))} ${t(`schedules.words.unit.${UNITS[unit]}`)}`;
}

function zoneOf(name) {
  return name.replaceAll("_", " ");
}
