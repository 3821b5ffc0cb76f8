/** The states beside the list, with how many jobs are in each. */
import { html, useLayoutEffect, useRef } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { formatShort } from "../../lib/format.js";
import { STATES } from "../../lib/states.js";
import { link } from "../../lib/address.js";
import { Shape } from "../../parts/state.js";
import { valueOf, withValue } from "./search.js";

/** Pixels of what follows the chosen one. */
const AHEAD = 40;

/** @param {{text: string, counts: Record<string, number> | null}} props */
export function StateList({ text, counts }) {
  const chosen = valueOf(text, "state");
  const list = useRef(null);
  // Where the states stand in one line that scrolls, the chosen one is seen.
  useLayoutEffect(() => {
    const [line, one] = [list.current, list.current.querySelector("[aria-current]")].map((it) => it?.getBoundingClientRect());
    if (one && one.right > line.right) list.current.scrollLeft += one.right - line.right + AHEAD;
  }, [chosen, Boolean(counts)]);
  const all = counts && STATES.reduce((sum, state) => sum + counts[state], 0);
  return html`<nav ref=${list} class="states" aria-label=${t("jobs.states")}>
    <a href=${link("jobs", { q: withValue(text, "state", "") })} aria-current=${chosen ? undefined : "true"}>
      <span>${t("jobs.all")}</span><${Count} value=${all} />
    </a>
    ${STATES.map((state) => html`<a key=${state} data-state=${state} class=${counts?.[state] ? undefined : "none"}
      href=${link("jobs", { q: withValue(text, "state", state) })} aria-current=${chosen.split(",").includes(state) ? "true" : undefined}>
      <${Shape} state=${state} /><span>${t(`state.${state}`)}</span><${Count} value=${counts?.[state]} />
    </a>`)}
  </nav>`;
}

function Count({ value }) {
  return html`<span class="count" title=${value > 9999 ? t("number", { count: value }) : undefined}>${value === null || value === undefined ? "" : formatShort(value)}</span>`;
}
