/** One job: what it is, why it is where it is, what it was given and gave, what it said, and what can be done with it. */
import { html } from "../../lib/dom.js";
import { link } from "../../lib/address.js";
import { formatSize } from "../../lib/format.js";
import { t } from "../../lib/i18n.js";
import { Copy } from "../../parts/copy.js";
import { Empty, Head, Panel, Wrong } from "../../parts/frame.js";
import { Json } from "../../parts/json.js";
import { Progress } from "../../parts/progress.js";
import { StateBadge } from "../../parts/state.js";
import { Actions } from "./actions.js";
import { About } from "./about.js";
import { Comparison } from "./comparison.js";
import { Failure } from "./failure.js";
import { Inspection } from "./inspection.js";
import { Output } from "./output.js";
import { Result } from "./result.js";
import { Timeline } from "./timeline.js";
import { useJob } from "./watching.js";
import { Why } from "./why.js";

/** @param {{id: string}} props */
export function Job({ id }) {
  const { job, detail, why, gone, problem, refresh } = useJob(id);
  if (gone) {
    const back = html`<a class="button" href=${link("jobs")}>${t("job.gone.back")}</a>`;
    return html`<${Head} title=${t("job.gone")} note=${html`<span class="mono break">${id}</span>`} />
      <${Empty} icon="search" title=${t("job.gone.title")} text=${t("job.gone.text")} actions=${back} />`;
  }
  if (problem && !job) return html`<${Head} title=${t("job.title")} /><${Wrong} problem=${problem} retry=${refresh} />`;
  if (!job) return html`<${Head} title=${t("job.title")} />`;
  const title = html`<span class="break">${job.task.split(/(?<=[._])/).map((part) => html`${part}<wbr />`)}</span>`;
  const note = html`<span class="job-note"><${StateBadge} state=${job.state} /><span class="job-whole-id"><span class="mono break">${job.id}</span><${Copy} text=${job.id} label=${t("job.copy_id")} /></span></span>`;
  return html`<${Head} title=${title} plain=${job.task} note=${note} actions=${html`<${Actions} job=${job} detail=${detail} />`} />
    ${problem && html`<${Wrong} problem=${problem} retry=${refresh} />`}
    <div class="job-columns">
      <div class="stack">
        ${job.state === "running" && job.progress !== null && html`<${Running} job=${job} />`}
        <${Why} why=${why} />
        ${job.error && job.state !== "succeeded" && html`<${Failure} error=${job.error} />`}
        <${Comparison} why=${why} />
        ${detail && html`<${Panel} title=${t("job.arguments")} note=${formatSize(detail.arguments.size)}><${Arguments} facts=${detail.arguments} /><//>`}
        <${Result} job=${job} />
        ${detail && html`<${Output} key=${job.id} job=${job} tail=${detail.output} />`}
        ${job.state === "running" && html`<${Inspection} job=${job} />`}
      </div>
      <div class="stack">
        <${About} job=${job} />
        ${detail && html`<${Panel} title=${t("job.timeline")}><${Timeline} job=${job} attempts=${detail.attempts} /><//>`}
      </div>
    </div>`;
}

function Running({ job }) {
  return html`<${Panel} title=${t("job.progress")} note=${job.note}><${Progress} job=${job} /><//>`;
}

function Arguments({ facts }) {
  if (facts.unreadable) return html`<p class="faint">${facts.unreadable}</p>${facts.raw && html`<pre>${facts.raw}</pre>`}`;
  const named = Object.keys(facts.named).length > 0;
  if (!facts.positional.length && !named) return html`<p class="faint">${t("job.arguments.none")}</p>`;
  return html`${facts.positional.map((value, index) => html`<${Json} key=${index} name=${String(index)} value=${value} depth=${1} />`)}
    ${Object.entries(facts.named).map(([name, value]) => html`<${Json} key=${name} name=${name} value=${value} depth=${1} />`)}`;
}
