/** The few things that every module draws with, from one place. */
import { h, Fragment, render } from "../vendor/preact.js";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "../vendor/hooks.js";
import { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect } from "../vendor/signals.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(h);
export { Fragment, render };
export { useEffect, useId, useLayoutEffect, useMemo, useRef, useState };
export { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect };

/**
 * Class names from words and conditions: `classes("row", { chosen: true })`.
 * @param {...(string | Record<string, unknown> | null | undefined | false)} given
 */
export function classes(...given) {
  const words = given.flatMap((one) =>
    one && typeof one === "object" ? Object.keys(one).filter((word) => one[word]) : one || [],
  );
  return words.join(" ") || undefined;
}
