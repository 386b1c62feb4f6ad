// What an error says: to people in their language, by its code; the server's own words are folded, for who runs it.

import { h, text } from "./dom.js";
import { add, has, t } from "./i18n.js";
import words from "./strings/errors.js";

add(words);

/** The key of an error's words; a view says better what a general code means in it, as `<view>.error.<code>`. */
function keyOf(error, view) {
  return [`${view}.error.${error.code}`, `error.${error.code}`].find(has) ?? "error.unknown";
}

/** An error (an ApiError, or a problem that a record holds) in one line. */
export function errorWords(error, view = "") {
  const key = keyOf(error ?? {}, view);
  return `${t(key)} ${t(`${key}.do`)}`;
}

/** The same as nodes, with what the server said. */
export function errorNodes(error, view = "") {
  const key = keyOf(error, view);
  const said = [error.detail || error.title, error.advice].filter(Boolean);
  const code = error.code && h("bdi", {}, error.code);
  const more = said.length
    ? h("details", { class: "error-said" }, h("summary", { class: "pix-caption" }, h("span", { t: "error.details" }), code), said.map((one) => h("p", { class: "pix-soft", lang: "en" }, text(one))))
    : h("p", { class: "pix-caption" }, code);
  return [h("p", { t: key }), h("p", { t: `${key}.do` }), more];
}
