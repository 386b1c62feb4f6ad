// The scan view: the task menu, the photo input, and the cards of this visit's scans.

import { getJSON } from "../api.js";
import { clear, h, respell, stylesheet, toast } from "../dom.js";
import { handoff } from "../pending-files.js";
import { add, onLang, t } from "../i18n.js";
import { later } from "../lazy-import.js";
import { prefs } from "../prefs.js";
import { go } from "../router.js";
import { sprite } from "../sprites.js";
import words from "../strings/scan.js";
import { TaskMenu } from "../task-menu.js";
import { loadTasks, taskSprite } from "../tasks.js";

add(words);

const MANY = 8; // more photos than this are offered as a batch
const NARROW = matchMedia("(max-width: 63.99rem)");
const ACCEPT = "image/*,.heic,.heif,.avif";
let scans = null; // the module that runs the scans, once it is loaded
let shown = null; // the current view: cards outlive the view that started them

export async function mount(root, { signal }) {
  const ready = stylesheet("scan");
  const view = new ScanView(signal);
  shown = view;
  await ready;
  root.append(view.node);
  respell(view.node);
  signal.addEventListener("abort", () => view.extra?.leave(), { once: true });
  await view.load();
}

class ScanView {
  /** @type {TaskMenu} */
  menu;
  /** @type {any} the inputs of the task besides the photo, once loaded */
  extra;
  /** @type {Promise<any>} */
  making;

  constructor(signal) {
    this.signal = signal;
    this.tasks = [];
    this.task = null;
    this.extra = null;
    this.making = Promise.resolve(null);
    this.build();
    this.listen();
  }

  build() {
    this.menu = new TaskMenu({ pick: (task, how) => this.pick(task, how), signal: this.signal });
    this.now = h("button", { type: "button", class: "pix-button task-now", "aria-expanded": "false", "aria-controls": "task-panel", on: { click: () => this.unfold() } }, h("span", { t: "scan.choose_task" }));
    this.input = h("input", { type: "file", accept: ACCEPT, multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "photo-input" });
    const button = (key, picture, click, kind = "") => h("button", { type: "button", class: `pix-button ${kind}`, on: { click } }, sprite(picture), h("span", { t: key }));
    this.camera = button("scan.camera", "camera", () => this.shoot(), "big primary");
    this.chooser = button("scan.choose", "photo", () => this.input.click(), "big");
    this.paster = button("scan.paste", "paste", () => this.readClipboard(), "paster");
    this.paster.hidden = !navigator.clipboard?.read;
    this.buttons = h("div", { class: "photo-buttons" }, this.camera, this.chooser, this.paster);
    this.extraPlace = h("div", { class: "extra" });
    this.store = h("input", { class: "pix-field", value: prefs.get("storeId"), maxlength: 200, autocomplete: "off", list: "stores", tPlaceholder: "scan.store_hint", on: { input: () => prefs.set("storeId", this.store.value.trim()), focus: () => this.suggestStores() } });
    this.stores = h("datalist", { id: "stores" });
    this.cards = h("div", { class: "cards" });
    this.putBy = h("div", { class: "put-by" });
    this.node = h(
      "div",
      { class: "scan" },
      h("h1", { class: "unseen", t: "scan.title" }),
      h(
        "section",
        { class: "scan-ask", tLabel: "scan.task" },
        this.now,
        h("div", { class: "pix-panel task-panel", id: "task-panel" }, this.menu.node),
      ),
      h(
        "div",
        { class: "scan-go" },
        h(
          "section",
          { class: "pix-panel photo-panel", tLabel: "scan.photo" },
          this.buttons,
          h("div", { class: "fields" }, this.extraPlace, h("label", { class: "store" }, h("span", { class: "pix-label", t: "scan.store" }), this.store, this.stores)),
          h("p", { class: "drop-hint pix-caption", t: "scan.drop" }),
          this.input,
        ),
        h("section", { class: "scan-cards", tLabel: "scan.cards" }, this.putBy, this.cards),
      ),
      h("div", { class: "drop-veil", "aria-hidden": "true" }, h("span", { t: "scan.drop_now" })),
    );
  }

  listen() {
    const { signal } = this;
    this.input.addEventListener("change", () => {
      void this.take([...this.input.files]);
      this.input.value = "";
    });
    this.input.addEventListener("cancel", () => (this.superseded = null));
    document.addEventListener("paste", (event) => this.paste(event), { signal });
    for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (event) => this.hover(event), { signal });
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && this.veil(false), { signal });
    document.addEventListener("drop", (event) => this.drop(event), { signal });
    onLang(() => this.load(), signal);
    prefs.subscribe((changed, all) => {
      if (changed.includes("storeId") && document.activeElement !== this.store) this.store.value = all.storeId;
    }, signal);
  }

  /** Load the catalogue, again at each change of language. */
  async load() {
    try {
      this.tasks = await loadTasks();
    } catch (error) {
      if (!this.signal.aborted) this.broken(error);
      return;
    }
    if (this.signal.aborted) return;
    const usable = this.tasks.filter((task) => task.support !== "unsupported");
    const task = usable.find((entry) => entry.id === (this.task?.id ?? prefs.get("task"))) ?? usable[0] ?? this.tasks[0];
    this.menu.show(this.tasks, task.id);
    this.choose(task);
    if (this.following) return;
    this.following = true;
    this.arrange(scans?.list() ?? []);
    const idle = globalThis.requestIdleCallback ?? ((f) => setTimeout(f, 300));
    idle(() => this.follow());
  }

  broken(error) {
    clear(this.menu.about).append(h("span", { t: "scan.tasks_failed" }), " ", h("button", { type: "button", class: "pix-button", t: "ui.retry", on: { click: () => this.load() } }));
    console.warn(error);
  }

  /** Load and show the cards and the outbox, after the first paint. */
  async follow() {
    await this.ready();
    const { outbox } = await later(() => import("../outbox.js"));
    if (this.signal.aborted) return;
    scans.subscribe(() => this.arrange(scans.list()), this.signal);
    this.arrange(scans.list());
    await outbox.mount(this.putBy, { signal: this.signal });
  }

  async ready() {
    scans ??= (await later(() => import("../scans.js"))).scans;
    await stylesheet("cards");
  }

  pick(task, { byKey }) {
    prefs.set("task", task.id);
    this.choose(task);
    this.unfold(false);
    if (!byKey) return;
    const from = document.activeElement;
    void this.making.then((extra) => {
      // On a slow network this is late: do not move the focus if the user has moved it meanwhile.
      if (this.task === task && document.activeElement === from) (extra?.first ?? this.chooser).focus();
    });
  }

  choose(task) {
    const photos = task.id === this.task?.id ? this.extra?.photos : [];
    this.extra?.leave();
    this.extra = null;
    this.task = task;
    this.now.replaceChildren(sprite(taskSprite(task.id), { size: 32 }), h("span", { class: "task-now-name" }, task.name), sprite(task.support, { size: 12, label: `support.${task.support}` }), sprite("down", { size: 12 }));
    this.now.setAttribute("aria-label", `${t("scan.task")}: ${task.name}`);
    clear(this.extraPlace);
    this.making = this.makeExtra(task, photos);
  }

  /** Question, options and photo slots of the task; null for a task that needs only a photo. */
  async makeExtra(task, photos) {
    const holds = task.photos > 1 || task.needs_question;
    this.camera.classList.toggle("primary", !holds);
    if (!holds && Object.keys(task.option_schema).every((name) => name === "today")) return null;
    const { Extra } = await later(() => import("../task-inputs.js"));
    if (this.task !== task || this.signal.aborted) return null; // another task was chosen meanwhile
    this.extra = new Extra(task, this.tasks, { start: (held) => this.submit(held), accept: ACCEPT, photos });
    this.extraPlace.replaceChildren(...this.extra.nodes);
    return this.extra;
  }

  unfold(open = this.now.getAttribute("aria-expanded") !== "true") {
    this.now.setAttribute("aria-expanded", String(open));
    if (open) this.menu.list.focus();
    else if (this.node.contains(document.activeElement) && this.menu.node.contains(document.activeElement)) this.now.focus();
  }

  async shoot() {
    try {
      const { openCamera } = await import("../camera.js");
      const blob = await openCamera({ signal: this.signal });
      if (blob) await this.take([blob]);
      else this.superseded = null;
    } catch (error) {
      console.warn(error);
      this.input.click();
    }
  }

  async readClipboard() {
    const found = [];
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((kind) => kind.startsWith("image/"));
        if (type) found.push(await item.getType(type));
      }
    } catch {
      // refused or empty: reported below
    }
    if (found.length) await this.take(found);
    else toast(t("scan.paste_empty"), { kind: "warn" });
  }

  paste(event) {
    const files = [...(event.clipboardData?.files ?? [])].filter(isPhoto);
    if (!files.length) return;
    event.preventDefault();
    void this.take(files);
  }

  hover(event) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.veil(true);
  }

  veil(on) {
    this.node.toggleAttribute("data-drop", on);
  }

  drop(event) {
    this.veil(false);
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const folder = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
    if (folder) {
      toast(t("scan.batch_folder"));
      return go("/batches");
    }
    void this.take([...event.dataTransfer.files]);
  }

  /** Scan photos from any input, or store them until the task has all its inputs. */
  async take(files) {
    const photos = files.filter(isPhoto);
    if (!photos.length) {
      if (files.length) toast(t("scan.not_photos"), { kind: "warn" });
      return;
    }
    const extra = await this.making;
    if (extra?.holds) return extra.hold(photos);
    if (photos.length > MANY) return this.offerBatch(photos);
    for (const photo of photos) if (!(await this.submit([{ blob: photo, name: photo.name ?? "" }]))) return;
  }

  async offerBatch(photos) {
    const { dialog } = await later(() => import("../dialog.js"));
    const yes = await dialog({
      title: t("scan.batch_title"),
      body: t("scan.batch_body", { n: photos.length }),
      actions: [{ label: t("scan.batch_yes"), value: true, kind: "primary", autofocus: true }, { label: t("ui.cancel"), value: false }],
      signal: this.signal,
    });
    if (!yes) return;
    handoff.give(photos);
    go("/batches");
  }

  /** Start a scan; returns its card, or null if a field is invalid. */
  async submit(photos) {
    const asked = this.extra ? this.extra.read() : { question: "", options: {} };
    if (!asked) return null;
    const wanted = { task: this.task, photos, ...asked, storeId: prefs.get("storeId") };
    await this.ready();
    const card = scans.submit(wanted, { retake: (job) => shown.retake(job) });
    this.superseded?.();
    this.superseded = null;
    card.node.scrollIntoView({ block: NARROW.matches ? "start" : "nearest" });
    return card;
  }

  /** Choose another photo for the same task; its card replaces this one. */
  retake(job) {
    this.superseded = () => scans.list().find((card) => card.job === job)?.hooks.remove();
    const task = this.tasks.find((entry) => entry.id === job.task.id);
    if (task && task.id !== this.task.id) {
      this.menu.show(this.tasks, task.id);
      this.choose(task);
    }
    const shoot = matchMedia("(pointer: coarse)").matches;
    return shoot ? this.shoot() : this.input.click();
  }

  arrange(list) {
    this.node.toggleAttribute("data-empty", !list.length);
    if (!list.length) return this.cards.replaceChildren(attract());
    const nodes = list.map((card) => card.node);
    for (const node of [...this.cards.children]) if (!nodes.includes(node)) node.remove();
    nodes.forEach((node, i) => {
      if (this.cards.children[i] === node) return;
      this.cards.insertBefore(node, this.cards.children[i] ?? null);
      respell(node); // the language may have changed while it was not on the page
    });
  }

  async suggestStores() {
    if (this.stores.firstChild) return;
    try {
      const { stores } = await getJSON("/v1/stores", { signal: this.signal });
      this.stores.replaceChildren(...stores.filter((store) => store.store_id).map((store) => h("option", { value: store.store_id })));
    } catch {
      // suggestions are optional
    }
  }
}

/** Shown while there is no scan. */
function attract() {
  return h(
    "div",
    { class: "pix-panel attract pix-dither" },
    h("div", { class: "attract-inner pix-panel" }, sprite("agent_idle", { size: 96 }), h("h2", { t: "scan.empty_title" }), h("ol", { class: "attract-steps" }, [1, 2, 3].map((n) => h("li", {}, h("span", { t: `scan.step_${n}` }))))),
  );
}

function isPhoto(file) {
  return file.type.startsWith("image/") || /\.(heic|heif|avif|jpe?g|png|webp|bmp|tiff?|gif)$/i.test(file.name ?? "");
}
