/** How one queue looks in the list. */
import { html, useLayoutEffect, useRef, useState } from "../../lib/dom.js";
import { go } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { formatShort } from "../../lib/format.js";
import { shownStates, WAITING } from "../../lib/states.js";
import { IconButton } from "../../parts/button.js";
import { Sparkline } from "../../parts/chart.js";
import { Copy } from "../../parts/copy.js";
import { Icon } from "../../parts/icon.js";
import { Menu } from "../../parts/menu.js";
import { PriorityField } from "../../parts/priority.js";
import { Shape } from "../../parts/state.js";
import { StateBar } from "../../parts/statebar.js";
import { Since } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";
import { drainQueue, prioritiseQueue, retryDead, turnPause } from "./changing.js";
import { Limit } from "./limit.js";

/** @param {Map<string, (number | null)[]>} rates @returns {import("../../parts/table.js").Column[]} */
export function queueColumns(rates) {
  return [
    { key: "queue", title: t("queues.column.queue"), class: "grow", cell: (queue) => html`<${Queue} queue=${queue} />` },
    { key: "wait", title: t("queues.column.wait"), class: "number desk", cell: ({ oldest_ready: at }) => (at ? html`<${Since} since=${at} />` : html`<span class="faint">–</span>`) },
    { key: "rate", title: t("queues.column.rate"), class: "wide rate", cell: (queue) => html`<${Rate} values=${rates.get(queue.name)} />` },
    { key: "limit", title: t("queues.column.running"), class: "number desk", cell: (queue) => html`<${Limit} queue=${queue} />` },
    { key: "workers", title: t("queues.column.workers"), class: "number desk", cell: ({ workers }) => (workers ? formatShort(workers) : html`<span class="faint">–</span>`) },
    { key: "actions", title: "", label: t("queues.column.actions"), class: "tight", cell: (queue) => html`<${Actions} queue=${queue} />` },
  ];
}

function Queue({ queue }) {
  const waits = queue.counts.ready + queue.counts.scheduled;
  return html`<div class="queue">
    <p class="row"><a class="named break" href=${jobsLink({ queue: queue.name })}>${queue.name}</a>
      ${queue.paused && html`<span class="badge warn"><${Icon} name="hold" />${t("overview.paused")}</span>`}
      ${!queue.workers && html`<span class=${waits ? "badge danger" : "badge"}>${t("overview.no_workers")}</span>`}</p>
    <${StateBar} counts=${queue.counts} />
    <ul class="card-counts">${shownStates(queue.counts).map((state) => html`<li key=${state}><a data-state=${state} class=${queue.counts[state] ? "" : "none"} title=${t(`state.${state}`)}
      href=${jobsLink({ queue: queue.name, state })}><${Shape} state=${state} /><span class="hidden">${t(`state.${state}`)}</span> ${formatShort(queue.counts[state])}</a></li>`)}</ul>
    <div class="only-phone queue-phone"><span class="faint">${t("queues.column.running")}</span><${Limit} queue=${queue} /></div>
    ${!queue.workers && waits > 0 && html`<${NoWorkers} name=${queue.name} />`}
  </div>`;
}

function NoWorkers({ name }) {
  const command = `queuemgr worker MODULE:APP --queue ${/^[\w.@%+=:,/-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`}`;
  return html`<p class="hint"><span class="faint">${t("queues.no_workers")}</span> <code class="break"><${Words} of=${command} /></code><${Copy} text=${command} /></p>`;
}

/** A line that is broken between its words, and never within an option's dashes. */
function Words({ of }) {
  return of.split(" ").map((word, index) => html`${index ? " " : ""}${word.startsWith("--") ? html`<span class="whole-word">${word}</span>` : word}`);
}

function Rate({ values }) {
  const known = values?.filter((value) => value !== null) ?? [];
  if (known.length < 3) return html`<span class="faint">–</span>`;
  const perSecond = t("overview.per_second", { rate: formatShort(known.at(-1)) });
  return html`<div class="rate-drawn"><${Sparkline} values=${values} state="succeeded" label=${t("queues.rate", { name: perSecond })} /><span class="number faint">${perSecond}</span></div>`;
}

function Actions({ queue }) {
  const [editing, setEditing] = useState(false);
  const place = useRef(null);
  const left = useRef(false);
  useLayoutEffect(() => {
    if (left.current && !editing) place.current?.querySelector("[aria-haspopup]").focus();
    left.current = editing;
  }, [editing]);
  const keep = (priority) => prioritiseQueue(queue, priority);
  const label = t("queues.priority.of", { name: queue.name });
  if (editing) return html`<${PriorityField} label=${label} keep=${keep} close=${() => setEditing(false)} />`;
  return html`<div class="actions" ref=${place}><${Buttons} queue=${queue} prioritise=${() => setEditing(true)} /></div>`;
}

function Buttons({ queue, prioritise }) {
  const waits = WAITING.reduce((sum, state) => sum + queue.counts[state], 0);
  const items = [
    { text: t("queues.jobs"), icon: "jobs", run: () => go(jobsLink({ queue: queue.name })) },
    ...(may("operate")
      ? [
          { text: t("queues.retry"), icon: "retry", disabled: !queue.counts.dead, run: () => retryDead(queue) },
          { text: t("queues.prioritise"), icon: "edit", disabled: !waits, run: prioritise },
          { text: t("queues.drain"), icon: "delete", danger: true, disabled: !waits, run: () => drainQueue(queue) },
        ]
      : []),
  ];
  const label = t(queue.paused ? "queues.resume" : "queues.pause", { name: queue.name });
  return html`${may("operate") && html`<${IconButton} icon=${queue.paused ? "release" : "hold"} label=${label} onClick=${() => turnPause(queue)} />`}
    <${Menu} kind="quiet" icon="more" name=${t("queues.more", { name: queue.name })} items=${items} />`;
}
