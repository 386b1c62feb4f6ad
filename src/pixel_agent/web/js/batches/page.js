// The page of one batch: live progress, photos, and actions.

import { agent } from "../agent.js";
import { events, getJSON, send } from "../api.js";
import { dialog } from "../dialog.js";
import { announce, clear, h, stylesheet, text, toast } from "../dom.js";
import { errorWords } from "../errors.js";
import { thumbnail } from "../history/card.js";
import { exportControl } from "../history/exporting.js";
import { duration, onLang, t, when } from "../i18n.js";
import { keepList } from "../reading/neighbours.js";
import { said } from "../reading/tags.js";
import { sprite } from "../sprites.js";
import { loadTasks, taskName, taskSprite } from "../tasks.js";
import { readable } from "../untrusted.js";
import { dropZone, size } from "./intake.js";
import { batchName, countTags, pace, progressBar, share, stateTag } from "./progress.js";
import { uploads } from "./uploads.js";

const MOST_TILES = 600; // the history shows the others
const SIZE = 192;
const ENDED = new Set(["completed", "cancelled"]);

export async function mountBatch(root, id, signal) {
  await Promise.all([stylesheet("views"), stylesheet("batches"), loadTasks().catch(() => null)]);
  let batch;
  try {
    batch = await getJSON(`/v1/batches/${encodeURIComponent(id)}`, { signal });
  } catch (error) {
    if (error.status !== 404) throw error;
    root.append(h("section", { class: "pix-panel pix-empty" }, sprite("unknown", { size: 48 }), h("h1", { t: "batches.no_such" }), h("a", { class: "pix-button primary", href: "#/batches", t: "batches.to_list" })));
    return;
  }
  new BatchPage(root, batch, signal);
}

class BatchPage {
  constructor(root, batch, signal) {
    this.root = root;
    this.batch = batch;
    this.signal = signal;
    this.scans = new Map();
    this.tiles = new Map();
    this.dirty = new Set();
    this.path = `/v1/batches/${encodeURIComponent(batch.batch_id)}`;
    this.#build();
    this.#draw();
    uploads.subscribe((job, newer) => this.#uploaded(job, newer), signal);
    onLang(() => loadTasks().catch(() => null).then(() => this.#relabel()), signal);
    this.ended = ENDED.has(batch.status);
    if (!this.ended) agent.state("scanning");
    signal.addEventListener("abort", () => this.ended || agent.state("idle"), { once: true });
    this.#fill().then(() => (this.ended ? undefined : this.#listen()));
  }

  #build() {
    this.title = h("h1", {}, batchName(this.batch));
    this.facts = h("div");
    this.head = h("div", { class: "batch-head" }, h("div", { class: "reading__title" }, sprite(taskSprite(this.batch.task), { size: 48 }), this.title), this.facts);
    this.bar = h("div");
    this.counts = h("div", { role: "group" });
    this.live = h("span", { class: "pix-caption batch-live" });
    this.actions = h("div", { class: "pix-actions" });
    this.export = exportControl({ label: "batches.export", query: () => new URLSearchParams({ batch_id: this.batch.batch_id }).toString() });
    this.upload = h("div", { class: "batch-upload", hidden: true });
    this.zone = dropZone({ onFiles: (files) => this.#resume(files), words: ["batches.resume", "batches.resume_why"], signal: this.signal });
    this.refused = h("div");
    this.grid = h("ul", { class: "tiles" });
    this.grid.addEventListener("click", () => keepList([...this.scans.keys()], location.hash));
    this.rest = h("p");
    clear(this.root).append(
      h("section", { class: "pix-panel" }, this.head, this.bar, this.counts, this.upload, h("div", { class: "batch-do" }, this.actions, this.export.node)),
      this.zone,
      this.refused,
      h("section", { class: "pix-panel" }, h("h2", { class: "pix-panel-title" }, h("span", { t: "batches.photos" }), this.live), this.grid, this.rest),
    );
  }

  #draw() {
    const { batch } = this;
    const name = batch.name || t("batches.unnamed");
    const meta = [taskName(batch.task), batch.store_id, said("priority", batch.priority), t("batches.created", { time: when(batch.created_at) })].filter(Boolean);
    clear(this.facts).append(
      h("div", { class: "batch-head__meta" }, stateTag(batch.status), meta.map((part) => h("span", {}, text(part)))),
      h("p", { class: "batch-head__n" }, h("strong", {}, share(batch)), " ", h("span", {}, pace(batch))),
    );
    clear(this.bar).append(progressBar(batch, readable(name, 60)));
    clear(this.counts).append(countTags(batch));
    this.#drawActions();
    this.#drawUpload();
  }

  #drawActions() {
    const { batch } = this;
    const failed = (batch.counts.failed ?? 0) + (batch.counts.expired ?? 0);
    const going = ["open", "running"].includes(batch.status);
    const wanted = `${batch.status} ${failed} ${t("lang.code")}`;
    if (this.actions.dataset.for === wanted) return;
    this.actions.dataset.for = wanted;
    const button = (name, picture, act, values) => h("button", { type: "button", class: "pix-button small", "data-do": name, on: { click: act } }, sprite(picture, { size: 24 }), h("span", {}, t(`batches.${name}`, values)));
    clear(this.actions).append(
      ...[
        batch.status === "open" && button("close", "ok", () => this.#send("close")),
        failed > 0 && button("retry", "retry", () => this.#send("retry"), { n: failed }),
        going && button("cancel", "cancel", () => this.#cancel()),
        h("a", { class: "pix-button small", href: `#/history?batch_id=${encodeURIComponent(batch.batch_id)}` }, sprite("history", { size: 24 }), h("span", {}, t("batches.history"))),
      ].filter(Boolean),
    );
  }

  #drawUpload() {
    const job = uploads.of(this.batch.batch_id);
    const active = job && job.state !== "done";
    this.zone.hidden = this.batch.status !== "open" || Boolean(active);
    this.upload.hidden = !job;
    if (!job) return;
    const words = {
      running: ["batches.uploading", { sent: job.sent, total: job.total, size: size(job.bytes) }],
      offline: ["batches.upload_offline"],
      waiting: ["batches.upload_waiting", { time: duration(1000 * Number(job.why || 1)) }],
      paused: ["batches.upload_paused", { why: job.state === "paused" ? errorWords(job.why) : "" }],
      stopped: ["batches.upload_stopped"],
      done: ["batches.uploaded"],
    }[job.state];
    const sent = h("i");
    sent.style.setProperty("--share", `${Math.round((100 * job.sent) / Math.max(1, job.total))}%`);
    const goes = ["running", "waiting", "offline"].includes(job.state);
    const act = goes ? () => uploads.stop(this.batch.batch_id) : () => uploads.again(this.batch.batch_id);
    const button = job.state !== "done" && h("button", { type: "button", class: "pix-button small", "data-do": goes ? "stop" : "again", on: { click: act } }, t(goes ? "batches.upload_stop" : "batches.upload_again"));
    const focused = this.upload.contains(document.activeElement);
    clear(this.upload).append(
      h("p", {}, sprite(job.state === "done" ? "ok" : job.state === "running" ? "upload" : "warn", { size: 24 }), " ", text(t(...words)), job.skipped > 0 && ` · ${t("batches.upload_skipped", { n: job.skipped })}`),
      ...(job.state === "done" ? [] : [h("div", { class: "pix-bar", "aria-hidden": "true" }, sent), button]),
    );
    if (focused) this.upload.querySelector("button")?.focus();
    this.#drawRefused(job.refused);
  }

  #drawRefused(refused) {
    if (!refused.length || this.refused.dataset.n === `${refused.length} ${t("lang.code")}`) return;
    this.refused.dataset.n = `${refused.length} ${t("lang.code")}`;
    const line = (one) => h("li", {}, h("strong", {}, text(one.filename)), " ", h("span", { title: readable(one.error?.detail ?? "", 200) || null }, errorWords(one.error)));
    clear(this.refused).append(h("section", { class: "pix-panel refused" }, h("h2", { class: "pix-panel-title" }, sprite("warn", { size: 24 }), t("batches.refused", { n: refused.length })), h("ul", {}, refused.slice(0, 200).map(line))));
  }

  /** Load the photos, oldest first; later ones are appended. */
  async #fill() {
    const found = [];
    let cursor = "";
    try {
      while (found.length < MOST_TILES) {
        const page = await getJSON(`/v1/scans?batch_id=${encodeURIComponent(this.batch.batch_id)}&limit=200${cursor}`, { signal: this.signal });
        found.push(...page.scans);
        if (!page.next) break;
        cursor = `&cursor=${encodeURIComponent(page.next)}`;
      }
    } catch (error) {
      if (!this.signal.aborted) this.live.textContent = errorWords(error);
    }
    for (const scan of found.reverse()) this.#put(scan);
    this.#drawRest();
  }

  async #listen() {
    if (this.listening || this.signal.aborted) return;
    this.listening = true;
    const onEvent = (name, data) => this.#heard(name, data);
    const onState = (state) => {
      this.live.textContent = t(state === "open" ? "batches.live" : "batches.reconnecting");
    };
    try {
      await events(`${this.path}/events`, { signal: this.signal, onEvent, onState, lastId: this.lastId ?? null });
    } catch (error) {
      this.live.textContent = errorWords(error);
    }
    this.listening = false;
    if (ENDED.has(this.batch.status)) this.live.textContent = "";
  }

  #heard(name, data) {
    if (name === "scan") this.#put(data);
    else if (name === "progress") this.#update(data);
    else if (name === "done") {
      this.#update(data);
      if (!this.ended) announce(t("batches.done", { done: data.done }));
      this.ended = true;
      agent.state(data.status === "completed" ? "found" : "idle");
      return false;
    }
    return true;
  }

  #update(batch) {
    this.batch = batch;
    if (this.painting) return;
    this.painting = true;
    requestAnimationFrame(() => {
      this.painting = false;
      if (this.signal.aborted) return;
      this.#draw();
      this.#drawRest();
    });
  }

  #put(scan) {
    const known = this.scans.get(scan.scan_id);
    this.scans.set(scan.scan_id, scan);
    if (!known && this.tiles.size >= MOST_TILES) return;
    const tile = this.#tile(scan);
    const old = this.tiles.get(scan.scan_id);
    this.tiles.set(scan.scan_id, tile);
    if (!old) return void this.grid.append(tile);
    // The picture is reused, so that it does not flicker.
    const focused = old.contains(document.activeElement);
    if (known?.photo && scan.photo) tile.querySelector(".thumb").replaceWith(old.querySelector(".thumb"));
    old.replaceWith(tile);
    if (focused) tile.querySelector("a").focus();
  }

  #tile(scan) {
    const status = said("status", scan.status);
    const words = scan.summary || (scan.error && errorWords(scan.error)) || scan.filename || "";
    const label = [scan.filename, status, scan.summary].filter(Boolean).map((part) => readable(part, 60)).join(" · ");
    return h(
      "li",
      { class: "tile", "data-id": scan.scan_id, "data-status": scan.status },
      h("a", { href: `#/scans/${encodeURIComponent(scan.scan_id)}`, "aria-label": label, title: label }, thumbnail(scan, SIZE), h("span", { class: "tile__state" }, sprite(scan.status, { size: 24 }), h("span", {}, status)), h("span", { class: "tile__words" }, text(words.slice(0, 80)))),
    );
  }

  #drawRest() {
    const more = this.batch.total - this.tiles.size;
    clear(this.rest);
    if (this.tiles.size >= MOST_TILES && more > 0) this.rest.append(h("a", { href: `#/history?batch_id=${encodeURIComponent(this.batch.batch_id)}` }, t("batches.rest", { n: more })));
  }

  #relabel() {
    delete this.refused.dataset.n;
    clear(this.title).append(batchName(this.batch));
    this.#draw();
    for (const scan of this.scans.values()) if (this.tiles.has(scan.scan_id)) this.#put(scan);
  }

  #uploaded(job, newer) {
    if (job.batchId !== this.batch.batch_id) return;
    if (newer) this.#update(newer);
    this.#drawUpload();
    if (newer && !this.listening) this.#listen();
  }

  async #resume(files) {
    try {
      await uploads.resume(this.batch.batch_id, files);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #cancel() {
    const actions = [
      { label: t("batches.keep"), value: null, autofocus: true },
      { label: t("batches.cancel"), value: true, kind: "danger" },
    ];
    if (!(await dialog({ title: t("batches.cancel_sure"), body: t("batches.cancel_why"), actions, signal: this.signal }))) return;
    uploads.stop(this.batch.batch_id);
    uploads.forget(this.batch.batch_id);
    await this.#send("cancel");
  }

  async #send(what) {
    try {
      this.#update(await send("POST", `${this.path}/${what}`, null));
      this.ended = false;
      if (what === "retry") {
        this.lastId = null;
        await this.#fill();
      }
      this.#listen();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error) {
    if (error.name !== "AbortError") toast(errorWords(error), { kind: "fail" });
  }
}
