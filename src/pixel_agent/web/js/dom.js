// Builds the page's nodes from values, never from HTML text; used by every view.

import { onLang, t } from "./i18n.js";
import { sprite } from "./sprites.js";

const PROPERTIES = new Set(["value", "checked", "indeterminate", "selected", "srcObject"]);
const WORDS = { t: "", tLabel: "aria-label", tTitle: "title", tPlaceholder: "placeholder", tAlt: "alt" };
const WORD_SELECTOR = Object.keys(WORDS).map((name) => `[data-${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}]`).join();

/** An element. Props: `class`, `dataset`, `on: {click: f}`, `css: {"--name": value}`, any attribute (true: bare, null or
 * false: left out), and texts that follow the language: `t: "key"` or `t: ["key", values]` (the text),
 * `tLabel` (aria-label), `tTitle`, `tPlaceholder`, `tAlt`. Children: strings, nodes, arrays, null. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) put(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function put(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") node.className = value;
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  else if (name === "css") for (const [key, part] of Object.entries(value)) node.style.setProperty(key, part);
  else if (name in WORDS) say(node, value, name);
  else if (PROPERTIES.has(name)) node[name] = value;
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** Give a node a translated text: `words` is a key or `[key, values]`, `where` one of `t`, `tLabel`, … */
export function say(node, words, where = "t") {
  const [key, values] = Array.isArray(words) ? words : [words];
  node.dataset[where] = values ? JSON.stringify([key, values]) : key;
  spell(node, where);
}

function spell(node, where) {
  const kept = node.dataset[where];
  const [key, values] = kept.startsWith("[") ? JSON.parse(kept) : [kept];
  if (where === "t") node.textContent = t(key, values);
  else node.setAttribute(WORDS[where], t(key, values));
}

/** Translate a node and all nodes below it again, for example if they were not in the page when the language changed. */
export function respell(root) {
  for (const node of [root, ...root.querySelectorAll(WORD_SELECTOR)])
    for (const where of Object.keys(WORDS)) if (node.dataset && where in node.dataset) spell(node, where);
}

onLang(() => respell(document.body));

// eslint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu;

/** Untrusted text as a node: isolated from the text around it, with control and bidi characters made visible. */
export function text(untrusted) {
  const node = h("bdi", { dir: "auto" });
  const words = String(untrusted ?? "").replace(/\r\n?/g, "\n");
  let end = 0;
  for (const match of words.matchAll(HIDDEN)) {
    node.append(words.slice(end, match.index));
    const code = Number(match[0].codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    node.append(h("span", { class: "pix-control", title: `U+${code}` }, `⟦${code}⟧`));
    end = match.index + match[0].length;
  }
  node.append(words.slice(end));
  return node;
}

export function clear(node) {
  node.replaceChildren();
  return node;
}

/** Announce to screen readers; `assertive` interrupts. */
export function announce(message, { assertive = false } = {}) {
  const region = document.getElementById(assertive ? "live-assertive" : "live-polite");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = message), 50); // so that a repeated message is announced again
}

/** The focused element.
 *
 * @returns {HTMLElement | null} */
export const focused = () => /** @type {HTMLElement | null} */ (document.activeElement);

const TOAST_MS = 8000;

/** A short message in the corner, announced to screen readers too. `kind`: info, ok, warn, fail. */
export function toast(message, { kind = "info" } = {}) {
  const node = h("div", { class: `pix-toast pix-panel ${kind}` }, sprite(kind, { size: 24 }), h("span", {}, text(message)));
  const close = h("button", { type: "button", class: "pix-icon", tLabel: "ui.close", on: { click: () => node.remove() } }, sprite("close", { size: 24 }));
  node.append(close);
  document.getElementById("toasts")?.append(node);
  announce(message, { assertive: kind === "fail" });
  setTimeout(() => node.remove(), TOAST_MS);
}

const sheets = new Map();

/** Load `css/<name>.css` once; resolves when it applies. */
export function stylesheet(name) {
  if (!sheets.has(name)) {
    const link = h("link", { rel: "stylesheet", href: `/app/css/${name}.css` });
    sheets.set(name, new Promise((resolve) => ["load", "error"].forEach((kind) => link.addEventListener(kind, resolve, { once: true }))));
    link.addEventListener("error", () => (sheets.delete(name), link.remove())); // tried again on next use
    document.head.append(link);
  }
  return sheets.get(name);
}
