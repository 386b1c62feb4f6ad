// The undo bar after an action: visible for some seconds, longer while it has the pointer or the focus.

import { announce, h } from "./dom.js";
import { t } from "./i18n.js";
import { sprite } from "./sprites.js";

const SECONDS = 8;

/** `undo` runs on request, `commit` when the time is over. Returns `finish`, which commits at once.
 *
 * @param {string} message
 * @param {{undo: () => void, commit?: () => void, signal?: AbortSignal, seconds?: number}} options */
export function offerUndo(message, { undo, commit = () => {}, signal, seconds = SECONDS }) {
  let left = seconds;
  let over = false;
  const clock = h("span", { class: "undo__clock", "aria-hidden": "true" }, String(left));
  const button = h("button", { type: "button", class: "pix-button small", t: "reading.undo", on: { click: () => end(undo) } });
  const bar = h("div", { class: "pix-toast pix-panel undo", "data-undo": "" }, sprite("ok", { size: 24 }), h("span", {}, message), button, clock);

  /** @param {() => void} [act] */
  function end(act) {
    if (over) return;
    over = true;
    clearInterval(timer);
    bar.remove();
    act?.();
  }

  const timer = setInterval(() => {
    if (bar.matches(":hover, :focus-within") || document.hidden) return;
    left -= 1;
    clock.textContent = String(left);
    if (left <= 0) end(commit);
  }, 1000);
  document.getElementById("toasts")?.append(bar);
  announce(`${message}. ${t("reading.undo")}: ${t("reading.seconds_left", { n: seconds })}`);
  signal?.addEventListener("abort", () => end(commit), { once: true });
  return { finish: () => end(commit), drop: () => end() };
}
