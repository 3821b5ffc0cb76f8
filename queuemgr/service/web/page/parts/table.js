/**
 * Tables that can be walked with the keyboard: j and k move, x chooses, shift-x chooses up to here, Enter opens. The place
 * is the browser's own focus, so that what is seen and what is read out are the same.
 */
import { html, classes, signal, useMemo, useRef } from "../lib/dom.js";
import { useKeys } from "../lib/keys.js";
import { t } from "../lib/i18n.js";

/** @typedef {{key: string, title: any, cell: (row: any) => any, class?: string, label?: string}} Column
 *  classes "number", "grow", "wide" (hidden on a narrow screen), "desk" (hidden on a phone) */

/** Which rows are chosen, by their ids. */
export class Selection {
  ids = signal(/** @type {Set<string>} */ (new Set()));
  last = null;

  toggle(id) {
    const ids = new Set(this.ids.peek());
    ids.delete(id) || ids.add(id);
    this.ids.value = ids;
    this.last = id;
  }

  /** Chooses all from the last one to this one. @param {string[]} all in their order */
  extend(id, all) {
    const [from, to] = [all.indexOf(this.last), all.indexOf(id)].sort((a, b) => a - b);
    if (from < 0) return this.toggle(id);
    this.ids.value = new Set([...this.ids.peek(), ...all.slice(from, to + 1)]);
    this.last = id;
    return undefined;
  }

  set(ids) {
    this.ids.value = new Set(ids);
  }

  clear() {
    if (this.ids.peek().size) this.ids.value = new Set();
  }
}

/**
 * @param {unknown[]} depends what the choice is made of: where that changes, nothing is chosen
 * @returns {Selection}
 */
export function useSelection(depends) {
  return useMemo(() => new Selection(), depends);
}

/**
 * @param {{caption: string, columns: Column[], rows: any[], idOf?: (row: any) => string, selection?: Selection,
 *   stale?: boolean}} props the first link of a row is what Enter opens
 */
export function Table({ caption, columns, rows, idOf = (row) => row.id, selection, stale }) {
  const body = useRef(null);
  const ids = rows.map(idOf);
  const walk = (step) => focusRow(body.current, step);
  const chosenAt = (run) => () => {
    const id = body.current.querySelector("tr:focus-within")?.dataset.id;
    if (id && selection) run(id);
  };
  useKeys(
    [
      { keys: "j", text: "keys.down", group: "list", run: () => walk(1) },
      { keys: "k", text: "keys.up", group: "list", run: () => walk(-1) },
      { keys: "Enter", text: "keys.open", group: "list" },
      ...(selection
        ? [
            { keys: "x", text: "keys.choose", group: "list", run: chosenAt((id) => selection.toggle(id)) },
            { keys: "shift+x", text: "keys.extend", group: "list", run: chosenAt((id) => selection.extend(id, ids)) },
            { keys: "Escape", text: "keys.clear", group: "list", run: () => selection.clear() },
          ]
        : []),
    ],
    [ids.join(), selection],
  );
  return html`<div class="table-scroll"><table class=${classes({ stale })}>
    <caption class="hidden">${caption}</caption>
    <thead><tr>
      ${selection && html`<th class="choose"><${ChooseAll} ids=${ids} selection=${selection} /></th>`}
      ${columns.map((one) => html`<th key=${one.key} scope="col" class=${one.class}>${one.title || html`<span class="hidden">${one.label}</span>`}</th>`)}
    </tr></thead>
    <tbody ref=${body}>
      ${rows.map((row, index) => html`<${Row} key=${ids[index]} id=${ids[index]} row=${row} columns=${columns} selection=${selection} all=${ids} />`)}
    </tbody>
  </table></div>`;
}

function Row({ id, row, columns, selection, all }) {
  const chosen = selection?.ids.value.has(id);
  const click = (event) => (event.shiftKey ? selection.extend(id, all) : selection.toggle(id));
  const open = (event) => event.key === "Enter" && !event.target.closest("a, button, summary, form") && event.currentTarget.querySelector("a")?.click();
  return html`<tr data-id=${id} class=${classes({ chosen })} tabindex="-1" onKeyDown=${open}>
    ${selection && html`<td class="choose"><input type="checkbox" checked=${chosen} aria-label=${t("choose.row", { id })} onClick=${click} /></td>`}
    ${columns.map((one) => html`<td key=${one.key} class=${one.class}>${one.cell(row)}</td>`)}
  </tr>`;
}

function ChooseAll({ ids, selection }) {
  const chosen = ids.filter((id) => selection.ids.value.has(id)).length;
  const all = ids.length > 0 && chosen === ids.length;
  const turn = () => (all ? selection.clear() : selection.set(ids));
  return html`<input type="checkbox" checked=${all} indeterminate=${chosen > 0 && !all} aria-label=${t("choose.page")} onClick=${turn} />`;
}

function focusRow(body, step) {
  const rows = [...body.children];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step));
  const row = rows[next];
  (row?.querySelector("a") ?? row)?.focus();
  row?.scrollIntoView({ block: "nearest" });
}
