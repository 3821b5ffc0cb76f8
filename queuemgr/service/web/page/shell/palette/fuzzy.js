/** Finds what somebody means by a few letters: every typed word must be in the text, whole or letter by letter. */

/**
 * @template {{text: string, always?: "first" | "last"}} T
 * @param {string} typed
 * @param {T[]} entries
 * @returns {{entry: T, places: Set<number>}[]} the best first; entries of equal worth in the order in which they came
 */
export function matching(typed, entries) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return entries.map((entry) => ({ entry, places: new Set() }));
  return entries
    .map((entry) => (entry.always ? { entry, places: new Set(), worth: entry.always === "first" ? Infinity : -Infinity } : { entry, ...found(words, entry.text.toLowerCase()) }))
    .filter((one) => one.places)
    .sort((one, other) => other.worth - one.worth || 0);
}

function found(words, text) {
  const places = new Set();
  let worth = -text.length / 100;
  for (const word of words) {
    const one = wholly(word, text) ?? scattered(word, text);
    if (!one) return { places: null, worth: 0 };
    one.places.forEach((place) => places.add(place));
    worth += one.worth;
  }
  return { places, worth };
}

/** The word as it stands; at the beginning of a word of the text it is worth more. */
function wholly(word, text) {
  const begins = (at) => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]);
  let at = text.indexOf(word);
  while (at >= 0 && !begins(at) && text.indexOf(word, at + 1) >= 0) at = text.indexOf(word, at + 1);
  if (at < 0) return null;
  return { places: Array.from(word, (_, index) => at + index), worth: word.length * (begins(at) ? 3 : 2) };
}

/** Its letters in their order, with others between them. */
function scattered(word, text) {
  const places = [];
  for (const letter of word) {
    const at = text.indexOf(letter, (places.at(-1) ?? -1) + 1);
    if (at < 0) return null;
    places.push(at);
  }
  const spread = places.at(-1) - places[0] + 1;
  return spread > word.length * 4 ? null : { places, worth: word.length - spread / 4 };
}
