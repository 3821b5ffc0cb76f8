/** The list of jobs: the states beside it, one search box above it, and what can be done with the chosen ones below. */
import { html, signal, useMemo, useState } from "../../lib/dom.js";
import { go, link, place } from "../../lib/address.js";
import { topicOf, useLive } from "../../lib/live.js";
import { OVERVIEW } from "../../lib/overview.js";
import { t } from "../../lib/i18n.js";
import { STATES } from "../../lib/states.js";
import { Empty, Head, Wrong } from "../../parts/frame.js";
import { Pages } from "../../parts/pages.js";
import { Table, useSelection } from "../../parts/table.js";
import { SearchBox } from "./box.js";
import { Chosen } from "./chosen.js";
import { jobColumns } from "./columns.js";
import { useHeld } from "./held.js";
import { valueOf } from "./search.js";
import { StateList } from "./states.js";

const LIMIT = 50;

export function Jobs() {
  const { q = "", after = "" } = place.value.query;
  const overview = useLive("overview", OVERVIEW).data;
  const asked = useMemo(() => ({ search: q, limit: LIMIT, after }), [q, after]);
  const live = useLive("jobs.list", asked);
  const selection = useSelection([q, after]);
  const all = useMemo(() => signal(false), [selection]);
  const [near, setNear] = useState(false);
  const { rows, waiting } = useHeld(live.data?.jobs ?? null, topicOf("jobs.list", asked), near || selection.ids.value.size > 0);
  const next = live.data?.after;
  const search = (text) => go(link("jobs", { q: text }));
  const stay = { onPointerEnter: () => setNear(true), onPointerLeave: () => setNear(false), onFocusIn: () => setNear(true), onFocusOut: () => setNear(false) };
  return html`<${Head} title=${t("nav.jobs")} />
    <div class="jobs">
      <${StateList} text=${q} counts=${countsOf(overview, valueOf(q, "queue"))} />
      <div class="jobs-list">
        <${SearchBox} text=${q} search=${search} />
        ${live.problem && html`<${Wrong} problem=${live.problem} retry=${live.refresh} />`}
        ${waiting > 0 && html`<button type="button" class="waiting" onClick=${() => { selection.clear(); setNear(false); }}>${t("jobs.waiting", { count: waiting })}</button>`}
        ${(rows || !live.problem) && html`<div class="panel" ...${stay}>
          ${rows ? html`<${Rows} rows=${rows} selection=${selection} q=${q} data=${live.data} />` : html`<${Skeleton} />`}
        </div>`}
        <${Pages} newest=${after && link("jobs", { q })} older=${next && link("jobs", { q, after: next })} note=${lookedAt(live.data)} />
        <${Chosen} text=${q} rows=${rows ?? []} more=${Boolean(next)} selection=${selection} all=${all} />
      </div>
    </div>`;
}

function Rows({ rows, selection, q, data }) {
  const columns = jobColumns();
  if (rows.length) return html`<${Table} caption=${t("nav.jobs")} columns=${columns} rows=${rows} selection=${selection} />`;
  if (data?.scanned && data.after) return html`<${Empty} icon="search" title=${t("jobs.scanned", { count: data.scanned })} text=${t("jobs.scanned.text")} />`;
  if (q) return html`<${Empty} icon="search" title=${t("jobs.none.title")} text=${t("jobs.none.text")} actions=${html`<a class="button" href=${link("jobs")}>${t("jobs.none.all")}</a>`} />`;
  return html`<${Empty} title=${t("empty.jobs.title")} text=${t("empty.jobs.text")} command="queuemgr demo" />`;
}

/** @returns {string} how far a search has looked */
function lookedAt(data) {
  return data?.scanned ? t("jobs.looked", { count: data.scanned }) : "";
}

function Skeleton() {
  return html`<div class="loading" role="status"><span class="hidden">${t("loading")}</span><i></i><i></i><i></i></div>`;
}

/** How many jobs are in each state, in all queues or in one. */
function countsOf(overview, queue) {
  if (!overview) return null;
  const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
  for (const one of overview.queues) {
    if (!queue || one.name === queue) STATES.forEach((state) => (counts[state] += one.counts[state]));
  }
  return counts;
}
