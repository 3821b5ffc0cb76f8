/** Tells a picture by how its data begin. Drawings that can hold scripts are none: they stay text. */

const BEGINNINGS = { iVBORw0KGgo: "image/png", "/9j/": "image/jpeg", R0lGOD: "image/gif", UklGR: "image/webp" };
const ADDRESS = /^data:(image\/(?:png|jpeg|gif|webp));base64,/;

/** @param {any} value a result, or its beginning @returns {string | null} its kind, as `image/png` */
export function pictureIn(value) {
  if (typeof value !== "string") return null;
  const begun = Object.keys(BEGINNINGS).find((one) => value.startsWith(one));
  return ADDRESS.exec(value)?.[1] ?? (begun && value.length > 40 && !/\s/.test(value.slice(0, 200)) ? BEGINNINGS[begun] : null);
}

/** @param {string} value a whole one @param {string} kind @returns {string} what an image can show */
export function addressIn(value, kind) {
  return value.startsWith("data:") ? value : `data:${kind};base64,${value}`;
}
