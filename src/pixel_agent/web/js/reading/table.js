// Items or findings as a table; on a phone each row becomes a card. Rows and the photo's boxes are linked (see link.js).

import { h, text } from "../dom.js";
import { has, t, when } from "../i18n.js";
import { columnsOf, isEcho, isSaid, labelOf, SEVERITIES, valueNode, wordsOf } from "../rows.js";
import { sprite } from "../sprites.js";
import { readable } from "../untrusted.js";
import { editor } from "./editor.js";
import { changeTag, evidenceNode, reviewTag, severityTag } from "./tags.js";

const TAGS = { severity: severityTag, change: changeTag };
const FIRST = ["change", "severity"];
const AT_ONCE = 60; // rows drawn per frame

/**
 * `part` is items or findings; `corrections` those of this part. `onConfirm(index)` and `onCorrect(index, changes)` are
 * undefined if reviewing is not allowed. `place` remembers the row that is being edited: {editing: {id, field}}.
 *
 * @param {{part: string, rows: any[], task: any, corrections: any[], link: any, place: any, onConfirm?: (index: number) => Promise<unknown>, onCorrect?: (index: number, changes: any[]) => Promise<unknown>, redraw: () => void, caption: string}} options
 */
export function rowsTable({ part, rows, task, corrections, link, place, onConfirm, onCorrect, redraw, caption }) {
  const columns = columnsOf(task, rows);
  const shown = inFront(columns.filter((column) => (!isEcho(column, rows) && rows.some((row) => isSaid(row[column.field]))) || corrections.some((one) => one.field === column.field)));
  const kinds = rows.some((row) => isSaid(row.kind));
  const titles = [t("reading.row"), ...(kinds ? [t("reading.kind")] : []), ...shown.map((one) => one.name), t("reading.source"), t("reading.review")];
  const order = rows.map((_, index) => index);
  if (part === "findings") order.sort((one, other) => rank(rows[one]) - rank(rows[other]) || one - other);
  const context = { part, rows, task, columns, shown, kinds, titles, corrections, link, place, onConfirm, onCorrect, redraw };
  const body = h("tbody", { role: "rowgroup" });
  fill(body, order, context);
  const table = h(
    "table",
    { class: "pix-table rows", role: "table", "data-part": part },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, titles.map((title) => h("th", { scope: "col", role: "columnheader" }, text(title))))),
    body,
  );
  table.addEventListener("pointerover", (event) => link.hover(event.target.closest("tr[data-id]")?.dataset.id ?? null, table));
  table.addEventListener("pointerleave", () => link.hover(null, table));
  table.addEventListener("keydown", (event) => turnRow(event, table));
  return table;
}

/** A note on the declared fields without a value in any row, so that they are not taken for read. */
export function unread(task, rows) {
  if (rows.length === 0) return [];
  return columnsOf(task, rows).filter((column) => rows.every((row) => row[column.field] === null)).map((column) => column.name);
}

/** Draws the first rows, up to the focused one, at once; the others frame by frame, so that the page never freezes. */
function fill(body, order, context) {
  const { part, place } = context;
  const wanted = order.findIndex((index) => [place.editing?.id, place.focus?.id].includes(`${part}:${index}`));
  let drawn = 0;
  const more = (upTo) => {
    body.append(...order.slice(drawn, upTo).flatMap((index) => rowNodes(index, context)));
    drawn = upTo;
  };
  more(Math.max(AT_ONCE, wanted + 1));
  const go = () => {
    if (drawn >= order.length || !body.isConnected) return;
    more(drawn + AT_ONCE);
    requestAnimationFrame(go);
  };
  if (drawn < order.length) requestAnimationFrame(go);
}

function rowNodes(index, context) {
  const { part, rows, kinds, shown, titles, link, place, columns, onCorrect, onConfirm, task, redraw } = context;
  const row = rows[index];
  const id = `${part}:${index}`;
  const label = labelOf(row, columns);
  const choose = () => link.select(id, "table");
  const pick = h(
    "button",
    { type: "button", class: "rows__pick", "aria-pressed": String(link.selected === id), "aria-label": readable(`${t("reading.row_n", { n: index + 1 })}: ${label}`), on: { focus: () => link.hover(id, "table"), blur: () => link.hover(null, "table") } },
    String(index + 1),
  );
  const edit = (field) => {
    if (!onCorrect) return;
    place.editing = { id, field };
    redraw();
  };
  const cell = (n, ...children) => h("td", { role: "cell", "data-label": titles[n] }, ...children);
  const cells = [
    h("td", { role: "cell", class: "rows__first", "data-label": titles[0] }, pick, h("span", { class: "rows__title" }, text(label))),
    ...(kinds ? [cell(1, kindNode(row))] : []),
    ...shown.map((column, n) => {
      const node = cell(n + 1 + Number(kinds), fieldNode(row, column, id, context));
      node.dataset.field = column.field;
      node.classList.toggle("number", typeof row[column.field] === "number");
      node.toggleAttribute("data-empty", !isSaid(row[column.field]));
      node.addEventListener("dblclick", () => edit(column.field));
      return node;
    }),
    cell(titles.length - 2, evidenceNode(row)),
    h("td", { role: "cell", class: "rows__review", "data-label": titles.at(-1) }, reviewTag(row.review), buttons({ id, label, row, index, edit, onConfirm, onCorrect })),
  ];
  const line = h("tr", { role: "row", "data-id": id, "data-severity": row.severity ?? "", "data-review": row.review }, cells);
  line.toggleAttribute("data-chosen", link.selected === id);
  line.addEventListener("click", (event) => {
    const other = event.target.closest("button, a, input, select, textarea, summary");
    if ((!other || other === pick) && !String(getSelection())) choose();
  });
  if (place.editing?.id !== id) return [line];
  const leave = () => {
    place.editing = null;
    place.focus = { id, what: "edit" };
    redraw();
  };
  const save = (changes) => onCorrect(index, changes);
  const form = editor({ row, columns, schema: task?.schema, focus: place.editing.field, save, leave });
  return [line, h("tr", { class: "rows__edit", role: "row", "data-edit": id }, h("td", { role: "cell", colspan: String(titles.length) }, form))];
}

function buttons({ id, label, row, index, edit, onConfirm, onCorrect }) {
  if (!onCorrect) return null;
  const name = readable(label || t("reading.row_n", { n: index + 1 }), 60);
  const make = (what, picture, words, act) => h("button", { type: "button", class: "pix-icon small", "data-do": what, "data-row": id, "aria-label": words, title: words, on: { click: act } }, sprite(picture, { size: 24 }));
  return h(
    "span",
    { class: "rows__buttons" },
    row.review !== "confirmed" && row.review !== "corrected" && make("confirm", "ok", t("reading.confirm_row", { row: name }), () => onConfirm(index)),
    make("edit", "edit", t("reading.correct_row", { row: name }), () => edit(null)),
  );
}

function fieldNode(row, column, id, { corrections, part }) {
  const value = row[column.field];
  const [, index] = id.split(":");
  const fixed = corrections.find((one) => one.part === part && one.row === Number(index) && one.field === column.field);
  const node = TAGS[column.field] && isSaid(value) ? TAGS[column.field](value) : valueNode(value, column, row);
  if (!fixed) return node;
  const by = t("reading.by", { by: readable(fixed.by || t("reading.log.nobody"), 40), time: when(fixed.at) });
  return h(
    "span",
    { class: "corrected" },
    h("span", { class: "unseen" }, t("reading.model_said")),
    h("del", {}, text(wordsOf(fixed.model_value, column, row))),
    h("span", { class: "unseen" }, t("reading.person_says")),
    h("ins", {}, sprite("edit", { size: 12 }), node),
    h("small", {}, by),
  );
}

function kindNode(row) {
  if (!row.kind) return "–";
  return has(`kind.${row.kind}`) ? t(`kind.${row.kind}`) : text(String(row.kind).replaceAll("_", " "));
}

/** The up and down keys move from row to row. */
function turnRow(event, table) {
  const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!way || !event.target.matches(".rows__pick")) return;
  const picks = [...table.querySelectorAll(".rows__pick")];
  const next = picks[picks.indexOf(event.target) + way];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function inFront(columns) {
  return [...columns].sort((one, other) => Number(FIRST.includes(other.field)) - Number(FIRST.includes(one.field)));
}

function rank(row) {
  const at = SEVERITIES.indexOf(row.severity);
  const passed = ["pass", "ok"].includes(row.status) ? 10 : 0;
  return (at < 0 ? SEVERITIES.length : at) + passed;
}
