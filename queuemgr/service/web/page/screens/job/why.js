/** Why a job is where it is, what comes next, and what a person can do about it. */
import { html } from "../../lib/dom.js";
import { known, t } from "../../lib/i18n.js";
import { formatDuration, formatSize } from "../../lib/format.js";
import { CopyLine } from "../../parts/copy.js";
import { Panel } from "../../parts/frame.js";
import { When } from "../../parts/when.js";

const DURATIONS = ["seconds", "left", "longest", "median", "kept", "lease", "timeout", "late", "since", "ago"];
const COUNTS = ["count", "limit", "before", "slots", "number", "crashes", "attempts", "failures", "looked", "attempt"];

/** @param {{why: any}} props */
export function Why({ why }) {
  if (!why) return html`<${Panel} title=${t("why.title")}><p class="faint">${t("loading")}</p><//>`;
  const [first, ...others] = why.reasons;
  return html`<${Panel} title=${t("why.title")} class="why">
    <p class="why-first">${sentence(told("why", first))}</p>
    ${others.length > 0 && html`<ul class="why-more">${others.map((one) => html`<li key=${one.code}>${sentence(told("why", one))}</li>`)}</ul>`}
    ${why.next && html`<p class="why-next"><b>${t("why.next")}</b> ${told("why.then", why.next)}${why.next.at !== null && html` (<${When} at=${why.next.at} />)`}</p>`}
    ${why.steps.length > 0 && html`<ul class="why-steps">${why.steps.map((step) => html`<li key=${step.command}>
      <span>${known(`why.step.${step.code}`) ? t(`why.step.${step.code}`) : step.purpose}</span><${CopyLine} text=${step.command} /></li>`)}</ul>`}
  <//>`;
}

/** A sentence in the reader's language where there is one, else as the server has written it. */
function told(prefix, { code, text, params }) {
  const key = `${prefix}.${code}`;
  if (!known(key)) return text;
  const count = COUNTS.map((name) => params[name]).find((value) => typeof value === "number");
  const given = Object.entries(params).map(([name, value]) => [name, shown(name, value)]);
  return t(key, { count, ...Object.fromEntries(given) });
}

function shown(name, value) {
  if (DURATIONS.includes(name) && typeof value === "number") return formatDuration(Math.max(0, value));
  if (name === "size") return formatSize(value);
  if (name === "what") return String(value).replace(/arguments|host/g, (word) => (known(`why.what.${word}`) ? t(`why.what.${word}`) : word));
  if (name === "times") return Math.round(value * 10) / 10;
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}

function sentence(text) {
  return `${text.charAt(0).toLocaleUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? "" : "."}`;
}
