// The list of all batches, and the form for a new one.

import { getJSON, online, pause } from "../api.js";
import { clear, focused, h, stylesheet, text, toast } from "../dom.js";
import { errorNodes, errorWords } from "../errors.js";
import { handoff } from "../pending-files.js";
import { onLang, t, when } from "../i18n.js";
import { prefs } from "../prefs.js";
import { go } from "../router.js";
import { sprite } from "../sprites.js";
import { loadTasks, taskName, taskSprite } from "../tasks.js";
import { readable } from "../untrusted.js";
import { dropZone, size, sorted } from "./intake.js";
import { batchName, pace, progressBar, share, stateTag } from "./progress.js";
import { uploads } from "./uploads.js";

const LOOK_MS = 3000;
const PAGE = 20;
const PRIORITIES = ["bulk", "normal", "interactive"];

export async function mountList(root, signal) {
  await Promise.all([stylesheet("views"), stylesheet("batches"), loadTasks().catch(() => null)]);
  new BatchList(root, signal);
}

class BatchList {
  constructor(root, signal) {
    this.root = root;
    this.signal = signal;
    this.files = null;
    this.batches = [];
    this.next = null;
    this.pages = 1;
    this.#build();
    const left = handoff.take();
    if (left.length) this.#take(sorted(left.map((file) => ({ file, path: file.name }))));
    onLang(() => loadTasks().catch(() => null).then(() => this.#relabel()), signal);
    this.load();
    this.#watch();
  }

  #build() {
    this.zone = dropZone({ onFiles: (files) => this.#take(files), words: ["batches.drop", "batches.drop_why"], signal: this.signal });
    this.intake = h("div", { class: "intake" }, this.zone);
    this.list = h("ul", { class: "batches" });
    this.note = h("div");
    this.more = h("button", { type: "button", class: "pix-button", t: "batches.more", hidden: true, on: { click: () => ((this.pages += 1), this.load()) } });
    clear(this.root).append(
      h("h1", { t: "batches.title" }),
      h("section", { class: "pix-panel" }, h("h2", { class: "pix-panel-title", t: "batches.new" }), this.intake),
      h("section", { class: "batches__earlier" }, h("h2", { t: "batches.list" }), this.list, this.note, h("div", { class: "pix-actions" }, this.more)),
    );
  }

  #take(files) {
    this.files = files;
    clear(this.intake).append(this.#form());
    this.intake.querySelector("button[type=submit]").focus();
  }

  #form() {
    const { photos, archives, leftOut, folder } = this.files;
    const weight = [...photos, ...archives].reduce((sum, file) => sum + file.size, 0);
    const facts = [photos.length && t("batches.chosen", { n: photos.length, size: size(weight) }), archives.length && t("batches.chosen_zip", { n: archives.length }), leftOut && t("batches.left_out", { n: leftOut })];
    const fields = {
      name: h("input", { class: "pix-field", id: "batch-name", maxlength: "200", value: folder || archives[0]?.name.replace(/\.zip$/i, "") || when(new Date().toISOString()) }),
      task: h("select", { class: "pix-field", id: "batch-task" }),
      store_id: h("input", { class: "pix-field", id: "batch-store", maxlength: "200", value: prefs.get("storeId") ?? "", autocomplete: "off" }),
      priority: h("select", { class: "pix-field", id: "batch-priority" }, PRIORITIES.map((priority) => h("option", { value: priority, t: `priority.${priority}` }))),
    };
    this.#tasks(fields.task);
    const label = (id, key, field) => h("div", {}, h("label", { class: "pix-label", for: id, t: key }), field);
    const go_ = h("button", { type: "submit", class: "pix-button primary" }, sprite("upload", { size: 24 }), h("span", { t: "batches.start" }));
    const form = h(
      "form",
      { class: "intake__form" },
      h("p", { class: "intake__facts", role: "status" }, facts.filter(Boolean).join(" · ")),
      h("div", { class: "intake__fields" }, label("batch-name", "batches.name", fields.name), label("batch-task", "batches.task", fields.task), label("batch-store", "batches.store", fields.store_id), label("batch-priority", "batches.priority", fields.priority)),
      h("div", { class: "pix-actions" }, go_, h("button", { type: "button", class: "pix-button", t: "batches.clear", on: { click: () => this.#clear() } })),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start(go_, Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value.trim()])));
    });
    return form;
  }

  async #tasks(select) {
    try {
      const tasks = (await loadTasks()).filter((task) => task.photos === 1 && !task.needs_question && task.support !== "unsupported");
      select.replaceChildren(...tasks.map((task) => h("option", { value: task.id }, text(task.name).textContent)));
      const wanted = prefs.get("task");
      if (tasks.some((task) => task.id === wanted)) select.value = wanted;
    } catch {
      // without the catalogue the server uses its default
    }
  }

  #clear() {
    this.files = null;
    clear(this.intake).append(this.zone);
  }

  async #start(button, fields) {
    button.disabled = true;
    button.lastChild.textContent = t("batches.starting");
    try {
      const batch = await uploads.start(this.files, { ...fields, lang: t("lang.code") });
      go(`/batches/${batch.batch_id}`);
    } catch (error) {
      toast(errorWords(error), { kind: "fail" });
      button.disabled = false;
      button.lastChild.textContent = t("batches.start");
    }
  }

  async load() {
    try {
      const found = [];
      let cursor = "";
      for (let page = 0; page < this.pages; page += 1) {
        const answer = await getJSON(`/v1/batches?limit=${PAGE}${cursor}`, { signal: this.signal });
        found.push(...answer.batches);
        this.next = answer.next;
        if (!answer.next) break;
        cursor = `&cursor=${encodeURIComponent(answer.next)}`;
      }
      if (JSON.stringify(found) === JSON.stringify(this.batches) && this.list.children.length) return;
      this.batches = found;
      this.#draw();
    } catch (error) {
      if (this.signal.aborted || this.batches.length) return;
      const again = h("button", { type: "button", class: "pix-button primary", t: "ui.retry", on: { click: () => this.load() } });
      clear(this.note).append(h("div", { class: "pix-panel pix-empty", role: "alert" }, sprite("fail", { size: 48 }), h("h3", { t: "batches.failed" }), errorNodes(error), again));
    }
  }

  #draw() {
    const at = this.list.contains(focused()) ? focused()?.getAttribute("href") : null;
    clear(this.list).append(...this.batches.map((batch) => this.#card(batch)));
    this.more.hidden = !this.next;
    clear(this.note);
    if (this.batches.length === 0) this.note.append(h("div", { class: "pix-panel pix-empty" }, sprite("batches", { size: 48 }), h("h3", { t: "batches.empty" }), h("p", { t: "batches.empty_why" })));
    if (at) this.list.querySelector(`a[href="${CSS.escape(at)}"]`)?.focus();
  }

  #card(batch) {
    const meta = [taskName(batch.task), batch.store_id, t("batches.created", { time: when(batch.created_at) }), pace(batch)].filter(Boolean);
    return h(
      "li",
      { class: "batch pix-panel", "data-id": batch.batch_id },
      h("a", { class: "batch__link", href: `#/batches/${encodeURIComponent(batch.batch_id)}` }, sprite(taskSprite(batch.task), { size: 24 }), h("strong", {}, batchName(batch))),
      h("span", { class: "batch__state" }, stateTag(batch.status)),
      progressBar(batch, readable(batch.name || t("batches.unnamed"), 60)),
      h("span", { class: "batch__n" }, share(batch)),
      h("span", { class: "batch__meta" }, meta.map((part) => h("span", {}, text(part)))),
    );
  }

  #relabel() {
    this.#draw();
    if (!this.files) return;
    const kept = [...this.intake.querySelectorAll("input, select")].map((field) => field.value);
    clear(this.intake).append(this.#form());
    [...this.intake.querySelectorAll("input, select")].forEach((field, at) => (field.value = kept[at]));
  }

  async #watch() {
    while (!this.signal.aborted) {
      await pause(LOOK_MS, this.signal);
      if (!document.hidden && online.get() && !this.signal.aborted) await this.load();
    }
  }
}
