/** The frames that every screen is made of: its head, panels, and what stands where there is nothing to show. */
import { html, useEffect, useId } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Button } from "./button.js";
import { CopyLine } from "./copy.js";
import { Icon } from "./icon.js";

/** The head of a screen. @param {{title: any, plain?: string, note?: any, actions?: any}} props `plain` names the tab */
export function Head({ title, plain, note, actions }) {
  const name = plain ?? title;
  useEffect(() => {
    document.title = `${name} · queuemgr`;
  }, [name]);
  return html`<header class="head">
    <div class="head-words"><h1 tabindex="-1">${title}</h1>${note && html`<p class="faint">${note}</p>`}</div>
    ${actions && html`<div class="head-actions">${actions}</div>`}
  </header>`;
}

/** A part of a screen under its own heading. @param {{title: any, note?: any, actions?: any, flush?: boolean, children?: any}} props */
export function Panel({ title, note, actions, flush, class: extra = "", children }) {
  const label = useId();
  return html`<section class="panel ${extra}" aria-labelledby=${label}>
    <header><h2 id=${label}>${title}</h2>${note && html`<span class="faint">${note}</span>`}<div class="panel-actions">${actions}</div></header>
    <div class=${flush ? "panel-flush" : "panel-body"}>${children}</div>
  </section>`;
}

/** Says that there is nothing, and the next step. @param {{title: string, text?: any, command?: string, actions?: any, icon?: string}} props */
export function Empty({ title, text, command, actions, icon = "jobs" }) {
  return html`<div class="empty">
    <${Icon} name=${icon} />
    <p class="empty-title">${title}</p>
    ${text && html`<p class="faint">${text}</p>`}
    ${command && html`<${CopyLine} text=${command} />`}
    ${actions && html`<div class="row">${actions}</div>`}
  </div>`;
}

/** Says what went wrong and what to do. @param {{problem: import("../lib/api.js").Problem, retry?: () => void}} props */
export function Wrong({ problem, retry }) {
  return html`<div class="wrong" role="alert">
    <${Icon} name="failures" />
    <div><p class="empty-title">${problem.message || problem.title}</p>${problem.hint && html`<p>${problem.hint}</p>`}</div>
    ${retry && html`<${Button} icon="retry" onClick=${retry}>${t("again")}<//>`}
  </div>`;
}

/** Draws what came, or that it is coming, and above it what is wrong since. @param {{of: ReturnType<typeof import("../lib/live.js").useLive>, children: (data: any) => any}} props */
export function Loaded({ of, children }) {
  const wrong = of.problem && html`<${Wrong} problem=${of.problem} retry=${of.refresh} />`;
  if (of.data !== null) return html`${wrong}${children(of.data)}`;
  return wrong || html`<div class="loading" role="status"><span class="hidden">${t("loading")}</span><i></i><i></i><i></i></div>`;
}
