/** Asks for a token where one is needed. */
import { html, useEffect, useRef, useState } from "../lib/dom.js";
import { addressOf, Problem } from "../lib/api.js";
import { OVERVIEW } from "../lib/overview.js";
import { t } from "../lib/i18n.js";
import { logIn, visitor } from "../lib/session.js";
import { Button } from "../parts/button.js";
import { CopyLine } from "../parts/copy.js";

export function Login() {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  useEffect(() => {
    document.title = `${t("login.title")} · queuemgr`;
    field.current.focus();
    // The page has asked for it ahead and was refused: the browser would miss whoever takes that.
    fetch(addressOf("overview", OVERVIEW)).catch(() => {});
  }, []);
  const enter = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await logIn(field.current.value.trim());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setBusy(false);
      field.current.select();
    }
  };
  return html`<main class="login">
    <form class="panel" onSubmit=${enter}>
      <img src="icon.svg" alt="" width="32" height="32" />
      <h1>${t("login.title")}</h1>
      <label class="labelled"><span>${t("login.token")}</span>
        <input ref=${field} class="field mono" type="password" name="token" autocomplete="current-password" required
          aria-invalid=${problem ? "true" : undefined} aria-describedby="login-problem" /></label>
      <p id="login-problem" class="problem" role="alert">${problem ? told(problem) : visitor.peek() && t("login.over")}</p>
      <${Button} kind="primary" type="submit" disabled=${busy}>${t("login.enter")}<//>
      <p class="faint">${t("login.how")}</p>
      <${CopyLine} text="queuemgr token add NAME" />
    </form>
  </main>`;
}

function told({ status, message, hint }) {
  return status === 401 ? t("login.wrong") : [message, hint].filter(Boolean).join(". ");
}
