/** What somebody wants to be told of: how each rule stands, what is silenced, and who was told what. */
import { html } from "../../lib/dom.js";
import { useLive } from "../../lib/live.js";
import { useKeys } from "../../lib/keys.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Reason } from "../../parts/allowed.js";
import { Button } from "../../parts/button.js";
import { Empty, Head, Loaded, Panel } from "../../parts/frame.js";
import { Table } from "../../parts/table.js";
import { alertColumns, deliveryColumns } from "./columns.js";
import { addRule } from "./form.js";
import { Silences } from "./silences.js";

const COMMAND = 'queuemgr alerts add "failure_rate > 5% for 5m"';

export function Alerts() {
  const live = useLive("alerts.list");
  useKeys([{ keys: "n", text: "alerts.add", group: "alerts", run: () => may("operate") && addRule() }]);
  const add = may("operate") && html`<${Button} kind="primary" icon="plus" keys="n" onClick=${addRule}>${t("alerts.add")}<//>`;
  const some = live.data?.rules.length > 0;
  const note = html`${some && t("alerts.note", { count: live.data.firing })} <${Reason} />`;
  return html`<${Head} title=${t("nav.alerts")} note=${note} actions=${some && add} />
    <${Loaded} of=${live}>${(facts) => (facts.rules.length || facts.alerts.length ? html`<${Everything} facts=${facts} />` : html`<div class="panel"><${Empty} icon="alerts" title=${t("alerts.none")} text=${t("alerts.none.text")} command=${COMMAND} actions=${add} /></div>`)}<//>`;
}

function Everything({ facts }) {
  return html`<div class="stack">
    <div class="panel free"><${Table} caption=${t("alerts.rules")} columns=${alertColumns(facts.rules)} rows=${standing(facts)} idOf=${(row) => `${row.rule} @ ${row.queue ?? ""}`} /></div>
    <${Silences} silences=${facts.silences} />
    <${Panel} title=${t("alerts.told")} note=${t("alerts.told.note")} flush=${facts.deliveries.length > 0}>
      ${facts.deliveries.length
        ? html`<${Table} caption=${t("alerts.told")} columns=${deliveryColumns()} rows=${facts.deliveries} idOf=${(one) => `${one.at} ${one.target} ${one.rule}`} />`
        : html`<p class="faint">${t("alerts.told.none")}</p>`}
    <//>
  </div>`;
}

/** Every rule as it stands; one that nobody has judged yet stands there, too. */
function standing({ rules, alerts }) {
  const judged = new Set(alerts.map((alert) => alert.rule));
  const fresh = rules.filter((rule) => !judged.has(rule.rule)).map((rule) => ({ ...rule, state: null, since: null, value: null, silenced_until: null }));
  return [...alerts, ...fresh];
}
