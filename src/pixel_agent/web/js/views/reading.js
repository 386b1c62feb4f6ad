// The view of one reading: the photo with its boxes, the rows with their sources, and the reviews.

import { agent } from "../agent.js";
import { getJSON, pause, send } from "../api.js";
import { deletions } from "../deletions.js";
import { dialog } from "../dialog.js";
import { announce, clear, focused, h, stylesheet, text, toast } from "../dom.js";
import { errorWords } from "../errors.js";
import { add, onLang, t } from "../i18n.js";
import { createLink } from "../link.js";
import { PhotoViewer } from "../photo-viewer.js";
import { aboutNode, alertsNode, headNode, logNode, noticesNode, problemNode, qualityNode, rawNode, timingsNode, totalsNode } from "../reading/facts.js";
import { neighboursOf } from "../reading/neighbours.js";
import { copy, plainText, save } from "../reading/plain.js";
import { review, takeBack } from "../reading/reviews.js";
import { rowsTable, unread } from "../reading/table.js";
import { FINAL } from "../reading/tags.js";
import { columnsOf, marksOf, rowsOf } from "../rows.js";
import { go } from "../router.js";
import { sprite } from "../sprites.js";
import strings from "../strings/reading.js";
import { loadTasks } from "../tasks.js";
import { ownPath } from "../untrusted.js";

add(strings);

const LATE_MS = 400;
const WAIT_S = 5; // longest wait of one request for the state of a running scan

/** Mounts `#/scans/ID` and follows the scan until it has ended. */
export async function mount(root, { params, signal }) {
  await Promise.all([stylesheet("views"), stylesheet("reading")]);
  const id = params.id;
  const path = `/v1/scans/${encodeURIComponent(id)}`;
  let record;
  try {
    record = await getJSON(path, { signal });
  } catch (error) {
    if (error.status !== 404) throw error;
    missing(root);
    return;
  }
  const shown = renderReading(root, record, { signal, heading: "h1" });
  if (!FINAL.has(record.status)) follow(path, shown, signal);
}

async function follow(path, shown, signal) {
  agent.state("scanning");
  while (!signal.aborted) {
    try {
      const record = await getJSON(`${path}?wait_s=${WAIT_S}`, { signal });
      shown.update(record);
      if (FINAL.has(record.status)) {
        agent.state(record.status === "retake_required" ? "retake" : record.reading ? "found" : "idle");
        announce(`${t("reading.title")}: ${t(`status.${record.status}`)}. ${record.summary}`);
        return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404) return go("/history");
      await pause(1000 * (error.retryAfter ?? 2), signal);
    }
  }
  agent.state("idle");
}

function missing(root) {
  root.append(
    h(
      "section",
      { class: "pix-panel pix-empty" },
      sprite("unknown", { size: 48 }),
      h("h1", { t: "reading.no_such" }),
      h("p", { t: "reading.no_such_why" }),
      h("div", { class: "pix-actions" }, h("a", { class: "pix-button primary", href: "#/history", t: "reading.to_history" }), h("a", { class: "pix-button", href: "#/", t: "reading.to_scan" })),
    ),
  );
}

/**
 * Draws a record (or the envelope that a scan answers) into `root`; returns {update(record)}. `photoURL` is a photo that
 * the browser has itself. `heading` is the tag of the title, if the page around has none.
 */
export function renderReading(root, record, options = {}) {
  stylesheet("views");
  stylesheet("reading");
  return new ReadingPage(root, asRecord(record), options);
}

/** An envelope as a record, as the server will store it. */
function asRecord(given) {
  if ("reading" in given) return given;
  const shared = { review: "none", severity: null, reviews: [], corrections: [], links: {}, problem: null, bare: true };
  return { ...shared, scan_id: given.scan_id, status: given.status, task: given.task, store_id: given.store_id, received_at: given.captured_at, simulated: given.simulated, summary: given.summary, reading: given };
}

class ReadingPage {
  /** @type {PhotoViewer} */
  viewer;
  /** @type {{editing: any, focus: {id?: string, what?: string | null} | null, more?: boolean}} */
  place;

  /** @param {HTMLElement} root @param {any} record @param {{photoURL?: string | null, signal?: AbortSignal, heading?: string | null}} [options] */
  constructor(root, record, { photoURL = null, signal, heading = null } = {}) {
    this.root = root;
    this.record = record;
    this.photoURL = photoURL;
    this.signal = signal;
    this.heading = heading;
    this.link = createLink();
    this.place = { editing: null, focus: null };
    this.task = null;
    this.#frame();
    this.link.on((change) => this.#linked(change), signal);
    deletions.subscribe(() => (this.article.hidden = deletions.has(this.record.scan_id)), signal);
    onLang(() => this.#learn(), signal);
    // Large tables are drawn once, with the catalogue's names, unless the catalogue takes long to load.
    const late = setTimeout(() => this.#draw(), LATE_MS);
    this.#learn().then(() => clearTimeout(late));
    if (record.bare) this.#lookUp();
  }

  /** Show a newer state of the same scan. */
  update(record) {
    this.record = asRecord(record);
    const at = this.#focused();
    this.#draw();
    this.#refocus(at);
  }

  get #reading() {
    return this.record.reading;
  }

  /** Whether reviewing is possible: the record is stored and has a reading. */
  get #reviewable() {
    return !this.record.bare && FINAL.has(this.record.status) && this.#reading !== null;
  }

  #frame() {
    const image = this.#reading?.image ?? this.record.photo ?? {};
    const src = this.photoURL ?? (this.record.photo?.available === false ? null : (ownPath(this.record.links?.photo) ?? this.#path("/photo")));
    this.viewer = new PhotoViewer({ src, width: image.width, height: image.height, alt: this.record.filename ?? t("viewer.photo"), link: this.link, signal: this.signal });
    this.viewer.root.addEventListener("choose", ({ detail }) => this.#bring(detail));
    this.main = h("div", { class: "reading__main" });
    this.side = h("div", { class: "reading__side" }, this.viewer.root);
    this.article = h("article", { class: "reading", "data-scan": this.record.scan_id }, this.side, this.main);
    clear(this.root).append(h("div", { class: "reading-room" }, this.article)); // a container: its width sets the layout
  }

  #draw() {
    const { record } = this;
    const reading = this.#reading;
    const rows = rowsOf(reading).map(({ row }) => row);
    const columns = columnsOf(this.task, rows);
    const image = reading?.image;
    if (image && image.width !== this.viewer.size.width) this.viewer.size = { width: image.width, height: image.height };
    const marks = marksOf(reading, columns);
    const first = this.#before();
    first?.setMarks(marks.filter((mark) => mark.change === "resolved"));
    this.viewer.setMarks(first ? marks.filter((mark) => mark.change !== "resolved") : marks);
    clear(this.main).append(
      ...[
        h("section", { class: "pix-panel" }, headNode(record, reading, this.heading), this.#progress(), this.#actions(), aboutNode(record, reading)),
        problemNode(record),
        alertsNode(reading, this.link),
        ...["findings", "items"].map((part) => this.#part(part)),
        noticesNode(reading),
        totalsNode(reading, columns),
        rawNode(record, reading),
        qualityNode(reading),
        logNode(record, columns, this.#reviewable ? (id) => takeBack(this.record, [id], (now) => this.update(now)) : null),
        this.#reviewable && this.#commentForm(),
        timingsNode(reading),
      ].filter(Boolean),
    );
    this.article.dataset.status = record.status;
  }

  /** For a comparison: the photo before, with the boxes of resolved rows. */
  #before() {
    const [part, after] = this.#reading?.parts ?? [];
    if (!part || !after) return null;
    if (this.first) return this.first;
    const name = (side) => h("p", { class: "reading__which pix-type" }, t(`reading.photo_${side}`));
    const src = `/v1/scans/${encodeURIComponent(part.scan_id)}/photo`;
    this.first = new PhotoViewer({ src, width: part.image?.width, height: part.image?.height, alt: t("reading.photo_before"), name: t("reading.photo_before"), link: this.link, signal: this.signal });
    this.first.root.addEventListener("choose", ({ detail }) => this.#bring(detail));
    const two = `#/compare?before=${encodeURIComponent(part.scan_id)}&after=${encodeURIComponent(after.scan_id)}`;
    this.side.prepend(name("before"), this.first.root, name("after"));
    this.side.append(h("a", { class: "pix-button small", href: two, t: "reading.side_by_side" }));
    return this.first;
  }

  #part(part) {
    const reading = this.#reading;
    const rows = reading?.[part] ?? [];
    const bare = reading && reading.items.length + reading.findings.length === 0;
    if (rows.length === 0 && !(bare && part === "items" && !reading.raw_text)) return null;
    const title = part === "findings" && rows.some((row) => row.change) ? "reading.changes" : `reading.${part}`;
    const panel = h("section", { class: "pix-panel rows-section", "data-part": part }, h("h2", { class: "pix-panel-title" }, t(title), rows.length > 0 && h("span", { class: "pix-tag" }, String(rows.length))));
    if (rows.length === 0) {
      panel.append(h("p", {}, t("reading.nothing")));
      return panel;
    }
    const review_ = this.#reviewable ? { onConfirm: (index) => this.#confirmRow(part, index), onCorrect: (index, changes) => this.#correct(part, index, changes) } : {};
    const corrections = (this.record.corrections ?? []).filter((one) => one.part === part);
    panel.append(h("div", { class: "rows-scroll" }, rowsTable({ part, rows, task: this.task, corrections, link: this.link, place: this.place, caption: t(title), redraw: () => this.#redraw(), ...review_ })));
    const empty = part === "items" ? unread(this.task, rows) : [];
    if (empty.length) panel.append(h("p", { class: "pix-soft rows__unread" }, t("reading.unread", { fields: empty.join(t("list.comma")) })));
    return panel;
  }

  #progress() {
    if (FINAL.has(this.record.status)) return null;
    return h("div", { class: "reading__progress", role: "status" }, sprite(this.record.status, { size: 24 }), h("span", {}, t(this.record.status === "queued" ? "reading.waiting" : "reading.running")), h("button", { type: "button", class: "pix-button small", on: { click: () => this.#stop() } }, t("reading.stop")));
  }

  #actions() {
    const reading = this.#reading;
    const kept = !this.record.bare;
    const button = (name, picture, act, kind = "") => h("button", { type: "button", class: `pix-button small ${kind}`, "data-do": name, on: { click: act } }, sprite(picture, { size: 24 }), h("span", {}, t(`reading.${name}`)));
    const anchor = (name, picture, href, more) => h("a", { class: "pix-button small", "data-do": name, href, ...more }, sprite(picture, { size: 24 }), h("span", {}, t(`reading.${name}`)));
    const id = encodeURIComponent(this.record.scan_id);
    const rows = [...(reading?.items ?? []), ...(reading?.findings ?? [])];
    const settled = ["confirmed", "corrected"].includes(this.record.review) && rows.every((row) => row.review !== "advised");
    const more = h("button", { type: "button", class: "pix-button small reading__more", "aria-expanded": String(Boolean(this.place.more)), "data-do": "more" }, sprite("menu", { size: 24 }), h("span", {}, t("reading.more")));
    more.addEventListener("click", () => {
      this.place.more = !this.place.more;
      more.setAttribute("aria-expanded", String(this.place.more));
    });
    return h(
      "div",
      { class: "pix-actions reading__actions", role: "group", "aria-label": t("reading.actions") },
      this.#reviewable && !settled && button("confirm_all", "ok", () => this.#confirmAll(), "primary"),
      reading && button("copy", "copy", () => this.#copied(plainText(this.record, reading, this.task))),
      more,
      reading && button("copy_json", "copy", () => this.#copied(JSON.stringify(reading, null, 2))),
      reading && button("json", "download", () => save(`${this.record.scan_id}.json`, JSON.stringify(reading, null, 2), "application/json")),
      reading && kept && anchor("csv", "download", `/v1/exports?format=csv&scan_id=${id}&lang=${t("lang.code")}`, { download: `${this.record.scan_id}.csv` }),
      reading && kept && anchor("print", "print", `/v1/exports?format=html&scan_id=${id}&lang=${t("lang.code")}`, { target: "_blank", rel: "noopener" }),
      kept && FINAL.has(this.record.status) && this.record.photo?.available !== false && !reading?.parts?.length && button("rerun", "retry", () => this.#rerun()),
      kept && FINAL.has(this.record.status) && button("delete", "trash", () => this.#delete(), "danger"),
      this.#neighbours(),
    );
  }

  #neighbours() {
    const near = neighboursOf(this.record.scan_id);
    if (!near || this.heading !== "h1") return null;
    const to = (name, id, picture) => (id ? h("a", { class: "pix-button small", href: `#/scans/${encodeURIComponent(id)}`, "data-do": name }, sprite(picture, { size: 24 }), t(`reading.${name}`)) : null);
    return h("nav", { class: "reading__near", "aria-label": t("reading.neighbours") }, to("previous", near.previous, "left"), h("a", { href: near.from }, t("reading.of", near)), to("next", near.next, "right"));
  }

  #commentForm() {
    const field = h("textarea", { class: "pix-field", rows: "2", maxlength: "2000", id: "reading-comment" });
    const form = h("form", { class: "comment pix-panel" }, h("label", { class: "pix-label", for: "reading-comment" }, t("reading.comment_add")), field, h("button", { type: "submit", class: "pix-button small" }, t("reading.comment_send")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const comment = field.value.trim();
      if (comment) this.#review([{ action: "comment", comment }], t("reading.saved.comment"));
    });
    return form;
  }

  #confirmAll() {
    return this.#review([{ action: "confirm" }], t("reading.saved.confirm"));
  }

  async #confirmRow(part, row) {
    this.place.focus = { id: `${part}:${row}`, what: "edit" };
    return this.#review([{ action: "confirm", part, row }], t("reading.saved.confirm"));
  }

  async #correct(part, row, changes) {
    const entries = changes.map((change) => ({ action: "correct", part, row, ...change }));
    const changed = (now) => {
      this.place.editing = null;
      this.place.focus = { id: `${part}:${row}`, what: "edit" };
      this.update(now);
    };
    await review(this.record, entries, { message: t("reading.saved.correct", { n: entries.length }), changed, signal: this.signal });
  }

  #review(entries, message) {
    return review(this.record, entries, { message, changed: (now) => this.update(now), signal: this.signal });
  }

  #redraw() {
    this.#draw();
    this.#refocus(null);
  }

  async #copied(words) {
    const done = await copy(words);
    toast(t(done ? "reading.copied" : "reading.copy_failed"), { kind: done ? "ok" : "fail" });
  }

  async #rerun() {
    const tasks = (await loadTasks()).filter((task) => task.photos === 1 && task.support !== "unsupported" && !task.needs_question);
    const select = h("select", { class: "pix-field", "aria-label": t("reading.task") }, tasks.map((task) => h("option", { value: task.id }, text(task.name).textContent)));
    select.value = this.record.task;
    const actions = [
      { label: t("reading.cancel"), value: null },
      { label: t("reading.rerun_go"), value: true, kind: "primary" },
    ];
    if (!(await dialog({ title: t("reading.rerun_title"), body: select, actions, signal: this.signal }))) return;
    await this.#try(async () => go(`/scans/${(await send("POST", this.#path("/rerun"), { task: select.value })).scan_id}`));
  }

  #delete() {
    const near = neighboursOf(this.record.scan_id);
    deletions.ask([this.record.scan_id], t("reading.deleting"));
    if (this.heading) go(near?.next ? `/scans/${near.next}` : (near?.from ?? "#/history").slice(1));
  }

  #stop() {
    return this.#try(async () => this.update(await send("POST", this.#path("/cancel"), {})));
  }

  async #try(act) {
    try {
      await act();
    } catch (error) {
      if (error.name !== "AbortError") toast(errorWords(error), { kind: "fail" });
    }
  }

  /** Load the catalogue in the current language: names of columns and values. */
  async #learn() {
    try {
      const tasks = await loadTasks();
      if (this.signal?.aborted) return;
      const id = this.record.options?.task && this.record.task === "compare" ? this.record.options.task : this.record.task;
      this.task = tasks.find((task) => task.id === id) ?? null;
    } catch {
      // without the catalogue, fields are shown by their API names
    }
    const at = this.#focused();
    this.#draw();
    this.#refocus(at);
  }

  /** Load the stored record of a scan that was just answered, so that it can be reviewed. */
  async #lookUp() {
    try {
      const record = await getJSON(this.#path(""), { signal: this.signal });
      this.update({ ...record, reading: record.reading ?? this.#reading });
    } catch {
      // the server stores no scans: show the answer itself
    }
  }

  #linked({ kind, id, from }) {
    const rows = [...this.main.querySelectorAll("tr[data-id]")];
    for (const row of rows) {
      row.toggleAttribute(kind === "hover" ? "data-hover" : "data-chosen", row.dataset.id === id);
      if (kind === "select") row.querySelector(".rows__pick")?.setAttribute("aria-pressed", String(row.dataset.id === id));
    }
    if (kind === "select" && [this.viewer, this.first].includes(from) && id) this.#bring(id);
  }

  #bring(id) {
    this.main.querySelector(`tr[data-id="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "nearest" });
  }

  /** The focused element as row id and name, to restore the focus after a redraw. */
  #focused() {
    const here = focused();
    if (!here || !this.main.contains(here)) return null;
    return { id: /** @type {HTMLElement | null} */ (here.closest("tr[data-id]"))?.dataset.id, what: here.dataset.do ?? (here.matches(".rows__pick") ? "pick" : null) };
  }

  #refocus(before) {
    const { id, what } = this.place.focus ?? before ?? {};
    this.place.focus = null;
    if (this.place.editing || (!id && !what)) return;
    const scope = id ? this.main.querySelector(`tr[data-id="${CSS.escape(id)}"]`) : this.main;
    const wanted = what === "pick" ? ".rows__pick" : `[data-do="${what}"]`;
    (scope?.querySelector(wanted) ?? scope?.querySelector(".rows__pick") ?? this.main.querySelector("[data-do]"))?.focus({ preventScroll: true });
  }

  #path(rest) {
    return `/v1/scans/${encodeURIComponent(this.record.scan_id)}${rest}`;
  }
}
