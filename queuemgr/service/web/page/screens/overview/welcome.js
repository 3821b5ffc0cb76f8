/** What an empty system shows: the way to the first job, ready to be pasted. */
import { html } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { Panel } from "../../parts/frame.js";
import { Copy, CopyLine } from "../../parts/copy.js";

const example = (url) => `# tasks.py
from queuemgr import App

app = App("${url}")

@app.task
def add(a: int, b: int) -> int:
    return a + b

if __name__ == "__main__":
    add.enqueue(2, 3)`;

/** @param {{url: string}} props the store that this page shows */
export function Welcome({ url }) {
  const code = example(url);
  return html`<div class="stack welcome">
    <p class="lead">${t("welcome.lead")}</p>
    <${Panel} title=${t("welcome.demo")}><p class="faint">${t("welcome.demo.text")}</p><${CopyLine} text="queuemgr demo" /><//>
    <${Panel} title=${t("welcome.own")} actions=${html`<${Copy} text=${code} />`}>
      <p class="faint">${t("welcome.own.text")}</p>
      <pre class="code" tabindex="0">${code}</pre>
      <p class="faint">${t("welcome.worker.text")}</p>
      <${CopyLine} text="queuemgr worker tasks:app" />
    <//>
  </div>`;
}
