/** What was changed: when, by whom, and what came of it, page by page. */
import { html } from "../../lib/dom.js";
import { link, place } from "../../lib/address.js";
import { useAsked } from "../../lib/asked.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Reason } from "../../parts/allowed.js";
import { Empty, Head, Loaded } from "../../parts/frame.js";
import { Pages } from "../../parts/pages.js";
import { Table } from "../../parts/table.js";
import { auditColumns } from "./columns.js";

const LIMIT = 50;
const EVERY = 5;

export function Audit() {
  const { after = "" } = place.value.query;
  const allowed = may("administer");
  const live = useAsked(allowed ? "audit.list" : null, { limit: LIMIT, after }, after ? 0 : EVERY);
  if (!allowed) return html`<${Head} title=${t("nav.audit")} /><div class="panel"><${Empty} icon="audit" title=${t("audit.closed")} text=${html`<${Reason} scope="administer" />`} /></div>`;
  return html`<${Head} title=${t("nav.audit")} note=${t("audit.note")} />
    <${Loaded} of=${live}>${({ entries, after: next }) => html`<div class="stack">
      <div class="panel">${entries.length
        ? html`<${Table} caption=${t("nav.audit")} columns=${auditColumns()} rows=${entries} idOf=${(entry) => String(entry.number)} />`
        : html`<${Empty} icon="audit" title=${t("audit.none")} text=${t("audit.none.text")} />`}</div>
      <${Pages} newest=${after && link("audit")} older=${next && link("audit", { after: String(next) })} />
    </div>`}<//>`;
}
