/** The navigation at the side, with what concerns the whole page at its foot. */
import { html, classes, useEffect, useRef } from "../lib/dom.js";
import { link, place } from "../lib/address.js";
import { connection, useLive } from "../lib/live.js";
import { LANGUAGES, language, switchLanguage, t } from "../lib/i18n.js";
import { logOut, visitor } from "../lib/session.js";
import { theme, turnTheme } from "../lib/theme.js";
import { IconButton } from "../parts/button.js";
import { Icon } from "../parts/icon.js";
import { Menu } from "../parts/menu.js";
import { OVERVIEW } from "../lib/overview.js";
import { showHelp } from "./help.js";
import { SCREENS, showPalette } from "./screens.js";

/** The name of whoever needs no token, on the machine itself. */
const LOCAL = "local";

export function Brand() {
  return html`<a class="brand" href=${link("overview")}>
    <img src="icon.svg" alt="" width="20" height="20" />queuemgr
  </a>`;
}

/** @param {{open: boolean, close: () => void}} props `open` matters on a narrow screen only */
export function Side({ open, close }) {
  const overview = useLive("overview", OVERVIEW).data;
  const nav = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    nav.current.querySelector("a").focus();
    const escape = (event) => event.key === "Escape" && close();
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, [open]);
  const where = shownStore(overview?.url);
  return html`<div class=${classes("side", { open })}>
    <${Brand} />
    <p class="where faint clip" title=${overview?.url}>${where}</p>
    <nav ref=${nav} class="nav" aria-label=${t("nav")}>
      ${SCREENS.map(({ name }) => html`<a key=${name} href=${link(name)} aria-current=${place.value.screen === name ? "page" : undefined}>
        <${Icon} name=${name} />${t(`nav.${name}`)}
      </a>`)}
    </nav>
    <div class="side-foot">
      <${Connection} />
      ${visitor.value?.read_only && html`<p class="connection">${t("read_only")}</p>`}
      <${Tools} />
    </div>
  </div>`;
}

function Connection() {
  const kind = connection.value;
  return html`<p class="connection" data-kind=${kind} role="status"><i></i>${t(`connection.${kind}`)}</p>`;
}

function Tools() {
  const languages = Object.entries(LANGUAGES).map(([code, text]) => ({
    text,
    chosen: language.value === code,
    run: () => switchLanguage(code),
  }));
  const who = visitor.value;
  return html`<div class="side-tools">
    <${IconButton} icon="search" label=${t("palette.title")} aria-keyshortcuts="Control+K" onClick=${showPalette} />
    <${IconButton} icon=${theme.value} label=${t(`theme.${theme.value}`)} onClick=${turnTheme} />
    <${Menu} kind="quiet upward" icon="language" name=${t("language")} items=${languages} />
    <${IconButton} icon="help" label=${t("keys.help")} onClick=${showHelp} />
    ${who && who.name !== LOCAL && html`<${IconButton} icon="exit" label=${t("login.leave", { name: who.name })} onClick=${logOut} />`}
  </div>`;
}

/** The end of the store's address: a file's name, or the server's. */
function shownStore(url) {
  if (!url) return " ";
  const [kind, rest] = url.split("://");
  return kind === "sqlite" ? rest.split("/").pop() : url;
}
