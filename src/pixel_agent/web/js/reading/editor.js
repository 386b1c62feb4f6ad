// The form that corrects one row: a field for each column; each changed value becomes one review.

import { h, text } from "../dom.js";
import { lang, t } from "../i18n.js";
import { labelOf } from "../rows.js";

const MADE = new Set(["kind", "change", "gtin_source", "count_is_estimate"]); // describe how a row was made; not editable
const NUMBERS = /price|_deg$|^facings$|^level$|^slots?$|_rate$|days_left|shelf_level|portion/;
let forms = 0;

/** A form under a row. `save([{field, value}])` is called with the changes, `leave()` on cancel. */
export function editor({ row, columns, schema, focus, save, leave }) {
  const kinds = fieldKinds(schema);
  const editable = columns.filter((column) => !MADE.has(column.field) && kindOf(row[column.field], column, kinds) !== "object");
  const id = `edit-${++forms}`;
  const inputs = editable.map((column, index) => {
    const kind = kindOf(row[column.field], column, kinds);
    return { column, kind, ...control(kind, row[column.field], column, `${id}-${index}`) };
  });
  const error = h("p", { class: "editor__error", role: "alert" });
  const form = h(
    "form",
    { class: "editor", "aria-label": `${t("reading.correct")}: ${labelOf(row, columns)}`, novalidate: true },
    h("div", { class: "editor__fields" }, inputs.map(({ label, node }) => h("div", { class: "editor__field" }, label, node))),
    error,
    h(
      "div",
      { class: "pix-actions" },
      h("button", { type: "submit", class: "pix-button primary small" }, t("reading.save")),
      h("button", { type: "button", class: "pix-button small", on: { click: leave } }, t("reading.cancel_edit")),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    error.textContent = "";
    const changes = [];
    for (const { column, read } of inputs) {
      const value = read();
      if (value instanceof Error) {
        error.textContent = t("reading.wrong_number", { field: column.name });
        return;
      }
      if (!same(value, row[column.field])) changes.push({ field: column.field, value });
    }
    if (changes.length === 0) error.textContent = t("reading.unchanged");
    else save(changes);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    leave();
  });
  const first = inputs.find(({ column }) => column.field === focus) ?? inputs[0];
  queueMicrotask(() => first?.target.focus());
  return form;
}

function control(kind, value, column, id) {
  const caption = h("label", { class: "pix-label", for: id }, text(column.name));
  if (kind === "list" && Object.keys(column.words ?? {}).length) return choices(value ?? [], column, id);
  if (kind === "choice" || kind === "boolean") {
    const options = kind === "boolean" ? [["true", t("reading.yes")], ["false", t("reading.no")]] : wordsOf(column);
    const node = h("select", { class: "pix-field", id }, h("option", { value: "" }, t("reading.unknown")), options.map(([key, word]) => h("option", { value: key }, word)));
    node.value = value === null || value === undefined ? "" : String(value);
    const read = () => (node.value === "" ? null : kind === "boolean" ? node.value === "true" : node.value);
    return { label: caption, node, target: node, read };
  }
  if (kind === "list") {
    const node = h("textarea", { class: "pix-field", id, rows: "2", placeholder: t("reading.list_hint"), value: (value ?? []).join("\n") });
    return { label: caption, node, target: node, read: () => node.value.split("\n").map((line) => line.trim()).filter(Boolean) };
  }
  const long = typeof value === "string" && (value.length > 60 || value.includes("\n"));
  const node = h(long ? "textarea" : "input", { class: "pix-field", id, value: value ?? "", autocomplete: "off", spellcheck: "false", dir: "auto", inputmode: kind === "number" ? "decimal" : null });
  const read = () => (kind === "number" ? numberOf(node.value) : node.value.trim() === "" ? null : node.value.trim());
  return { label: caption, node, target: node, read };
}

function choices(value, column, id) {
  const boxes = wordsOf(column).map(([key, word]) => ({ key, word, input: h("input", { type: "checkbox", checked: value.includes(key) }) }));
  const node = h("div", { class: "editor__choices", role: "group", "aria-labelledby": id }, boxes.map(({ word, input }) => h("label", { class: "pix-check small" }, input, word)));
  const label = h("span", { class: "pix-label", id }, text(column.name));
  return { label, node, target: boxes[0].input, read: () => boxes.filter(({ input }) => input.checked).map(({ key }) => key) };
}

function wordsOf(column) {
  return Object.entries(column.words ?? {}).map(([key, zh]) => [key, lang() === "zh" ? zh : key.replaceAll("_", " ")]);
}

function kindOf(value, column, kinds) {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  if (Array.isArray(value)) return value.every((one) => typeof one === "string") ? "list" : "object";
  if (typeof value === "object" && value !== null) return "object";
  if (typeof value === "string" && value in (column.words ?? {})) return "choice";
  if (typeof value === "string") return "text";
  if (column.field === "gs1") return "object";
  if (Object.keys(column.words ?? {}).length) return "choice";
  return kinds.get(column.field) ?? (NUMBERS.test(column.field) ? "number" : "text");
}

/** The type of each field by the task's schema, for empty fields. */
function fieldKinds(schema) {
  const kinds = new Map();
  const visit = (part) => {
    for (const [field, about] of Object.entries(part?.properties ?? {})) {
      const types = [about?.type].flat();
      if (types.includes("number") || types.includes("integer")) kinds.set(field, "number");
      else if (types.includes("boolean")) kinds.set(field, "boolean");
      if (about?.items) visit(about.items);
    }
  };
  visit(schema);
  return kinds;
}

/** A number as people type it, also `12,50` and `¥12.50`. Raises an Error if it is not a number. */
function numberOf(words) {
  const plain = words.trim().replace(/^[¥￥€$£]\s*/, "").replace(/(\d),(\d{1,2})$/, "$1.$2").replace(/[\s,]/g, "");
  if (plain === "") return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : new Error("no number");
}

function same(one, other) {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}
