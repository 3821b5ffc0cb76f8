/** Says which keys do what now: it reads the list that the screens have filled. */
import { html } from "../lib/dom.js";
import { shortcuts, singleKeys } from "../lib/keys.js";
import { t } from "../lib/i18n.js";
import { Dialog, showDialog } from "../parts/dialog.js";

const GROUPS = ["list", "job", "jobs", "page", "go"];

export function showHelp() {
  showDialog((close) => html`<${Dialog} title=${t("keys.help")} close=${close} wide=${true}><${Keys} /><//>`);
}

function Keys() {
  const groups = [...new Set([...GROUPS, ...shortcuts.value.map(groupOf)])];
  return html`<label class="row"><input type="checkbox" checked=${singleKeys.value} onChange=${(event) => (singleKeys.value = event.currentTarget.checked)} /> ${t("keys.single")}</label>
    <div class="keys">${groups.map((group) => html`<${Group} key=${group} name=${group} />`)}</div>`;
}

function Group({ name }) {
  const found = new Map(shortcuts.value.filter((one) => groupOf(one) === name).map((one) => [one.keys, one]));
  if (!found.size) return null;
  return html`<section>
    <h3>${t(`keys.group.${name}`)}</h3>
    <dl>${[...found.values()].map((one) => html`<div key=${one.keys}><dt>${one.keys.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${t(one.text)}</dd></div>`)}</dl>
  </section>`;
}

function groupOf(shortcut) {
  return shortcut.group ?? "page";
}
