// Applies palette, clear mode and language at once, in every open tab.

import { say } from "./dom.js";
import { lang, onLang, setLang, t } from "./i18n.js";
import { prefs } from "./prefs.js";
import { redraw, sprite } from "./sprites.js";

export const PALETTES = ["day", "night", "contrast"];

/** The current palette. */
export const palette = () => document.documentElement.dataset.palette ?? PALETTES[0];

export function setPalette(name) {
  document.documentElement.dataset.palette = name;
  prefs.set("palette", name);
}

prefs.subscribe((changed, all) => {
  const root = document.documentElement;
  if (changed.includes("palette") && all.palette) root.dataset.palette = all.palette;
  root.toggleAttribute("data-clear", Boolean(all.clear));
  tint();
});

/** Give the browser's own bars the colour of the page. */
function tint() {
  const meta = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=theme-color]"));
  if (meta) meta.content = getComputedStyle(document.documentElement).getPropertyValue("--paper").trim();
}

/** Connect the header's two switches. */
export function mountSwitches(languageButton, paletteButton) {
  const picture = sprite(palette());
  paletteButton.replaceChildren(picture);
  const label = () => {
    redraw(picture, palette());
    say(paletteButton, ["ui.palette", { name: t(`palette.${palette()}`) }], "tLabel");
    paletteButton.title = t(`palette.${palette()}`);
    languageButton.textContent = lang() === "zh" ? "EN" : "中";
    languageButton.lang = lang() === "zh" ? "en" : "zh-CN";
    languageButton.setAttribute("aria-label", t(lang() === "zh" ? "ui.to_english" : "ui.to_chinese"));
  };
  languageButton.addEventListener("click", () => setLang(lang() === "zh" ? "en" : "zh"));
  paletteButton.addEventListener("click", () => setPalette(PALETTES[(PALETTES.indexOf(palette()) + 1) % PALETTES.length]));
  prefs.subscribe(label);
  onLang(label);
  label();
  tint();
}
