/** What a job printed and logged. It follows a running job, and stays where the reader has scrolled to. */
import { html, classes, useEffect, useRef, useState } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { formatClock } from "../../lib/format.js";
import { useKeys } from "../../lib/keys.js";
import { Button } from "../../parts/button.js";
import { Panel } from "../../parts/frame.js";
import { useOutput } from "./following.js";

const AT_END = 24;

/** @param {{job: any, tail: any[]}} props `tail` are the last lines that are known already */
export function Output({ job, tail }) {
  const [follow, setFollow] = useState(true);
  const [wanted, want] = useState("");
  const { lines, partial, whole, readAll } = useOutput(job, tail);
  const box = useRef(null);
  const at = useRef(0);
  useEffect(() => {
    if (!follow || !box.current) return;
    box.current.scrollTop = box.current.scrollHeight;
    at.current = box.current.scrollTop;
  }, [lines, partial, follow]);
  useKeys([{ keys: "f", text: "keys.follow", group: "job", run: () => setFollow((now) => !now) }]);
  if (!lines.length && !partial.length) return job.state === "running" ? html`<${Panel} title=${t("output.title")}><p class="faint">${t("output.none")}</p><//>` : null;
  const found = [...lines, ...partial].filter((line) => line.text.toLowerCase().includes(wanted.toLowerCase()));
  const scrolled = ({ currentTarget: it }) => {
    if (it.scrollTop === at.current) return; // told late of what was done here, perhaps after somebody has left off
    at.current = it.scrollTop;
    setFollow(it.scrollHeight - it.scrollTop - it.clientHeight < AT_END);
  };
  const actions = html`<input class="field output-search" type="search" aria-label=${t("output.search")} placeholder=${t("output.search")} value=${wanted} onInput=${(event) => want(event.currentTarget.value)} />
    ${job.state === "running" && html`<${Button} kind="quiet" aria-pressed=${follow} onClick=${() => setFollow(!follow)}>${t("output.follow")}<//>`}`;
  return html`<${Panel} title=${t("output.title")} actions=${actions} flush=${true}>
    <div class="output" ref=${box} tabindex="0" role="log" aria-label=${t("output.title")} onScroll=${scrolled}>
      ${!whole && html`<p><button type="button" class="textual" onClick=${readAll}>${t("output.earlier")}</button></p>`}
      ${found.map((line, index) => html`<${Line} key=${`${line.position} ${index}`} line=${line} before=${found[index - 1]} />`)}
      ${!found.length && html`<p class="faint">${t("output.nothing", { text: wanted })}</p>`}
    </div>
  <//>`;
}

function Line({ line, before }) {
  const begins = before && before.attempt !== line.attempt;
  return html`${begins && html`<p class="output-attempt">${t("output.attempt", { number: line.attempt })}</p>`}
    <p class=${classes("output-line", { wrongly: line.stream === "stderr" })}><span class="faint">${formatClock(line.at)}</span> ${line.text}</p>`;
}
