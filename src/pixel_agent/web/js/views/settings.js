// Settings of this browser: language, palette, clear mode, sound, the reviewer's name.

import { h, respell, stylesheet } from "../dom.js";
import { add, lang, setLang } from "../i18n.js";
import { PALETTES, palette, setPalette } from "../theme.js";
import { prefs } from "../prefs.js";
import { beep } from "../sound.js";
import { sprite } from "../sprites.js";
import words from "../strings/settings.js";

add(words);

export async function mount(root, { signal }) {
  await stylesheet("settings");
  const redraw = () => {
    for (const button of root.querySelectorAll("[data-choice]")) button.setAttribute("aria-pressed", String(button.dataset.choice === `${now()[button.dataset.group]}`));
  };
  const now = () => ({ lang: lang(), palette: palette() });
  root.append(
    h("h1", { class: "unseen", t: "nav.settings" }),
    h(
      "section",
      { class: "pix-panel settings" },
      choices("lang", "settings.language", [["zh", "settings.zh"], ["en", "settings.en"]], setLang, redraw),
      choices("palette", "settings.palette", PALETTES.map((name) => [name, `palette.${name}`, name]), setPalette, redraw),
      toggle("clear", "settings.clear", "settings.clear_about"),
      toggle("sound", "settings.sound", "settings.sound_about", () => beep("found")),
      field("reviewer", "settings.reviewer", "settings.reviewer_about", signal),
      field("storeId", "settings.store", "settings.store_about", signal),
      h("p", { class: "pix-caption" }, h("a", { href: "/docs", t: "settings.docs" })),
    ),
  );
  prefs.subscribe(redraw, signal);
  redraw();
  respell(root);
}

function choices(group, title, entries, choose, redraw) {
  const button = ([value, key, picture]) =>
    h(
      "button",
      { type: "button", class: "pix-button", dataset: { choice: value, group }, on: { click: () => (choose(value), redraw()) } },
      picture ? sprite(picture) : null,
      h("span", { t: key }),
    );
  return h("fieldset", { class: "settings-group" }, h("legend", { t: title }), h("div", { class: "settings-row" }, entries.map(button)));
}

function toggle(name, title, about, after = () => {}) {
  const box = h("input", { type: "checkbox", checked: prefs.get(name), on: { change: () => (prefs.set(name, box.checked), after()) } });
  return h("div", { class: "settings-group" }, h("label", { class: "pix-check" }, box, h("span", { t: title })), h("p", { class: "pix-soft", t: about }));
}

function field(name, title, about, signal) {
  const input = h("input", { class: "pix-field", value: prefs.get(name), maxlength: 200, autocomplete: "off", on: { input: () => prefs.set(name, input.value.trim()) } });
  prefs.subscribe((changed, all) => document.activeElement !== input && (input.value = all[name]), signal);
  return h("label", { class: "settings-group" }, h("span", { class: "settings-title", t: title }), input, h("span", { class: "pix-soft", t: about }));
}
