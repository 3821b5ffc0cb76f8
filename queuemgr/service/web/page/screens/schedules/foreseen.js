/** What a rule means, while it is written: in words, and its next five moments in the viewer's zone. */
import { html, useEffect, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { t } from "../../lib/i18n.js";
import { Moments } from "./moments.js";
import { inWords } from "./words.js";

const SETTLE = 150;

/** @param {{name: string, rule: string, zone: string}} props */
export function Foreseen({ name, rule, zone }) {
  const [seen, setSeen] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    const given = { name: name.trim() || "new", rule: rule.trim(), zone: isInterval(rule) ? "UTC" : zone.trim(), count: 5 };
    const look = () => ask("schedules.preview", given, { signal: stop.signal }).then(setSeen, wrong);
    const wrong = (problem) => problem instanceof Problem && setSeen({ problem });
    const waiting = setTimeout(look, SETTLE);
    return () => {
      clearTimeout(waiting);
      stop.abort();
    };
  }, [rule, zone]);
  return html`<div class="foreseen whole" role="status">${seen && drawn(seen)}</div>`;
}

/** Whether a rule is a length of time, which has no zone. */
export function isInterval(rule) {
  return /^\s*every\b/i.test(rule);
}

function drawn({ problem, words, firings }) {
  if (problem) return html`<p class="problem">${problem.message}</p>`;
  if (!firings.length) return html`<p class="problem">${t("schedules.never")}</p>`;
  return html`<p><b>${inWords({ words })}</b></p><${Moments} moments=${firings} />`;
}
