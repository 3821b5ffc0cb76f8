/** The queues: what lies in each, how fast it goes, who looks after it, and what can be done with it in place. */
import { html } from "../../lib/dom.js";
import { useLive } from "../../lib/live.js";
import { OVERVIEW } from "../../lib/overview.js";
import { useKeys } from "../../lib/keys.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { Reason } from "../../parts/allowed.js";
import { Empty, Head, Loaded } from "../../parts/frame.js";
import { Table } from "../../parts/table.js";
import { drainQueue, turnPause } from "./changing.js";
import { queueColumns } from "./columns.js";
import { useRates } from "./rates.js";

export function Queues() {
  const live = useLive("overview", OVERVIEW);
  const queues = live.data?.queues ?? [];
  const rates = useRates(queues.map((queue) => queue.name));
  useQueueKeys(queues);
  return html`<${Head} title=${t("nav.queues")} note=${html`<${Reason} />`} />
    <${Loaded} of=${live}>${() => queues.length
      ? html`<div class="panel free"><${Table} caption=${t("nav.queues")} columns=${queueColumns(rates)} rows=${queues} idOf=${(queue) => queue.name} /></div>`
      : html`<div class="panel"><${Empty} icon="queues" title=${t("queues.none")} text=${t("queues.none.text")} command="queuemgr demo" /></div>`}<//>`;
}

function useQueueKeys(queues) {
  const atFocus = (change) => () => {
    const name = document.querySelector("tr:focus-within")?.dataset.id;
    const queue = queues.find((one) => one.name === name);
    if (queue && may("operate")) change(queue);
  };
  const edit = () => [...document.querySelectorAll("tr:focus-within .limit")].find((one) => one.checkVisibility())?.click();
  useKeys(
    [
      { keys: "p", text: "queues.key.pause", group: "queues", run: atFocus(turnPause) },
      { keys: "e", text: "queues.key.limit", group: "queues", run: atFocus(edit) },
      { keys: "d", text: "queues.drain", group: "queues", run: atFocus(drainQueue) },
    ],
    [JSON.stringify(queues.map(({ name, paused }) => [name, paused]))],
  );
}
