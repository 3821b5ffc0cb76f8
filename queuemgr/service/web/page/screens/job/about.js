/** The facts of a job that fit on a line each. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { Panel } from "../../parts/frame.js";
import { When } from "../../parts/when.js";
import { jobsLink } from "../jobs/search.js";

/** @param {{job: any}} props */
export function About({ job }) {
  const lines = [
    ["queue", html`<a href=${jobsLink({ queue: job.queue })}>${job.queue}</a>`],
    ["task", html`<a class="break" href=${jobsLink({ task: job.task })}>${job.task}</a>`],
    ["priority", job.priority],
    ["attempt", job.attempt || "–"],
    ["created", html`<${When} at=${job.created_at} />`],
    ["run_at", job.state === "scheduled" && html`<${When} at=${job.run_at} />`],
    ["started", job.started_at && html`<${When} at=${job.started_at} />`],
    ["finished", job.finished_at && html`<${When} at=${job.finished_at} />`],
    ["expires", job.expires_at && html`<${When} at=${job.expires_at} />`],
    ["worker", job.worker && html`<a class="mono break" href=${jobsLink({ worker: job.worker })}>${job.worker}</a>`],
    ["unique_key", job.unique_key && html`<span class="mono break">${job.unique_key}</span>`],
    ["tags", job.tags.length > 0 && job.tags.map((tag) => html`<a key=${tag} class="tag" href=${jobsLink({ tag })}>${tag}</a> `)],
    ...Object.entries(job.options).map(([name, value]) => [name, html`<span class="mono break">${typeof value === "object" ? JSON.stringify(value) : String(value)}</span>`]),
  ];
  return html`<${Panel} title=${t("job.about")}>
    <dl class="about">${lines.filter(([, value]) => value || value === 0).map(([name, value]) => html`<div key=${name}><dt>${labelled(name)}</dt><dd>${value}</dd></div>`)}</dl>
  <//>`;
}

function labelled(name) {
  const key = `job.about.${name}`;
  const text = t(key);
  return text === key ? name : text;
}
