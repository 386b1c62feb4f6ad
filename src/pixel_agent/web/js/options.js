// Builds the form fields of a task's options from their JSON Schema in the catalogue.

import { h } from "./dom.js";
import { lang, t } from "./i18n.js";

const EVERYWHERE = new Set(["today"]);

/** The fields of a task's options. `tasks` is the catalogue, for options that name a task. Returns
 * `{nodes, read(), raw()}`: `read` returns the filled-in options or raises OptionError; `raw` returns the
 * typed text, for `kept` next time. */
export function optionFields(task, tasks, kept = {}) {
  const inner = task.photos > 1 ? tasks.filter((other) => other.photos === 1 && !other.needs_question && other.support !== "unsupported") : [];
  const fields = Object.entries(task.option_schema)
    .filter(([name]) => !EVERYWHERE.has(name))
    .map(([name, schema]) => new OptionField(task, name, schema, kept[name], inner));
  return {
    nodes: fields.map((field) => field.node),
    read: () => Object.fromEntries(fields.map((field) => [field.name, field.read()]).filter(([, value]) => value !== null)),
    raw: () => Object.fromEntries(fields.map((field) => [field.name, field.input.value])),
  };
}

/** The typed text is not a valid value of the option; `field` is the input. */
export class OptionError extends Error {
  constructor(name, field) {
    super(t("scan.option_wrong", { name }));
    this.name = "OptionError";
    this.field = field;
  }
}

class OptionField {
  constructor(task, name, schema, kept, inner) {
    this.name = name;
    this.schema = schema;
    this.kind = name === "task" && inner.length ? "task" : kindOf(schema);
    this.usual = task.options[name];
    this.input = this.control(inner);
    if (kept !== undefined) this.input.value = kept;
    else if (this.kind === "task") this.input.value = String(this.usual ?? inner[0].id);
    const key = `option.${name}`;
    this.node = h("label", { class: "option" }, h("span", { class: "pix-label" }, t(key) === key ? name : h("span", { t: key })), this.input);
  }

  control(inner) {
    const { schema } = this;
    const usual = this.usual === undefined || this.usual === null || typeof this.usual === "object" ? "" : String(this.usual);
    const shared = { class: "pix-field", autocomplete: "off", on: { input: () => this.input.removeAttribute("aria-invalid") } };
    if (this.kind === "task") return h("select", shared, inner.map((task) => h("option", { value: task.id }, task[lang()])));
    if (this.kind === "boolean") return h("select", shared, ["", "true", "false"].map((value) => h("option", { value }, value || "–")));
    if (this.kind === "number" || this.kind === "integer")
      return h("input", { ...shared, type: "number", inputmode: "decimal", min: schema.minimum, max: schema.maximum, step: this.kind === "integer" ? 1 : "any", placeholder: usual });
    if (this.kind === "date") return h("input", { ...shared, type: "date" });
    if (this.kind === "texts") return h("textarea", { ...shared, rows: 3, tPlaceholder: "scan.one_a_line" });
    if (this.kind === "rows") return h("textarea", { ...shared, rows: 4, placeholder: Object.keys(schema.items.properties).join(", ") });
    if (this.kind === "json") return h("textarea", { ...shared, rows: 2, placeholder: "JSON" });
    return h("input", { ...shared, placeholder: usual, maxlength: schema.maxLength });
  }

  /** The value; null if the field is empty. */
  read() {
    const typed = this.input.value.trim();
    if (typed === "") {
      if (this.input.validity?.badInput) this.wrong();
      return null;
    }
    if (!this.input.checkValidity()) this.wrong();
    switch (this.kind) {
      case "number":
      case "integer":
        return Number(typed);
      case "boolean":
        return typed === "true";
      case "texts":
        return lines(typed);
      case "rows":
        return lines(typed).map((line) => this.row(line));
      case "json":
        try {
          return JSON.parse(typed);
        } catch {
          return this.wrong();
        }
      default:
        return typed;
    }
  }

  /** Parse one line of a table: cells separated by commas or tabs, in the order of the schema. */
  row(line) {
    const properties = Object.entries(this.schema.items.properties);
    const cells = line.split(/[,，\t]/).map((cell) => cell.trim());
    if (cells.length > properties.length) this.wrong();
    const filled = properties.map(([name, schema], i) => [name, cells[i], kindOf(schema)]).filter(([, cell]) => cell);
    return Object.fromEntries(
      filled.map(([name, cell, kind]) => {
        if (kind !== "integer" && kind !== "number") return [name, cell];
        return [name, Number.isFinite(Number(cell)) ? Number(cell) : this.wrong()];
      }),
    );
  }

  wrong() {
    this.input.setAttribute("aria-invalid", "true");
    throw new OptionError(this.name, this.input);
  }
}

const lines = (typed) => typed.split("\n").map((line) => line.trim()).filter(Boolean);

function kindOf(schema) {
  const types = [schema.type].flat().filter((type) => type && type !== "null");
  if (schema.format === "date") return "date";
  if (types[0] === "array") return schema.items?.properties ? "rows" : schema.items?.type === "string" ? "texts" : "json";
  if (types.length === 0 || types[0] === "object") return "json";
  return types[0];
}
