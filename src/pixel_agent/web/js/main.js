// Entry point of the terminal: sets up the frame, then shows the view of the address.

import { agent } from "./agent.js";
import { online } from "./api.js";
import { announce, h, respell } from "./dom.js";
import { add, onLang, t } from "./i18n.js";
import { later } from "./lazy-import.js";
import { mountSwitches } from "./theme.js";
import { start } from "./router.js";
import { sprite } from "./sprites.js";
import shell from "./strings/shell.js";

/** An element of the frame in index.html. */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

add(shell);
agent.mount(at("agent-picture"), at("agent-words"));
mountSwitches(at("switch-language"), at("switch-palette"));
for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-nav]"))) link.prepend(sprite(`nav_${link.dataset.nav}`));
respell(document.body);
onLang(() => {
  const heading = document.querySelector("main h1");
  document.title = `${heading?.textContent ? `${heading.textContent} · ` : ""}${t("app.name")}`;
});

at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("main").focus();
});

online.subscribe((up) => {
  const line = at("offline");
  line.hidden = up;
  line.replaceChildren(sprite("offline"), h("span", { t: "ui.offline" }));
  agent.state(up ? "idle" : "offline");
  announce(t(up ? "ui.back_online" : "ui.offline"), { assertive: !up });
});


await start(at("main"));

// Modules that the first paint does not need.
later(() => import("./hud-strip.js")).then((strip) => strip.mount(at("hud-strip")), () => at("hud-strip").remove());
later(() => import("./pwa.js")).catch(console.warn);
