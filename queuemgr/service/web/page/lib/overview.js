/** The one look that several parts of the page share: asked in the same words, it is sent once. index.html asks for it ahead. */
export const OVERVIEW = { most: 8 };
