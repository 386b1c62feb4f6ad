// Makes untrusted text (from photos, file names, other users) safe for plain strings: labels, titles, announcements.

import { text } from "./dom.js";

/** The text with control and bidi characters made visible, as `text` of dom.js does; cut after `longest` characters. */
export function readable(words, longest = 200) {
  const shown = text(words).textContent;
  return shown.length > longest ? `${[...shown].slice(0, longest - 1).join("")}…` : shown;
}

/** The link target if it stays on this server, else null. */
export function ownPath(path) {
  return typeof path === "string" && /^\/(?!\/)/.test(path) ? path : null;
}
