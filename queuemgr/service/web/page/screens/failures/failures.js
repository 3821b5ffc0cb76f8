/** What failed, grouped by what the failures have in common, so that one look tells what is broken. */
import { html } from "../../lib/dom.js";
import { place } from "../../lib/address.js";
import { useAsked } from "../../lib/asked.js";
import { useKeys } from "../../lib/keys.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Reason } from "../../parts/allowed.js";
import { IconButton } from "../../parts/button.js";
import { Empty, Head, Loaded } from "../../parts/frame.js";
import { Table } from "../../parts/table.js";
import { failureColumns } from "./columns.js";
import { retryGroup } from "./changing.js";

const EVERY = 10;

export function Failures() {
  const { q = "" } = place.value.query;
  const live = useAsked("failures.list", { search: q, limit: 50 }, EVERY);
  const groups = live.data?.groups ?? [];
  const retry = async (group) => (await retryGroup(group)) && live.refresh();
  useGroupKeys(groups, retry);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const note = html`${groups.length > 0 && t("failures.note", { count, groups: t("failures.groups", { count: groups.length }) })} <${Reason} />`;
  return html`<${Head} title=${t("nav.failures")} note=${note} actions=${html`<${IconButton} icon="retry" label=${t("failures.again")} onClick=${live.refresh} />`} />
    <${Loaded} of=${live}>${(facts) => html`<div class="stack">
      ${groups.length
        ? html`<div class="panel free"><${Table} caption=${t("nav.failures")} columns=${failureColumns(retry)} rows=${groups} idOf=${(group) => group.fingerprint} /></div>`
        : html`<div class="panel"><${Empty} icon="check" title=${t("overview.no_failures")} text=${t("failures.none.text")} /></div>`}
      ${!facts.complete && html`<p class="faint">${t("failures.part", { count: facts.scanned })}</p>`}
    </div>`}<//>`;
}

function useGroupKeys(groups, retry) {
  const atFocus = () => {
    const id = document.querySelector("tr:focus-within")?.dataset.id;
    const group = groups.find((one) => one.fingerprint === id);
    if (group && may("operate")) retry(group);
  };
  useKeys([{ keys: "r", text: "failures.retry", group: "failures", run: atFocus }], [JSON.stringify(groups.map((group) => [group.fingerprint, group.count]))]);
}
