/** Small line drawings of one weight. They only accompany words, so screen readers pass over them. */
import { html } from "../lib/dom.js";

const PATHS = {
  overview: "M2.5 9.5h3l2-6 3 9 1.5-3h2",
  jobs: "M2.5 4h11M2.5 8h11M2.5 12h7",
  queues: "M2.5 3.5h11v3h-11zM2.5 9.5h11v3h-11z",
  workers: "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14",
  schedules: "M8 2.2a5.8 5.8 0 1 0 .01 0M8 4.8V8l2.2 1.6",
  failures: "M8 2.5 14 13H2zM8 6.5V9.5M8 11.2v.1",
  alerts: "M4 11V7a4 4 0 0 1 8 0v4l1 1.2H3zM6.8 14h2.4",
  audit: "M4 2.5h8v11H4zM6 5.5h4M6 8h4M6 10.5h2",
  search: "M7 2.5a4.5 4.5 0 1 0 .01 0M10.4 10.4 14 14",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  close: "M4 4l8 8M12 4l-8 8",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  check: "M3 8.5 6.5 12 13 4.5",
  copy: "M6 6h7.5v7.5H6zM3.5 10H2.5V2.5H10v1",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  cancel: "M8 2.5a5.5 5.5 0 1 0 .01 0M4.2 4.2l7.6 7.6",
  delete: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9M7 7v4M9 7v4",
  hold: "M5.5 3.5v9M10.5 3.5v9",
  release: "M5 3.5 12 8l-7 4.5z",
  edit: "M3 13l.6-2.8 7.2-7.2 2.2 2.2-7.2 7.2zM9.4 4.4l2.2 2.2",
  help: "M8 2.2a5.8 5.8 0 1 0 .01 0M6.3 6.3a1.8 1.8 0 1 1 2.4 1.9c-.5.2-.7.5-.7 1.2M8 11.4v.1",
  light: "M8 5.2a2.8 2.8 0 1 0 .01 0M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  dark: "M13 9.6A5.6 5.6 0 1 1 6.4 3a4.6 4.6 0 0 0 6.6 6.6z",
  auto: "M8 2.5a5.5 5.5 0 1 0 .01 0M8 2.5v11",
  language: "M8 2.2a5.8 5.8 0 1 0 .01 0M2.5 8h11M8 2.2c-3.4 3.6-3.4 8 0 11.6M8 2.2c3.4 3.6 3.4 8 0 11.6",
  exit: "M6.5 3H3v10h3.5M6.5 8H14M11 5l3 3-3 3",
  next: "M6 3.5 10.5 8 6 12.5",
  back: "M10 3.5 5.5 8 10 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  plus: "M8 3v10M3 8h10",
  external: "M9 3h4v4M13 3 7.5 8.5M11 9v4H3V5h4",
};

/** @param {{name: keyof typeof PATHS, class?: string}} props */
export function Icon({ name, class: extra }) {
  return html`<svg class=${["icon", extra].filter(Boolean).join(" ")} viewBox="0 0 16 16" aria-hidden="true">
    <path d=${PATHS[name]} />
  </svg>`;
}
