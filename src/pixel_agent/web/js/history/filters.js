// The filters of the history: converts between the page's address, the form and the API's query.

import { getJSON } from "../api.js";
import { h, text } from "../dom.js";
import { t } from "../i18n.js";
import { said } from "../reading/tags.js";
import { SEVERITIES } from "../rows.js";
import { loadTasks } from "../tasks.js";

const NAMES = ["q", "task", "status", "store_id", "since", "until", "gtin", "review", "severity", "batch_id"];
const STATUSES = ["completed", "partial", "retake_required", "failed", "queued", "running", "cancelled", "expired"];
const REVIEWS = ["advised", "confirmed", "corrected", "none"];

/** The filters in an address's query: {name: [values]}; days as local dates (2026-11-22). */
export function fromQuery(query) {
  const found = {};
  for (const name of NAMES) {
    const values = query.getAll(name).filter(Boolean);
    if (values.length) found[name] = values;
  }
  return found;
}

/** The hash of the history with these filters. */
export function toHash(filters) {
  const query = new URLSearchParams(pairs(filters)).toString();
  return query ? `#/history?${query}` : "#/history";
}

/** The query for `GET /v1/scans` and `/v1/exports`: days become moments in the browser's time zone. */
export function toApi(filters, more = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of pairs(filters)) {
    if (name === "since") query.append(name, dayStart(value, 0));
    else if (name === "until") query.append(name, dayStart(value, 1));
    else query.append(name, value);
  }
  for (const [name, value] of Object.entries(more)) for (const one of [value].flat()) query.append(name, String(one));
  return query.toString();
}

export const isEmpty = (filters) => Object.keys(filters).length === 0;

/** A form that calls `onChange(filters)` on changes; `set(filters)` fills it. */
export function filterForm({ onChange, signal }) {
  const choice = (name, options) => h("select", { class: "pix-field", name, id: `filter-${name}` }, h("option", { value: "", t: "history.any" }), options);
  const option = (group) => (word) => h("option", { value: word }, said(group, word));
  const input = (name, type, more = {}) => h("input", { class: "pix-field", name, id: `filter-${name}`, type, autocomplete: "off", ...more });
  const fields = {
    q: input("q", "search", { tPlaceholder: "history.q_hint", maxlength: "200" }),
    task: choice("task", []),
    status: choice("status", STATUSES.map(option("status"))),
    store_id: input("store_id", "text", { list: "filter-stores", maxlength: "200" }),
    since: input("since", "date"),
    until: input("until", "date"),
    gtin: input("gtin", "text", { inputmode: "numeric", pattern: "[0-9 ]{8,18}", maxlength: "18" }),
    review: choice("review", REVIEWS.map(option("review"))),
    severity: choice("severity", SEVERITIES.map(option("severity"))),
  };
  const stores = h("datalist", { id: "filter-stores" });
  const labelled = ([name, field]) => h("div", { class: `filter filter--${name}` }, h("label", { class: "pix-label", for: `filter-${name}`, t: `history.${name.replace("_id", "")}` }), field);
  const summaryWords = h("span", { t: "history.filters" });
  const rest = h("details", { class: "filters__rest" }, h("summary", { class: "pix-button small" }, summaryWords), h("div", { class: "filters__grid" }, Object.entries(fields).slice(1).map(labelled)));
  const form = h("form", { class: "filters", role: "search", novalidate: true }, labelled(["q", fields.q]), rest, stores, h("div", { class: "filters__go" }, h("button", { type: "submit", class: "pix-button small", t: "history.apply" }), h("button", { type: "reset", class: "pix-button small", t: "history.reset" })));
  let kept = {};

  const read = () => {
    const found = kept.batch_id ? { batch_id: kept.batch_id } : {};
    for (const [name, field] of Object.entries(fields)) {
      const value = name === "gtin" ? field.value.replace(/\s/g, "") : field.value.trim();
      if (value) found[name] = name === "status" && kept.status?.[0] === value ? kept.status : [value];
    }
    kept = found;
    count();
    onChange(found);
  };
  const count = () => {
    const n = Object.keys(kept).filter((name) => name !== "q").length;
    summaryWords.textContent = n ? t("history.filters_on", { n }) : t("history.filters");
    delete summaryWords.dataset.t;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    read();
  });
  form.addEventListener("reset", () => setTimeout(() => ((kept = {}), read())));
  form.addEventListener("change", (event) => event.target !== fields.q && read());
  let typing = 0;
  fields.q.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(read, 350);
  });
  signal?.addEventListener("abort", () => clearTimeout(typing), { once: true });

  return {
    form,
    set(filters) {
      kept = filters;
      for (const [name, field] of Object.entries(fields)) {
        const value = filters[name]?.[0] ?? "";
        if (field.localName === "select" && value && ![...field.options].some((one) => one.value === value)) field.append(h("option", { value }, text(value).textContent));
        field.value = value;
      }
      count();
      if (matchMedia("(min-width: 48rem)").matches) rest.open = true;
    },
    /** Load the names of tasks and stores, if the server has them. */
    async learn() {
      const [tasks, known] = await Promise.all([loadTasks().catch(() => []), getJSON("/v1/stores", { signal }).catch(() => ({ stores: [] }))]);
      const chosen = fields.task.value;
      fields.task.replaceChildren(fields.task.options[0], ...tasks.map((task) => h("option", { value: task.id }, text(task.name).textContent)));
      if (chosen && !tasks.some((task) => task.id === chosen)) fields.task.append(h("option", { value: chosen }, text(chosen).textContent));
      fields.task.value = chosen;
      stores.replaceChildren(...known.stores.slice(0, 500).map((store) => h("option", { value: store.store_id })));
      for (const group of ["status", "review", "severity"]) for (const one of [...fields[group].options].slice(1)) one.textContent = said(group, one.value);
      count();
    },
  };
}

function pairs(filters) {
  return Object.entries(filters).flatMap(([name, values]) => values.map((value) => [name, value]));
}

function dayStart(day, later) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
