/** The one search box, with what can follow listed below it. It searches at Enter, not at every letter, and says that it has not yet. */
import { html, useEffect, useId, useRef, useState } from "../../lib/dom.js";
import { ask } from "../../lib/api.js";
import { useKeys } from "../../lib/keys.js";
import { known, t } from "../../lib/i18n.js";
import { Button, IconButton } from "../../parts/button.js";
import { Icon } from "../../parts/icon.js";

const OPEN_ENDED = /[:.,]$/;

/** @param {{text: string, search: (text: string) => void}} props */
export function SearchBox({ text, search }) {
  const [typed, type] = useState(text);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const field = useRef(null);
  const list = useId();
  const offered = useSuggestions(typed, open);
  useEffect(() => type(text), [text]);
  useKeys([{ keys: "/", text: "keys.search", group: "jobs", run: () => field.current.focus() }]);
  const change = (value, shown) => {
    type(value);
    setOpen(shown);
    setAt(-1);
  };
  const enter = (whole) => {
    change(whole, false);
    search(whole.trim());
  };
  const take = (one) => (OPEN_ENDED.test(one.text) ? change(one.text, true) : enter(one.text));
  const keyed = (event) => {
    const places = offered.length + 1;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && offered.length) setAt(((at + 1 + step + places) % places) - 1);
    else if (event.key === "Tab" && typed && offered.length && !event.shiftKey) take(offered[Math.max(at, 0)]);
    else if (event.key === "Enter") offered[at] ? take(offered[at]) : enter(typed);
    else if (event.key === "Escape") open ? setOpen(false) : field.current.blur();
    else return;
    event.preventDefault();
  };
  return html`<div class="searchbox" role="search">
    <${Icon} name="search" />
    <input ref=${field} class="field" type="text" role="combobox" autocomplete="off" spellcheck=${false} enterkeyhint="search"
      aria-label=${t("jobs.search")} placeholder=${t("jobs.search.example")} aria-expanded=${offered.length > 0} aria-controls=${list}
      aria-autocomplete="list" aria-activedescendant=${at >= 0 ? `${list}-${at}` : undefined} value=${typed} onKeyDown=${keyed}
      onInput=${(event) => change(event.currentTarget.value, true)} onFocus=${() => setOpen(true)} onBlur=${() => setOpen(false)} />
    <div class="row">
      ${typed.trim() !== text.trim() && html`<${Button} kind="primary" onClick=${() => enter(typed)}>${t("keys.search")}<//>`}
      ${typed && html`<${IconButton} icon="close" label=${t("jobs.search.clear")} onClick=${() => enter("")} />`}
    </div>
    <ul id=${list} class="offered" role="listbox" aria-label=${t("jobs.search.offered")} hidden=${!offered.length}>
      ${offered.map((one, index) => html`<li key=${one.text} id=${`${list}-${index}`} role="option" aria-selected=${index === at}
        onPointerDown=${(event) => event.preventDefault()} onClick=${() => take(one)}>
        <span class="mono">${one.word}</span><${Explained} word=${one.word} />
      </li>`)}
    </ul>
  </div>`;
}

function Explained({ word }) {
  const key = `jobs.field.${word.replace(/[.:].*/, "")}`;
  return OPEN_ENDED.test(word) && known(key) && html`<span class="faint">${t(key)}</span>`;
}

/** What the server would have the text go on with; nothing while the list is shut. */
function useSuggestions(text, open) {
  const [found, setFound] = useState({ text: "", suggestions: [] });
  useEffect(() => {
    if (!open) return undefined;
    const stop = new AbortController();
    ask("jobs.complete", { text }, { signal: stop.signal }).then(setFound, () => {});
    return () => stop.abort();
  }, [text, open]);
  return open && found.text === text ? found.suggestions.filter((one) => one.text !== text) : [];
}
