// Translates errors by their code, for every view; the server's own text is folded, for operators.

import { h, text } from "./dom.js";
import { add, has, t } from "./i18n.js";
import words from "./strings/errors.js";

add(words);

/** The key of an error's text; a view can define a more exact one as `<view>.error.<code>`. */
function keyOf(error, view) {
  return [`${view}.error.${error.code}`, `error.${error.code}`].find(has) ?? "error.unknown";
}

/** An error (an ApiError, or the problem in a record) in one line. */
export function errorWords(error, view = "") {
  const key = keyOf(error ?? {}, view);
  return `${t(key)} ${t(`${key}.do`)}`;
}

/** The error as nodes, with the server's own text. */
export function errorNodes(error, view = "") {
  const key = keyOf(error, view);
  const said = [error.detail || error.title, error.advice].filter(Boolean);
  const code = error.code && h("bdi", {}, error.code);
  const more = said.length
    ? h("details", { class: "error-said" }, h("summary", { class: "pix-caption" }, h("span", { t: "error.details" }), code), said.map((one) => h("p", { class: "pix-soft", lang: "en" }, text(one))))
    : h("p", { class: "pix-caption" }, code);
  return [h("p", { t: key }), h("p", { t: `${key}.do` }), more];
}
