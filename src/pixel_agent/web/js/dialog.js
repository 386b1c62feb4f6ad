// Modal dialogs for every view, made with the native <dialog>.

import { focused, h } from "./dom.js";
import { t } from "./i18n.js";

/** A native dialog. Resolves to the value of the chosen action, null after Escape.
 *
 * @typedef {{label: string, value: any, kind?: string, autofocus?: boolean}} Action
 * @param {{title: string, body: string | Node, actions?: Action[], signal?: AbortSignal, wide?: boolean}} options
 * @returns {Promise<any>} */
export function dialog({ title, body, actions = [{ label: t("ui.ok"), value: true, kind: "primary" }], signal, wide = false }) {
  return new Promise((resolve) => {
    const id = `dialog-${++dialogs}`;
    const button = ({ label, value, kind = "", autofocus = false }) =>
      h("button", { type: "button", class: `pix-button ${kind}`, autofocus, on: { click: () => close(value) } }, label);
    const node = h(
      "dialog",
      { class: `pix-panel pix-dialog ${wide ? "wide" : ""}`, "aria-labelledby": id },
      h("h2", { id }, title),
      typeof body === "string" ? h("p", {}, body) : body,
      h("div", { class: "pix-actions" }, actions.map(button)),
    );
    const before = focused();
    const close = (value) => {
      node.close();
      node.remove();
      before?.focus();
      resolve(value);
    };
    node.addEventListener("cancel", (event) => {
      event.preventDefault();
      close(null);
    });
    signal?.addEventListener("abort", () => node.isConnected && close(null), { once: true });
    document.body.append(node);
    node.showModal();
  });
}
let dialogs = 0;
