/** Keeps a list still while somebody reads it closely: rows change in place, and new ones wait until they are called. */
import { useRef } from "../../lib/dom.js";

/**
 * @param {any[] | null} fresh the newest rows
 * @param {string} topic what they are rows of: another topic is shown at once
 * @param {boolean} hold whether the list should stand still
 * @returns {{rows: any[] | null, waiting: number}} the rows to show, and how many new ones wait
 */
export function useHeld(fresh, topic, hold) {
  const kept = useRef({ topic: "", rows: null });
  const same = kept.current.topic === topic && kept.current.rows;
  if (!fresh || !hold || !same) {
    kept.current = { topic, rows: fresh };
    return { rows: fresh, waiting: 0 };
  }
  const byId = new Map(fresh.map((row) => [row.id, row]));
  const known = new Set(kept.current.rows.map((row) => row.id));
  const rows = kept.current.rows.map((row) => byId.get(row.id) ?? row);
  kept.current = { topic, rows };
  return { rows, waiting: fresh.filter((row) => !known.has(row.id)).length };
}
