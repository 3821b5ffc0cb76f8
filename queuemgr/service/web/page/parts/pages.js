/** The way through a list that comes in pages, newest first: links for the pointer, and a key for each way. */
import { html } from "../lib/dom.js";
import { go } from "../lib/address.js";
import { useKeys } from "../lib/keys.js";
import { t } from "../lib/i18n.js";
import { Button } from "./button.js";

/**
 * @param {{newest: string | null, older: string | null, note?: any}} props addresses; `newest` is null on the first page,
 *   `older` on the last one
 */
export function Pages({ newest, older, note }) {
  useKeys(
    [
      { keys: "n", text: "pages.key.older", group: "list", run: () => older && go(older) },
      { keys: "b", text: "pages.key.back", group: "list", run: () => newest && history.back() },
    ],
    [newest, older],
  );
  if (!newest && !older) return null;
  return html`<nav class="pages" aria-label=${t("pages")}>
    ${newest && html`<a class="button" href=${newest}>${t("pages.newest")}</a>`}
    ${newest && html`<${Button} icon="back" keys="b" onClick=${() => history.back()}>${t("pages.back")}<//>`}
    ${note && html`<span class="faint">${note}</span>`}
    ${older && html`<a class="button" aria-keyshortcuts="n" href=${older}>${t("pages.older")}</a>`}
  </nav>`;
}
