/** What a running job does at this moment: its stack, memory and processes, where the service runs it. */
import { html, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { formatSize } from "../../lib/format.js";
import { t } from "../../lib/i18n.js";
import { useKeys } from "../../lib/keys.js";
import { Button } from "../../parts/button.js";
import { Panel, Wrong } from "../../parts/frame.js";
import { Json } from "../../parts/json.js";

/** @param {{job: any}} props */
export function Inspection({ job }) {
  const [seen, setSeen] = useState(null);
  const [problem, setProblem] = useState(null);
  const look = async () => {
    try {
      setSeen(await ask("job.inspect", { job_id: job.id }));
      setProblem(null);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
  };
  useKeys([{ keys: "i", text: "inspect.look", group: "job", run: look }], [job.id]);
  const actions = html`<${Button} kind="quiet" icon="search" keys="i" onClick=${look}>${t(seen ? "inspect.again" : "inspect.look")}<//>`;
  return html`<${Panel} title=${t("inspect.title")} actions=${actions}>
    ${problem && html`<${Wrong} problem=${problem} />`}
    ${!seen && !problem && html`<p class="faint">${t("inspect.text")}</p>`}
    ${seen && html`<${Seen} seen=${seen} />`}
  <//>`;
}

function Seen({ seen }) {
  const { stack, processes, ...rest } = seen;
  const text = Array.isArray(stack) ? stack.join("\n") : stack;
  return html`<div class="stack">
    ${processes?.length > 0 && html`<div class="table-scroll"><table><thead><tr><th scope="col">pid</th><th scope="col">${t("inspect.command")}</th><th scope="col" class="number">CPU</th><th scope="col" class="number">${t("inspect.memory")}</th></tr></thead>
      <tbody>${processes.map((one) => html`<tr key=${one.pid}><td class="mono">${one.pid}</td><td class="mono break">${one.name ?? one.command}</td><td class="number">${one.cpu_percent ?? one.cpu ?? "–"}</td><td class="number">${one.memory || one.rss ? formatSize(one.memory ?? one.rss) : "–"}</td></tr>`)}</tbody></table></div>`}
    ${typeof text === "string" ? html`<pre class="code" tabindex="0">${text}</pre>` : stack && html`<${Json} value=${stack} />`}
    ${rest.suspended && html`<p class="badge warn">${t("inspect.suspended")}</p>`}
  </div>`;
}
