/** What a job returned, drawn as what it is: a table, a line, a picture, or a tree; long lists come page by page. */
import { html, useEffect, useState } from "../../lib/dom.js";
import { ask, Problem } from "../../lib/api.js";
import { t } from "../../lib/i18n.js";
import { formatSize } from "../../lib/format.js";
import { Button } from "../../parts/button.js";
import { Panel, Wrong } from "../../parts/frame.js";
import { Json } from "../../parts/json.js";
import { pictureIn } from "./picturing.js";
import { Picture } from "./picture.js";
import { isNumbers, isRows, Numbers, Rows } from "./values.js";

const PAGE = 100;
const POINTS = 1000;

/** @param {{job: any}} props */
export function Result({ job }) {
  const [asked, setAsked] = useState({ offset: 0, at: null });
  const [facts, setFacts] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (job.state !== "succeeded") return undefined;
    const stop = new AbortController();
    read(job.id, asked, stop.signal).then(setFacts, (error) => error instanceof Problem && setProblem(error));
    return () => stop.abort();
  }, [job.id, job.state, asked]);
  if (job.state !== "succeeded" || (!facts && !problem)) return null;
  if (!facts) return html`<${Panel} title=${t("result.title")}><${Wrong} problem=${problem} /><//>`;
  const note = [formatSize(facts.size), facts.kind === "list" && t("json.items", { count: facts.length })].filter(Boolean).join(" · ");
  const save = facts.size > 0 && html`<a class="button quiet" download href=${`api/v1/jobs/${encodeURIComponent(job.id)}/result/content`}>${t("result.save")}</a>`;
  return html`<${Panel} title=${t("result.title")} note=${note} actions=${save} flush=${Boolean(facts.items)}>
    <${Lists} facts=${facts} at=${asked.at} choose=${(at) => setAsked({ offset: 0, at })} />
    <${Drawn} job=${job} facts=${facts} />
    <${Pages} facts=${facts} turn=${(offset) => setAsked({ ...asked, offset })} />
  <//>`;
}

/** Numbers are drawn from many; of everything else a page is enough. */
async function read(id, { offset, at }, signal) {
  const facts = await ask("jobs.result", { job_id: id, offset, limit: PAGE, at }, { signal });
  if (!facts.items || !isNumbers(facts.items) || facts.next === null) return facts;
  return ask("jobs.result", { job_id: id, offset, limit: POINTS, at }, { signal });
}

function Drawn({ job, facts }) {
  if (facts.none) return html`<p class="faint">${facts.none}</p>`;
  if (facts.items && isNumbers(facts.items)) return html`<div class="panel-body"><${Numbers} values=${facts.items} offset=${facts.offset} /></div>`;
  if (facts.items && isRows(facts.items)) return html`<${Rows} rows=${facts.items} offset=${facts.offset} />`;
  if (facts.items) return html`<div class="panel-body"><${Json} value=${facts.items} /></div>`;
  const kind = pictureIn(facts.value ?? facts.sample);
  if (kind) return html`<${Picture} job=${job} facts=${facts} kind=${kind} />`;
  if (facts.value === null && facts.size > 4) return html`<p class="faint">${t("result.begins", { shape: facts.shape })}</p><${Json} value=${facts.sample} />`;
  return html`<${Json} value=${facts.value} />`;
}

/** A dict with lists in it can be looked at as a whole, or list by list. */
function Lists({ facts, at, choose }) {
  const names = Object.keys(facts.lists ?? {});
  if (!names.length) return null;
  return html`<div class=${facts.items ? "result-bar" : "row result-lists"} role="group" aria-label=${t("result.lists")}>
    <${Button} kind="quiet" aria-pressed=${at === null} onClick=${() => choose(null)}>${t("result.whole")}<//>
    ${names.slice(0, 8).map((name) => html`<${Button} key=${name} kind="quiet" aria-pressed=${at === name} onClick=${() => choose(name)}>${name} (${t("number", { count: facts.lists[name] })})<//>`)}
  </div>`;
}

function Pages({ facts, turn }) {
  if (!facts.items || (!facts.offset && facts.next === null)) return null;
  const last = facts.offset + facts.items.length;
  return html`<nav class="result-bar" aria-label=${t("pages")}>
    <span class="faint number">${t("result.range", { first: facts.items.length ? facts.offset + 1 : 0, last })}</span>
    <span class="pages">
      <${Button} icon="back" disabled=${!facts.offset} onClick=${() => turn(Math.max(0, facts.offset - (isNumbers(facts.items) ? POINTS : PAGE)))}>${t("result.earlier")}<//>
      <${Button} disabled=${facts.next === null} onClick=${() => turn(facts.next)}>${t("result.later")}<//>
    </span>
  </nav>`;
}
