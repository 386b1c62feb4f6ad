// Maps hash routes to views. A view exports `mount(root, {params, query, signal})`; all but the first load on first use.

import { clear, h, respell } from "./dom.js";
import { t } from "./i18n.js";

/** @type {[RegExp, string][]} */
const ROUTES = [
  [/^\/?$/, "scan"],
  [/^\/scans\/(?<id>[\w-]+)$/, "reading"],
  [/^\/history$/, "history"],
  [/^\/batches(?:\/(?<id>[\w-]+))?$/, "batches"],
  [/^\/compare$/, "compare"],
  [/^\/hud$/, "hud"],
  [/^\/operator$/, "operator"],
  [/^\/settings$/, "settings"],
];
const NAV = { reading: "history", compare: "history", operator: "hud" };

/** @type {{cleanup: (() => void) | null, leave: () => void} | null} */
let current = null;

/** Go to a hash path such as `/scans/abc?x=1`. */
export function go(path) {
  location.hash = `#${path}`;
}

/** The view, params and query of a hash; null if the hash is not a route (an anchor). */
export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#/, "").split("?", 2);
  if (path && !path.startsWith("/")) return null;
  for (const [pattern, view] of ROUTES) {
    const match = pattern.exec(path);
    if (match) return { view, params: { ...match.groups }, query: new URLSearchParams(search) };
  }
  return { view: null, params: {}, query: new URLSearchParams(search) };
}

/** Show the view of the address, now and at each change. */
export function start(root) {
  addEventListener("hashchange", () => show(root, true));
  return show(root, false);
}

async function show(root, moved) {
  const route = parse(location.hash);
  if (route === null) return;
  current?.leave();
  const leaving = new AbortController();
  /** @type {{cleanup: (() => void) | null, leave: () => void}} */
  const here = { cleanup: null, leave: () => (leaving.abort(), here.cleanup?.()) };
  current = here;
  clear(root);
  root.setAttribute("aria-busy", "true");
  document.body.dataset.view = route.view ?? "missing";
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-nav]"))) {
    const active = link.dataset.nav === (NAV[route.view] ?? route.view);
    if (active) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    if (route.view === null) throw new Error("no such page");
    const view = await import(`./views/${route.view}.js`);
    if (leaving.signal.aborted) return;
    const cleanup = await view.mount(root, { params: route.params, query: route.query, signal: leaving.signal });
    if (leaving.signal.aborted) return cleanup?.();
    here.cleanup = cleanup ?? null;
  } catch (error) {
    if (leaving.signal.aborted) return;
    broken(root, route.view === null ? "ui.no_such_page" : "ui.view_failed");
    if (route.view !== null) console.warn(error);
  }
  root.removeAttribute("aria-busy");
  respell(root);
  const heading = root.querySelector("h1");
  document.title = `${heading?.textContent ? `${heading.textContent} · ` : ""}${t("app.name")}`;
  if (moved && heading && !root.contains(document.activeElement)) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function broken(root, key) {
  const lost = key === "ui.no_such_page";
  const reload = h("button", { class: "pix-button primary", type: "button", t: "ui.reload", on: { click: () => location.reload() } });
  const home = h("a", { class: `pix-button ${lost ? "primary" : ""}`, href: "#/", t: lost ? "ui.home" : "nav.scan" });
  clear(root).append(h("section", { class: "pix-panel" }, h("h1", { t: key }), h("p", { t: `${key}_advice` }), h("div", { class: "pix-actions" }, !lost && reload, home)));
}
