// The comparison view: two photos side by side, and the resolved, remaining and new findings, linked to their boxes.

import { getJSON } from "../api.js";
import { clear, h, stylesheet, text } from "../dom.js";
import { errorNodes } from "../errors.js";
import { add, lang, onLang, t, when } from "../i18n.js";
import { createLink } from "../link.js";
import { PhotoViewer } from "../photo-viewer.js";
import { changeTag, evidenceNode, severityTag } from "../reading/tags.js";
import { columnsOf, isEcho, isSaid, labelOf, valueNode } from "../rows.js";
import { go } from "../router.js";
import { sprite } from "../sprites.js";
import compare from "../strings/compare.js";
import reading from "../strings/reading.js";
import viewer from "../strings/viewer.js";
import { loadTasks, taskName, taskSprite } from "../tasks.js";
import { readable } from "../untrusted.js";

for (const words of [viewer, reading, compare]) add(words);

const CHANGES = ["resolved", "remaining", "new"]; // in the order in which they are shown
const SIDES = ["before", "after"];
const APART = new Set(["severity", "change", "scan_id"]);

export async function mount(root, { query, signal }) {
  await Promise.all([stylesheet("views"), stylesheet("reading"), stylesheet("compare"), loadTasks().catch(() => null)]);
  const asked = { ...Object.fromEntries(query) };
  const chooser = new Chooser(asked, signal);
  const result = h("div", { class: "compare__result" });
  clear(root).append(h("div", { class: "compare__head" }, h("h1", { t: "compare.title" })), chooser.node, result);
  if (!asked.before && !asked.store_id) return;
  const show = async () => {
    clear(result).append(h("p", { class: "pix-empty" }, t("compare.loading")));
    try {
      const found = await getJSON(`/v1/compare?${apiQuery(asked)}`, { signal });
      const tasks = await loadTasks().catch(() => []);
      new Comparison(clear(result), found, tasks.find((task) => task.id === found.task) ?? null, signal);
    } catch (error) {
      if (!signal.aborted) failed(clear(result), error);
    }
  };
  onLang(show, signal); // the server writes the summary, so ask again
  await show();
}

function apiQuery(asked) {
  const names = asked.before ? ["before", "after"] : ["store_id", "task", "before_day", "after_day"];
  const query = new URLSearchParams(names.filter((name) => asked[name]).map((name) => [name, asked[name]]));
  query.set("lang", lang());
  if (!asked.before) query.set("utc_offset_min", String(-new Date().getTimezoneOffset()));
  return query.toString();
}

function failed(root, error) {
  root.append(
    h(
      "section",
      { class: "pix-panel pix-empty", role: "alert" },
      sprite("warn", { size: 48 }),
      h("h2", {}, t("compare.failed")),
      errorNodes(error, "compare"),
      h("a", { class: "pix-button primary", href: "#/history" }, t("compare.history")),
    ),
  );
}

/** The form for store, task and days; the address stores them. */
class Chooser {
  constructor(asked, signal) {
    const field = (name, node) => h("div", {}, h("label", { class: "pix-label", for: `compare-${name}`, t: `compare.${name.replace("_id", "")}` }), node);
    this.store = h("select", { class: "pix-field", id: "compare-store_id", required: true });
    this.task = h("select", { class: "pix-field", id: "compare-task" });
    const day = (name) => h("input", { class: "pix-field", id: `compare-${name}`, type: "date", value: asked[name] ?? "" });
    const days = { before_day: day("before_day"), after_day: day("after_day") };
    this.note = h("p", { class: "pix-soft", t: "compare.how" });
    const form = h(
      "form",
      { class: "compare__form" },
      field("store_id", this.store),
      field("task", this.task),
      field("before_day", days.before_day),
      field("after_day", days.after_day),
      h("button", { type: "submit", class: "pix-button primary", t: "compare.go" }),
      h("a", { class: "pix-button", href: "#/history", t: "compare.history" }),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = { store_id: this.store.value, task: this.task.value, before_day: days.before_day.value, after_day: days.after_day.value };
      const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value));
      if (chosen.store_id) go(`/compare?${query}`);
    });
    this.node = h("details", { class: "pix-panel compare__chooser", open: !asked.before && !asked.store_id }, h("summary", {}, h("h2", { t: "compare.choose" })), this.note, form);
    this.#learn(asked, signal);
    onLang(() => this.#learn({ store_id: this.store.value, task: this.task.value }, signal), signal);
  }

  async #learn(asked, signal) {
    const [found, tasks] = await Promise.all([getJSON("/v1/stores", { signal }).catch(() => ({ stores: [] })), loadTasks().catch(() => [])]);
    const stores = found.stores.map((store) => store.store_id);
    if (asked.store_id && !stores.includes(asked.store_id)) stores.unshift(asked.store_id);
    this.store.replaceChildren(...stores.map((id) => h("option", { value: id }, readable(id))));
    this.task.replaceChildren(...tasks.filter((task) => task.photos === 1).map((task) => h("option", { value: task.id }, readable(task.name))));
    if (asked.store_id) this.store.value = asked.store_id;
    if (asked.task) this.task.value = asked.task;
    if (stores.length === 0) this.note.textContent = t("compare.no_stores");
  }
}

class Comparison {
  constructor(root, found, task, signal) {
    this.root = root;
    this.found = found;
    this.task = task;
    this.signal = signal;
    this.link = createLink();
    const rows = CHANGES.flatMap((change) => found[change].map((row, index) => ({ id: `${change}:${index}`, change, row })));
    this.rows = rows;
    this.columns = columnsOf(task, rows.map(({ row }) => row));
    this.sides = Object.fromEntries(SIDES.map((side) => [side, this.#side(side)]));
    this.together = h("input", { type: "checkbox", checked: true });
    this.sides.before.viewer.onView((view) => this.together.checked && this.sides.after.viewer.follow(view));
    this.sides.after.viewer.onView((view) => this.together.checked && this.sides.before.viewer.follow(view));
    this.lists = h("div", { class: "compare__lists" }, CHANGES.map((change) => this.#list(change)));
    root.append(this.#head(), h("div", { class: "compare__photos" }, SIDES.map((side) => this.sides[side].node)), this.lists);
    this.link.on((change) => this.#linked(change), signal);
  }

  #head() {
    const { found } = this;
    const print = h("button", { type: "button", class: "pix-button small compare__print", on: { click: () => window.print() } }, sprite("print", { size: 24 }), h("span", {}, t("compare.print")));
    const counts = CHANGES.map((change) => h("li", {}, changeTag(change), h("strong", {}, String(found.counts[change] ?? found[change].length))));
    return h(
      "section",
      { class: "pix-panel compare__summary" },
      h("div", { class: "reading__title" }, sprite(taskSprite(found.task), { size: 48 }), h("h2", {}, taskName(found.task), found.after.store_id && [" · ", text(found.after.store_id)])),
      h("p", { class: "reading__summary" }, text(found.summary)),
      h("ul", { class: "compare__counts" }, counts),
      found.left_out > 0 && h("p", {}, t("compare.left_out", { n: found.left_out })),
      (found.warnings ?? []).length > 0 && h("ul", { class: "notices" }, found.warnings.map((one) => h("li", {}, sprite("warn", { size: 24 }), h("span", {}, text(one.message))))),
      h("div", { class: "pix-actions" }, h("label", { class: "pix-check small" }, this.together, h("span", {}, t("compare.together"))), print),
    );
  }

  #side(side) {
    const scan = this.found[side];
    const all = this.found[`${side}_scans`] ?? [scan.scan_id];
    const title = `${t(`compare.${side}`)} · ${when(scan.received_at)}`;
    const shown = new PhotoViewer({ ...this.#photo(side, scan.scan_id), alt: title, name: t(`compare.${side}`), link: this.link, signal: this.signal, marks: this.#marks(scan.scan_id) });
    shown.root.addEventListener("choose", ({ detail }) => this.lists.querySelector(`[data-id="${CSS.escape(detail)}"]`)?.scrollIntoView({ block: "nearest" }));
    const open = h("a", { class: "pix-button small" }, t("compare.open"));
    const state = { viewer: shown, current: scan.scan_id, all };
    const which =
      all.length > 1 &&
      h("select", { class: "pix-field compare__which", "aria-label": t("compare.which", { side: t(`compare.${side}`) }) }, all.map((id, index) => h("option", { value: id }, t("compare.photo", { n: index + 1, total: all.length }))));
    state.show = (id) => {
      if (id !== state.current) {
        state.current = id;
        shown.setMarks([]);
        shown.setPhoto({ ...this.#photo(side, id), alt: title });
        shown.setMarks(this.#marks(id));
      }
      if (which) which.value = id;
      open.href = `#/scans/${encodeURIComponent(id)}`;
    };
    which && which.addEventListener("change", () => state.show(which.value));
    state.show(scan.scan_id);
    state.node = h("section", { class: "pix-panel compare__side", "data-side": side }, h("h2", { class: "pix-panel-title" }, h("span", {}, title), which, open), shown.root);
    return state;
  }

  #photo(side, id) {
    const scan = this.found[side];
    const known = scan.scan_id === id ? scan.photo : null;
    const src = known && known.available === false ? null : `/v1/scans/${encodeURIComponent(id)}/photo`;
    return { src, width: known?.width, height: known?.height };
  }

  /** Each row is shown on the photo of its box: resolved rows on the photo before, the others on the photo after. */
  #marks(scanId) {
    return this.rows
      .filter(({ row, change }) => (row.scan_id ?? this.found[change === "resolved" ? "before" : "after"].scan_id) === scanId)
      .map(({ id, change, row }) => ({ id, change, part: "severity" in row ? "findings" : "items", bbox: row.bbox, source: row.source, severity: row.severity, label: labelOf(row, this.columns) }));
  }

  #list(change) {
    const rows = this.rows.filter((one) => one.change === change);
    const body = rows.length ? h("ul", { class: "changes" }, rows.map((one) => this.#line(one))) : h("p", { class: "pix-soft" }, t(`compare.${change}_none`));
    return h("section", { class: "pix-panel", "data-change": change }, h("h2", { class: "pix-panel-title" }, changeTag(change), h("span", { class: "pix-tag" }, String(rows.length))), body);
  }

  #line({ id, change, row }) {
    const label = labelOf(row, this.columns);
    const fields = this.columns.filter((column) => !APART.has(column.field) && !isEcho(column, [row]) && isSaid(row[column.field]));
    const side = change === "resolved" ? "before" : "after";
    const choose = () => {
      const on = this.sides[side];
      if (row.scan_id && on.all.includes(row.scan_id)) on.show(row.scan_id);
      this.link.select(id, "list");
    };
    const button = h("button", { type: "button", class: "changes__pick", "aria-pressed": "false", on: { click: choose, focus: () => this.link.hover(id, "list"), blur: () => this.link.hover(null, "list") } }, row.severity && severityTag(row.severity), h("strong", {}, text(label || "–")), row.bbox && h("span", { class: "unseen" }, t(`compare.place.${side}`)));
    const line = h(
      "li",
      { class: "change", "data-id": id },
      button,
      h("dl", { class: "change__fields" }, fields.map((column) => [h("dt", {}, text(column.name)), h("dd", {}, valueNode(row[column.field], column, row))])),
      evidenceNode(row),
    );
    line.addEventListener("pointerenter", () => this.link.hover(id, "list"));
    line.addEventListener("pointerleave", () => this.link.hover(null, "list"));
    return line;
  }

  #linked({ kind, id }) {
    for (const line of this.lists.querySelectorAll(".change")) {
      line.toggleAttribute(kind === "hover" ? "data-hover" : "data-chosen", line.dataset.id === id);
      if (kind === "select") line.querySelector(".changes__pick").setAttribute("aria-pressed", String(line.dataset.id === id));
    }
  }
}
