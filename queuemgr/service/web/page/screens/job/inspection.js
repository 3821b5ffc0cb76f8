/** What a running job does at this moment: its stack, memory and processes, where the service runs it. */
import { html, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { formatDuration, formatSize } from "../../lib/format.js";
import { t } from "../../lib/i18n.js";
import { useKeys } from "../../lib/keys.js";
import { Button } from "../../parts/button.js";
import { Panel, Wrong } from "../../parts/frame.js";

const NUMBERS = [0, 2, 3, 4];
const ELSEWHERE = ["service-not-running", "job-not-found", "invalid-job-state-error"].map((kind) => `urn:queuemgr:${kind}`);

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
    ${problem && html`<${Wrong} problem=${explained(problem)} />`}
    ${!seen && !problem && html`<p class="faint">${t("inspect.text")}</p>`}
    ${seen && html`<${Seen} seen=${seen} />`}
  <//>`;
}

/** A job that runs in a worker of its own is none of the service's: to start one would not help. */
function explained(problem) {
  return ELSEWHERE.includes(problem.type) ? { message: t("inspect.elsewhere"), hint: problem.message } : problem;
}

function Seen({ seen }) {
  const { stack, processes, suspended } = seen;
  const files = processes.flatMap((one) => one.files.map((file) => ({ pid: one.pid, file })));
  return html`<div class="stack">
    ${suspended && html`<p><span class="badge warn">${t("inspect.suspended")}</span></p>`}
    <${Processes} processes=${processes} />
    ${stack ? html`<pre class="code" tabindex="0">${stack.trimEnd()}</pre>` : html`<p class="faint">${t("inspect.no_stack")}</p>`}
    ${files.length > 0 && html`<details><summary>${t("inspect.files", { count: files.length })}</summary>
      <ul class="files">${files.map(({ pid, file }) => html`<li key=${`${pid} ${file}`} class="mono break">${file}</li>`)}</ul></details>`}
  </div>`;
}

function Processes({ processes }) {
  const heads = ["PID", t("inspect.state"), "CPU", t("inspect.memory"), t("inspect.threads"), t("inspect.command")];
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t("inspect.processes")}><table>
    <thead><tr>${heads.map((head, index) => html`<th key=${head} scope="col" class=${NUMBERS.includes(index) ? "number" : undefined}>${head}</th>`)}</tr></thead>
    <tbody>${processes.map((one) => html`<tr key=${one.pid}>
      <td class="number">${one.pid}</td><td>${one.state}</td><td class="number">${formatDuration(one.cpu)}</td><td class="number">${formatSize(one.memory)}</td>
      <td class="number">${one.threads}</td><td class="mono clip command" title=${one.command}>${one.command.replace(/\s+/g, " ")}</td></tr>`)}</tbody>
  </table></div>`;
}
