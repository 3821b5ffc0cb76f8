/** How one group of failures looks in the list. */
import { html } from "../../lib/dom.js";
import { go, link } from "../../lib/address.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { formatShort } from "../../lib/format.js";
import { Button } from "../../parts/button.js";
import { copyText } from "../../parts/copy.js";
import { Menu } from "../../parts/menu.js";
import { When } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";
import { groupLink } from "./changing.js";

const TAGS = 3;

/** @param {(group: any) => void} retry @returns {import("../../parts/table.js").Column[]} */
export function failureColumns(retry) {
  return [
    { key: "count", title: t("failures.column.count"), class: "number count-cell", cell: (group) => html`<b title=${t("number", { count: group.count })}>${formatShort(group.count)}</b>` },
    { key: "error", title: t("failures.column.error"), class: "grow", cell: (group) => html`<${What} group=${group} />` },
    { key: "where", title: t("failures.column.where"), class: "wide where-cell", cell: (group) => html`<${Tags} of=${group.tasks} field="task" /><${Tags} of=${group.queues} field="queue" />` },
    { key: "first", title: t("failures.column.first"), class: "number desk", cell: (group) => html`<${When} at=${group.first} />` },
    { key: "last", title: t("failures.column.last"), class: "number desk", cell: (group) => html`<${When} at=${group.last} />` },
    { key: "actions", title: "", label: t("queues.column.actions"), class: "tight", cell: (group) => html`<${Actions} group=${group} retry=${retry} />` },
  ];
}

function What({ group }) {
  const type = (group.type || t("failures.unknown")).split(".").pop();
  const same = group.example === group.message;
  return html`<p class="break"><a class="named wrongly" href=${groupLink(group)}>${type}</a> ${group.message}</p>
    <p class="faint step-text break">${group.place && html`<span class="mono">${group.place}</span>`}${!same && group.example && html`${group.place && " · "}${t("failures.example", { text: group.example })}`}</p>
    <p class="only-phone faint step-text"><span>${t("failures.column.last")} <${When} at=${group.last} /></span></p>`;
}

function Tags({ of, field }) {
  const names = Object.keys(of);
  return html`<p class="tags">${names.slice(0, TAGS).map((name) => html`<a key=${name} class="tag" href=${jobsLink({ state: "dead", [field]: name })}>${name}</a> `)}
    ${names.length > TAGS && html`<span class="faint">+${names.length - TAGS}</span>`}</p>`;
}

function Actions({ group, retry }) {
  const items = [
    { text: t("failures.jobs"), icon: "jobs", run: () => go(groupLink(group)) },
    { text: t("failures.newest"), icon: "external", run: () => go(link("jobs", {}, group.ids[0])) },
    { text: t("failures.copy"), icon: "copy", run: () => copyText(group.command) },
  ];
  const name = (group.type || "").split(".").pop();
  return html`<div class="actions terse">
    ${may("operate") && html`<${Button} icon="retry" aria-label=${t("failures.retry.of", { name })} onClick=${() => retry(group)}>${t("change.retry")}<//>`}
    <${Menu} kind="quiet" icon="more" name=${t("failures.more", { name })} items=${items} />
  </div>`;
}
