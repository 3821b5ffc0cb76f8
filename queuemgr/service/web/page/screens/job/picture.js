/** A result that is a picture. A large one is fetched for itself, and only if it is not huge. */
import { html, useEffect, useState } from "../../lib/dom.js";
import { apiAddress } from "../../lib/api.js";
import { t } from "../../lib/i18n.js";
import { addressIn } from "./picturing.js";

const LARGEST = 20e6;

/** @param {{job: any, facts: any, kind: string}} props */
export function Picture({ job, facts, kind }) {
  const [address, setAddress] = useState(facts.value ? addressIn(facts.value, kind) : null);
  const [size, setSize] = useState(null);
  useEffect(() => {
    if (facts.value || facts.kind !== "bytes" || facts.size > LARGEST) return undefined;
    const stop = new AbortController();
    let made = null;
    fetched(job.id, kind, stop.signal).then((url) => setAddress((made = url)), () => {});
    return () => {
      stop.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [job.id, kind]);
  if (!address) return html`<p class="faint">${facts.size > LARGEST ? t("result.picture.large") : t("loading")}</p>`;
  const measure = ({ currentTarget: it }) => setSize(`${it.naturalWidth} × ${it.naturalHeight}`);
  return html`<figure class="picture"><img src=${address} alt=${t("result.picture")} onLoad=${measure} onError=${() => setSize(t("result.picture.broken"))} />
    <figcaption class="faint">${[kind, size].filter(Boolean).join(" · ")}</figcaption></figure>`;
}

async function fetched(id, kind, signal) {
  const answer = await fetch(apiAddress(`jobs/${encodeURIComponent(id)}/result/content`), { signal });
  return URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: kind }));
}
