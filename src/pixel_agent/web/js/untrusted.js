// Words from photos, file names and other people, where only a plain string fits: labels, titles, what is announced.

import { text } from "./dom.js";

/** The words with control and direction signs made visible, as `text` shows them; cut after `longest` signs. */
export function readable(words, longest = 200) {
  const shown = text(words).textContent;
  return shown.length > longest ? `${[...shown].slice(0, longest - 1).join("")}…` : shown;
}

/** A link target that stays on this server; anything else gives null. */
export function ownPath(path) {
  return typeof path === "string" && /^\/(?!\/)/.test(path) ? path : null;
}
