// Formats the rows of a reading for tables, boxes and texts. The columns and their names come from the catalogue.

import { h, text } from "./dom.js";
import { lang, money, number, t } from "./i18n.js";

export const PARTS = ["findings", "items"];
export const SEVERITIES = ["critical", "major", "minor", "info"];

const EVIDENCE = new Set(["bbox", "source", "confidence", "verified_by", "review", "kind"]);
const PRICES = new Set(["price", "regular_price", "sale_price", "member_price", "expected_price"]);
const RATES = new Set(["fill_rate", "oos_rate", "compliance_rate", "share", "confidence"]);
const DEGREES = new Set(["tilt_deg", "threshold_deg"]);
const HEADS = [
  ...["name", "shop_name", "sign_text", "hazard", "rule_id", "object", "waste_type", "tag_text", "text", "item"],
  ...["found", "position_id", "gtin", "type", "status", "answer", "evidence", "reason"],
];
const TAILS = [
  ...["sale_price", "regular_price", "price", "expiry_date", "production_date", "tilt_deg", "facings", "portion"],
  ...["verdict", "status", "gtin"],
];
const TINY = 3;
const SHORT = 16; // characters; a longer text can break anywhere
const LONG = 280; // characters; a longer text is folded

/** The rows of a reading with their ids and places: [{id, part, index, row}], findings first. */
export function rowsOf(reading) {
  return PARTS.flatMap((part) => (reading?.[part] ?? []).map((row, index) => ({ id: `${part}:${index}`, part, index, row })));
}

/** The fields of a task's rows in order, with their names: [{field, name, words}]; undeclared fields last. */
export function columnsOf(task, rows) {
  const declared = task?.columns ?? [];
  const names = new Set(declared.map((column) => column.field));
  const found = rows.flatMap((row) => Object.keys(row)).filter((field) => !names.has(field) && !EVIDENCE.has(field));
  const others = [...new Set(found)].map((field) => ({ field, zh: field, en: field.replaceAll("_", " "), words: {} }));
  // A comparison has the columns of its inner task, and `change`.
  return [...declared, ...others].map((column) => ({ ...column, name: column.field === "change" ? t("reading.change") : column[lang()] }));
}

/** Whether a value is not empty. */
export function isSaid(value) {
  if (value === null || value === undefined || value === "") return false;
  return typeof value === "object" ? Object.keys(value).length > 0 : true;
}

/** One value as plain text. */
export function wordsOf(value, column, row = {}) {
  if (!isSaid(value)) return "–";
  if (typeof value === "boolean") return t(value ? "reading.yes" : "reading.no");
  if (Array.isArray(value)) return value.map((one) => wordsOf(one, column, row)).join(lang() === "zh" ? "、" : ", ");
  if (typeof value === "object") return Object.entries(value).map(([key, one]) => `${key} ${wordsOf(one, {}, row)}`).join(" · ");
  if (typeof value === "number") return figure(value, column?.field, row);
  const word = column?.words?.[value];
  if (word) return lang() === "zh" ? word : value.replaceAll("_", " ");
  return value;
}

/** One value as a node: digits of codes in groups, long texts folded, untrusted text isolated. */
export function valueNode(value, column, row = {}) {
  if (!isSaid(value)) return h("span", { class: "cell__none" }, "–");
  const field = column?.field;
  if (field === "gtin" && typeof value === "string") return codeNode(value);
  if (Array.isArray(value)) return h("span", { class: "cell__list" }, value.map((one) => h("span", { class: "pix-tag" }, valueNode(one, column, row))));
  if (typeof value === "object") return pairsNode(value, row);
  if (typeof value === "string" && !column?.words?.[value]) return foldedText(value);
  return h("span", { class: typeof value === "number" ? "cell__number" : "" }, text(wordsOf(value, column, row)));
}

/** Digits of a barcode grouped as printed below it; copied text has no gaps. */
export function codeNode(digits) {
  const groups = { 8: [4, 4], 12: [1, 5, 5, 1], 13: [1, 6, 6], 14: [1, 2, 5, 5, 1] }[digits.length];
  if (!groups || !/^\d+$/.test(digits)) return text(digits);
  let at = 0;
  const parts = groups.map((size) => h("span", {}, digits.slice(at, (at += size))));
  return h("span", { class: "cell__code", dir: "ltr" }, parts);
}

/** Fields that are shown with other fields: the currency is part of each price. */
export function isEcho(column, rows) {
  if (column.field === "gtin_source") return true;
  return column.field === "currency" && rows.every((row) => !isSaid(row.currency) || [...PRICES].some((field) => isSaid(row[field])));
}

/** A short title of a row: its most important field, with the price, date or verdict. */
export function labelOf(row, columns = []) {
  const column = (field) => columns.find((one) => one.field === field) ?? { field };
  const says = (field) => ["string", "number"].includes(typeof row[field]) && row[field] !== "";
  const head = HEADS.find(says);
  const tail = TAILS.find((field) => field !== head && says(field));
  return [head, tail].filter((field) => field !== undefined).map((field) => wordsOf(row[field], column(field), row)).join(" ");
}

/** Boxes for a PhotoViewer: those of the rows, and those of alerts if no row has the same box. */
export function marksOf(reading, columns = []) {
  const marks = rowsOf(reading).map(({ id, part, row }) => ({
    id,
    part,
    bbox: row.bbox,
    source: row.source,
    severity: row.severity,
    change: row.change,
    label: labelOf(row, columns),
  }));
  const taken = new Set(marks.map((mark) => String(mark.bbox)));
  const alerts = (reading?.alerts ?? []).map((alert, index) => ({ ...alert, id: `alerts:${index}`, part: "alerts", label: alert.message }));
  return [...marks, ...alerts.filter((alert) => alert.bbox && !taken.has(String(alert.bbox)))];
}

function figure(value, field, row) {
  if (PRICES.has(field)) return money(value, row.currency);
  if (RATES.has(field)) return number(value, { style: "percent", maximumFractionDigits: 1 });
  if (DEGREES.has(field)) return `${number(value)}°`;
  return number(value);
}

function pairsNode(value, row) {
  const entries = Object.entries(value).map(([key, one]) => [h("dt", {}, text(key)), h("dd", {}, text(wordsOf(one, {}, row)))]);
  return h("dl", { class: "cell__pairs" }, entries);
}

/** Untrusted text; a very long one is folded. */
export function foldedText(words) {
  const signs = words.length > LONG ? [...words] : [];
  const width = words.length > SHORT ? "long" : words.length > TINY ? "some" : "";
  if (signs.length <= LONG) return h("span", { class: `cell__text ${width}` }, text(words));
  const shown = h("span", {}, text(`${signs.slice(0, LONG - 80).join("")}…`));
  const more = h("button", { type: "button", class: "cell__more", t: ["reading.more_signs", { n: number(signs.length) }] });
  more.addEventListener("click", (event) => {
    event.stopPropagation();
    shown.replaceChildren(text(words));
    more.remove();
  });
  return h("span", { class: "cell__text long" }, shown, more);
}
