/** Begins: texts first, then who is looking, then the page. */
import { html, render } from "./lib/dom.js";
import { loadTexts } from "./lib/i18n.js";
import { meet } from "./lib/session.js";
import "./lib/theme.js";
import { place } from "./lib/address.js";
import { expect } from "./shell/screens.js";
import { Shell } from "./shell/shell.js";

expect(place.peek());
await Promise.all([loadTexts(), meet()]);
render(html`<${Shell} />`, document.getElementById("page"));
