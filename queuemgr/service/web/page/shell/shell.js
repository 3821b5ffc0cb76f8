/** The page around the screens: navigation, what is connected, and the dialogs and notices above everything. */
import { html, useEffect, useState } from "../lib/dom.js";
import { go, link, place } from "../lib/address.js";
import { useKeys } from "../lib/keys.js";
import { t } from "../lib/i18n.js";
import { locked } from "../lib/session.js";
import { turnTheme } from "../lib/theme.js";
import { DialogHost } from "../parts/dialog.js";
import { IconButton } from "../parts/button.js";
import { Toasts } from "../parts/toast.js";
import { showHelp } from "./help.js";
import { Login } from "./login.js";
import { Brand, Side } from "./side.js";
import { fetchTheRest, Screen, SCREENS, showPalette } from "./screens.js";

export function Shell() {
  const [open, setOpen] = useState(false);
  const { screen, id } = place.value;
  useEffect(() => {
    setOpen(false);
    scrollTo(0, 0);
  }, [screen, id]);
  useEffect(fetchTheRest, []);
  useKeys(globalKeys());
  if (locked.value) return html`<${Login} /><${Toasts} />`;
  const skip = () => document.querySelector("main h1")?.focus();
  return html`<div class="shell">
      <button type="button" class="button skip" onClick=${skip}>${t("skip")}</button>
      <header class="banner">
        <div class="top">
          <${Brand} />
          <${IconButton} icon="menu" label=${t("menu")} aria-expanded=${open} onClick=${() => setOpen(true)} />
        </div>
        ${open && html`<button type="button" class="veil" aria-label=${t("close")} onClick=${() => setOpen(false)}></button>`}
        <${Side} open=${open} close=${() => setOpen(false)} />
      </header>
      <main class="main"><${Screen} key=${`${screen}/${id ?? ""}`} screen=${screen} id=${id} /></main>
    </div>
    <${DialogHost} /><${Toasts} />`;
}

function globalKeys() {
  const screens = SCREENS.map(({ name, key }) => ({
    keys: `g ${key}`,
    text: `nav.${name}`,
    group: "go",
    run: () => go(link(name)),
  }));
  return [
    ...screens,
    { keys: "ctrl+k", text: "palette.title", group: "page", run: showPalette },
    { keys: "?", text: "keys.help", group: "page", run: showHelp },
    { keys: "t", text: "keys.theme", group: "page", run: turnTheme },
  ];
}
