/** The palette: every place and every action by a few letters of its name, with the keyboard alone. */
import { html, useEffect, useId, useMemo, useRef, useState } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { Icon } from "../../parts/icon.js";
import { showDialog } from "../../parts/dialog.js";
import { useEntries } from "./entries.js";
import { matching } from "./fuzzy.js";

const MOST = 60;

/** @param {() => {text: string, entered: boolean}} ahead what was typed before it was there, asked for once it is */
export function showPalette(ahead) {
  // Another dialog may have come before it was drawn: then nothing is kept for it any longer.
  showDialog((close) => html`<${Palette} close=${close} ahead=${ahead} />`).then(ahead);
}

function Palette({ close, ahead }) {
  const [typed, type] = useState("");
  const [hurried, hurry] = useState(false);
  const [at, setAt] = useState(0);
  const frame = useRef(null);
  const list = useId();
  const entries = useEntries(typed);
  const found = useMemo(() => matching(typed, entries).slice(0, MOST), [typed, entries]);
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => {
    frame.current.showModal();
    const { text, entered } = ahead();
    type(text);
    hurry(entered);
  }, []);
  useEffect(() => {
    frame.current.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen, found]);
  const take = (entry) => {
    close();
    entry.run();
  };
  useEffect(() => {
    if (hurried && found[chosen]) take(found[chosen].entry);
  }, [hurried]);
  const keyed = (event) => {
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1 + found.length, PageDown: Math.min(chosen + 8, found.length - 1), PageUp: Math.max(chosen - 8, 0) }[event.key];
    if (to !== undefined && found.length) setAt(to % found.length);
    else if (event.key === "Enter" && found[chosen]) take(found[chosen].entry);
    else if (event.key !== "Enter") return;
    event.preventDefault();
  };
  const write = (event) => {
    type(event.currentTarget.value);
    setAt(0);
  };
  return html`<dialog ref=${frame} class="palette" aria-label=${t("palette.title")} onClose=${() => close()} onMouseDown=${(event) => event.target === frame.current && close()}>
    <div class="palette-box">
      <div class="palette-field"><${Icon} name="search" />
        <input type="text" role="combobox" autofocus autocomplete="off" spellcheck=${false} aria-label=${t("palette.title")} placeholder=${t("palette.example")}
          aria-expanded="true" aria-controls=${list} aria-autocomplete="list" aria-activedescendant=${found.length ? `${list}-${chosen}` : undefined}
          value=${typed} onInput=${write} onKeyDown=${keyed} /></div>
      <ul id=${list} class="palette-list" role="listbox" aria-label=${t("palette.found")}>
        ${found.map(({ entry, places }, index) => html`<li key=${entry.id} id=${`${list}-${index}`} role="option" aria-selected=${index === chosen}
          onPointerMove=${() => index !== chosen && setAt(index)} onClick=${() => take(entry)}>
          <${Icon} name=${entry.icon} /><span><${Marked} text=${entry.text} places=${places} /></span><span class="palette-kind">${entry.kind}</span>
        </li>`)}
      </ul>
      ${!found.length && html`<p class="palette-none faint">${t("palette.none")}</p>`}
      <span class="hidden" role="status">${t("palette.count", { count: found.length })}</span>
    </div>
  </dialog>`;
}

/** The text with the letters that were typed set apart. */
function Marked({ text, places }) {
  if (!places.size) return text;
  return [...text].map((letter, index) => (places.has(index) ? html`<b key=${index}>${letter}</b>` : letter));
}
