/** What can be done with one job, as buttons and as keys. */
import { html } from "../../lib/dom.js";
import { changeJob } from "../../lib/changes.js";
import { go, link } from "../../lib/address.js";
import { useKeys } from "../../lib/keys.js";
import { t } from "../../lib/i18n.js";
import { may } from "../../lib/session.js";
import { verbsFor } from "../../lib/states.js";
import { Button } from "../../parts/button.js";
import { copyText } from "../../parts/copy.js";
import { Menu } from "../../parts/menu.js";
import { editAndRun } from "./rerun.js";
import { asCli, asCurl, asPython } from "./snippets.js";

const KEYS = { retry: "r", cancel: "c", hold: "h", release: "l", delete: "d" };

/** @param {{job: any, detail: any}} props */
export function Actions({ job, detail }) {
  const verbs = may("operate") ? verbsFor([job.state]).filter((verb) => !(verb === "cancel" && job.cancel_requested)) : [];
  const change = async (verb) => {
    if ((await changeJob(verb, job)) && verb === "delete") go(link("jobs"));
  };
  const wordOf = (verb) => t(verb === "retry" && job.state === "scheduled" ? "schedules.run" : `change.${verb}`);
  const edit = () => detail && editAndRun(job);
  useKeys(
    [
      ...verbs.map((verb) => ({ keys: KEYS[verb], text: `change.${verb}`, group: "job", run: () => change(verb) })),
      ...(may("operate") ? [{ keys: "e", text: "rerun.title", group: "job", run: edit }] : []),
    ],
    [job.id, job.state, Boolean(detail)],
  );
  const snippets = [
    { text: "Python", run: () => copyText(asPython(job, detail.arguments)) },
    { text: "CLI", run: () => copyText(asCli(job, detail.arguments)) },
    { text: "curl", run: () => copyText(asCurl(job, detail.arguments)) },
  ];
  return html`
    ${verbs.map((verb) => html`<${Button} key=${verb} icon=${verb} keys=${KEYS[verb]} onClick=${() => change(verb)}>${wordOf(verb)}<//>`)}
    ${may("operate") && html`<${Button} icon="edit" keys="e" onClick=${edit}>${t("rerun.title")}<//>`}
    ${detail && html`<${Menu} label=${t("copy.as")} icon="copy" items=${snippets} />`}`;
}
