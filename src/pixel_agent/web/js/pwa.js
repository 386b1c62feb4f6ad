// The terminal as an installed app: registers the service worker, offers updates, and starts the outbox.

import { announce, h, stylesheet } from "./dom.js";
import { t } from "./i18n.js";
import "./outbox.js";

const LOOK_MS = 30 * 60_000;

let reloading = false;

if ("serviceWorker" in navigator && isSecureContext) void begin();

async function begin() {
  let registration;
  try {
    registration = await navigator.serviceWorker.register("/sw.js", { type: "module", updateViaCache: "none" });
  } catch {
    return; // an older browser, or storage is disabled: the terminal works, but not offline
  }
  if (!registration) return;
  watch(registration);
  const look = () => registration.update().catch(() => {});
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", () => !document.hidden && look());
  navigator.serviceWorker.addEventListener("controllerchange", () => reloading && location.reload());
}

function watch(registration) {
  const ready = () => registration.waiting && navigator.serviceWorker.controller && offer(registration);
  const follow = (worker) => worker?.addEventListener("statechange", () => worker.state === "installed" && ready());
  ready();
  follow(registration.installing); // an update was found before this code ran
  registration.addEventListener("updatefound", () => follow(registration.installing));
}

function offer(registration) {
  void stylesheet("outbox");
  document.querySelector(".update-offer")?.remove();
  const update = () => {
    reloading = true;
    registration.waiting?.postMessage("take over");
  };
  const bar = h(
    "div",
    { class: "pix-toast pix-panel update-offer" },
    h("span", { t: "update.ready" }),
    h("button", { type: "button", class: "pix-button primary", t: "update.now", on: { click: update } }),
    h("button", { type: "button", class: "pix-button", t: "update.later", on: { click: () => bar.remove() } }),
  );
  document.getElementById("toasts")?.append(bar);
  announce(t("update.ready"));
}
