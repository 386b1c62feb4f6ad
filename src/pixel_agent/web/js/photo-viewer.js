// The photo of a reading with its boxes: zoom, pan, and a selection shared with the table's rows (see link.js).
//
// The photo is scaled by a transform; the boxes are elements that are placed in pixels of the window, so their lines
// stay sharp at any zoom. They are the options of one list box, which is a single stop for the Tab key.

import { announce, clear, h, stylesheet } from "./dom.js";
import { add, onLang, t } from "./i18n.js";
import { boxNode, neighbour, short, tidyLabels } from "./photo-boxes.js";
import { sprite } from "./sprites.js";
import strings from "./strings/viewer.js";
import { readable } from "./untrusted.js";
import * as zoom from "./zoom.js";

add(strings);

const MANY = 40; // boxes; with more, only the hovered or selected one has a label
const DRAG_PX = 5; // less is a tap
const PAN_PX = 60; // one press of an arrow key
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class PhotoViewer {
  /** @type {Record<string, HTMLButtonElement>} */
  buttons;
  /** @type {{point: {x: number, y: number}, view: {scale: number, x: number, y: number}, target: any}} */
  start;

  /**
   * `marks`: [{id, bbox, part: 'items' | 'findings' | 'alerts', source, severity, label}], boxes in pixels of the original.
   * `width`, `height` are the original's; without them those of the loaded image are used.
   *
   * @param {{src: string | null, width?: number, height?: number, alt?: string, marks?: any[], link?: any, name?: string, signal?: AbortSignal}} options
   */
  constructor({ src, width, height, alt = "", marks = [], link, name, signal }) {
    stylesheet("viewer");
    this.src = src;
    this.alt = alt;
    this.link = link;
    this.name = name;
    this.signal = signal;
    this.size = { width: width || 0, height: height || 0 };
    this.frame = { width: 1, height: 1 };
    this.view = { scale: 1, x: 0, y: 0 };
    this.elements = new Map();
    this.watchers = new Set();
    this.pointers = new Map();
    this.active = null;
    this.number = ++viewers;
    this.#build();
    this.setMarks(marks);
    this.#listen();
    onLang(() => this.#label(), signal);
  }

  /** Replaces the boxes; the selection stays if its id still exists. */
  setMarks(marks) {
    const placed = marks.filter((mark) => Array.isArray(mark.bbox) && mark.bbox.length === 4);
    const area = ({ bbox: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
    this.marks = placed;
    this.elements = new Map();
    clear(this.boxes);
    // Small boxes lie above large ones, so that each can be clicked.
    for (const one of [...placed].sort((a, b) => area(b) - area(a))) {
      const box = boxNode(one, boxId(this, one.id), this.size);
      this.elements.set(one.id, box);
      this.boxes.append(box);
    }
    this.root.dataset.many = String(placed.length > MANY);
    this.active = this.elements.has(this.active) ? this.active : (placed[0]?.id ?? null);
    this.#labelBoxes();
    this.#paint();
    this.#tidy();
  }

  /** Shows another photo in this viewer. */
  setPhoto({ src, width, height, alt }) {
    this.size = { width: width || 0, height: height || 0 };
    this.alt = alt ?? this.alt;
    this.#show(src);
    this.fit();
  }

  /** Shows the whole photo. */
  fit() {
    if (this.size.width) this.#go(zoom.fitted(this.size, this.frame));
  }

  /** Calls `watcher` with the view (see zoom.relative) whenever the user moves it. */
  onView(watcher) {
    this.watchers.add(watcher);
  }

  /** Shows the same part as another viewer, without notifying the watchers. */
  follow(relative) {
    if (this.size.width) this.#go(zoom.absolute(relative, this.size, this.frame));
  }

  #build() {
    this.image = h("img", { class: "viewer__photo", alt: readable(this.alt), draggable: "false", decoding: "async" });
    this.boxes = h("div", { class: "viewer__boxes", role: "listbox", tabindex: "0" });
    this.layer = h("div", { class: "viewer__layer" }, this.image, this.boxes);
    this.gone = h("div", { class: "viewer__gone", hidden: true });
    this.wait = h("p", { class: "viewer__wait" });
    this.window = h("div", { class: "viewer__window", tabindex: "0", role: "group" }, this.layer, this.gone, this.wait);
    this.level = h("output", { class: "viewer__level" });
    this.buttons = {
      out: this.#button("out", sprite("minus"), () => this.#step(-1)),
      in: this.#button("in", sprite("plus"), () => this.#step(1)),
      fit: this.#button("fit", sprite("fit"), () => this.#told(() => this.fit())),
      full: this.#button("full", "1:1", () => this.#told(() => this.#zoomTo(1))),
    };
    this.toggle = h("input", { type: "checkbox", checked: true });
    this.toggleText = h("span");
    this.tools = h(
      "div",
      { class: "viewer__tools", role: "group" },
      ...Object.values(this.buttons),
      this.level,
      h("label", { class: "viewer__toggle pix-check small" }, this.toggle, this.toggleText),
    );
    this.root = h("div", { class: "viewer" }, this.window, this.tools);
    this.#label();
    this.#show(this.src);
  }

  #button(name, sign, act) {
    return h("button", { type: "button", class: "pix-button viewer__button", "data-zoom": name, on: { click: act } }, sign);
  }

  #label() {
    const name = this.name ? `${readable(this.name)}: ` : "";
    this.window.setAttribute("aria-label", `${name}${t("viewer.region")}. ${t("viewer.help")}`);
    this.boxes.setAttribute("aria-label", `${name}${t("viewer.boxes")}. ${t("viewer.boxes.help")}`);
    this.tools.setAttribute("aria-label", `${name}${t("viewer.region")}`);
    for (const [way, button] of Object.entries(this.buttons)) {
      button.setAttribute("aria-label", t(`viewer.zoom.${way}`));
      button.title = t(`viewer.zoom.${way}`);
    }
    this.toggleText.textContent = t("viewer.marks");
    this.wait.textContent = t("viewer.loading");
    clear(this.gone).append(
      sprite("photo", { size: 48 }),
      h("strong", {}, t("viewer.gone")),
      h("span", {}, t("viewer.gone.why")),
    );
    if (this.marks) this.#labelBoxes();
  }

  #show(src) {
    this.gone.hidden = true;
    this.wait.hidden = false;
    this.root.dataset.photo = "loading";
    if (src) this.image.src = src;
    else this.#lost();
  }

  #loaded() {
    if (!this.size.width) this.size = { width: this.image.naturalWidth, height: this.image.naturalHeight };
    this.wait.hidden = true;
    this.root.dataset.photo = "there";
    this.#resized();
  }

  /** Asks the server for a JPEG: browsers cannot show HEIC and TIFF. */
  #undecodable() {
    const shown = this.image.getAttribute("src") ?? "";
    if (shown.endsWith("/photo")) this.image.src = `${shown.slice(0, -"photo".length)}thumbnail?size=2048`;
    else this.#lost();
  }

  #lost() {
    this.wait.hidden = true;
    this.gone.hidden = false;
    this.root.dataset.photo = "gone";
    if (!this.size.width) this.size = { width: 4, height: 3 };
    this.#resized();
  }

  #listen() {
    const { signal, window: frame, boxes } = this;
    const on = (target, type, act, more) => target.addEventListener(type, act, { signal, ...more });
    on(this.image, "load", () => this.#loaded());
    on(this.image, "error", () => this.#undecodable());
    on(frame, "wheel", (event) => this.#wheel(event), { passive: false });
    on(frame, "pointerdown", (event) => this.#down(event));
    on(frame, "pointermove", (event) => this.#move(event));
    on(frame, "pointerup", (event) => this.#up(event));
    on(frame, "pointercancel", (event) => this.#release(event));
    on(frame, "dblclick", (event) => this.#told(() => this.#zoomTo(this.#isFit() ? 1 : 0, this.#point(event))));
    on(boxes, "pointerover", (event) => this.link?.hover(this.#idAt(event.target), this));
    on(boxes, "pointerleave", () => this.link?.hover(null, this));
    on(frame, "keydown", (event) => this.#key(event));
    on(boxes, "focus", () => this.#activate(this.link?.selected ?? this.active));
    on(boxes, "blur", () => this.link?.hover(null, this));
    on(this.toggle, "change", () => (this.root.dataset.hide = String(!this.toggle.checked)));
    this.link?.on((change) => this.#linked(change), signal);
    const observer = new ResizeObserver(() => this.#resized());
    observer.observe(frame);
    signal?.addEventListener("abort", () => observer.disconnect(), { once: true });
  }

  #labelBoxes() {
    const order = this.marks.map((mark) => mark.id);
    const empty = order.length === 0;
    this.boxes.hidden = empty;
    for (const mark of this.marks) {
      const words = [
        t(`viewer.${mark.part}`),
        mark.change && t(`change.${mark.change}`),
        mark.severity && t(`severity.${mark.severity}`),
        mark.source && t(`source.${mark.source}`),
        readable(short(mark.label ?? "")),
      ];
      const label = words.filter(Boolean).join(" · ");
      const place = { label, n: order.indexOf(mark.id) + 1, total: order.length };
      this.elements.get(mark.id)?.setAttribute("aria-label", t("viewer.of", place));
    }
  }

  #tidy() {
    if (this.tidying || this.marks.length > MANY) return;
    this.tidying = true;
    requestAnimationFrame(() => {
      this.tidying = false;
      tidyLabels(this.marks, this.elements, this.view.scale);
    });
  }

  #idAt(target) {
    return target.closest?.(".box")?.dataset.id ?? null;
  }

  #linked({ kind, id, from }) {
    if (kind === "hover") {
      flag(this.elements, "data-hover", id);
      return;
    }
    flag(this.elements, "data-chosen", id);
    for (const [other, box] of this.elements) box.setAttribute("aria-selected", String(other === id));
    const box = this.marks.find((one) => one.id === id)?.bbox;
    if (!box) return;
    this.active = id;
    this.boxes.setAttribute("aria-activedescendant", boxId(this, id));
    if (from !== this) this.#told(() => this.#go(zoom.showing(this.view, box, this.size, this.frame)));
  }

  #activate(id) {
    const mark = this.marks.find((one) => one.id === id) ?? this.marks[0];
    if (!mark) return;
    this.active = mark.id;
    this.boxes.setAttribute("aria-activedescendant", boxId(this, mark.id));
    this.link?.hover(mark.id, this);
    this.#told(() => this.#go(zoom.showing(this.view, mark.bbox, this.size, this.frame)));
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const inBoxes = event.target === this.boxes;
    const acts = {
      "+": () => this.#step(1),
      "=": () => this.#step(1),
      "-": () => this.#step(-1),
      0: () => this.#told(() => this.fit()),
      1: () => this.#told(() => this.#zoomTo(1)),
      ...(inBoxes ? this.#boxKeys() : this.#windowKeys()),
    };
    const act = acts[event.key];
    if (!act || act() === false) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #windowKeys() {
    const pan = ([dx, dy]) => this.#told(() => this.#go(zoom.panned(this.view, -dx * PAN_PX, -dy * PAN_PX, this.size, this.frame)));
    const keys = Object.entries(ARROWS).map(([key, way]) => [key, () => (this.#isFit() ? false : pan(way))]);
    return { ...Object.fromEntries(keys), Enter: () => this.boxes.focus() };
  }

  #boxKeys() {
    const choose = () => {
      this.link?.select(this.active, this);
      announce(this.elements.get(this.active)?.getAttribute("aria-label") ?? "");
      this.root.dispatchEvent(new CustomEvent("choose", { detail: this.active }));
    };
    const turn = (by) => {
      const at = this.marks.findIndex((one) => one.id === this.active);
      this.#activate(this.marks[Math.min(this.marks.length - 1, Math.max(0, at + by))]?.id);
    };
    const keys = Object.entries(ARROWS).map(([key, way]) => [key, () => this.#activate(neighbour(this.marks, this.active, way))]);
    return {
      ...Object.fromEntries(keys),
      Home: () => turn(-Infinity),
      End: () => turn(Infinity),
      PageUp: () => turn(-10),
      PageDown: () => turn(10),
      Enter: choose,
      " ": choose,
      Escape: () => {
        this.link?.hover(null, this);
        this.window.focus();
      },
    };
  }

  #wheel(event) {
    const factor = 1.0015 ** -(event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY);
    if (factor < 1 && this.#isFit()) return; // already the whole photo: let the page scroll
    event.preventDefault();
    this.#told(() => this.#go(zoom.zoomedBy(this.view, factor, this.#point(event), this.size, this.frame)));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.pointers.set(event.pointerId, this.#point(event));
    this.dragged = this.pointers.size > 1;
    this.start = { point: this.#point(event), view: this.view, target: event.target };
    this.pinch = this.#spread();
  }

  #move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const before = this.pointers.get(event.pointerId);
    const now = this.#point(event);
    if (!this.dragged && Math.hypot(now.x - this.start.point.x, now.y - this.start.point.y) < DRAG_PX) return;
    if (!this.dragged) this.window.setPointerCapture(event.pointerId);
    this.dragged = true;
    this.pointers.set(event.pointerId, now);
    this.#told(() => this.#go(zoom.panned(this.view, now.x - before.x, now.y - before.y, this.size, this.frame)));
    const spread = this.#spread();
    if (spread && this.pinch) {
      const factor = spread.far / this.pinch.far;
      this.#told(() => this.#go(zoom.zoomedBy(this.view, factor, spread.centre, this.size, this.frame)));
    }
    this.pinch = spread;
  }

  #up(event) {
    const tapped = this.pointers.has(event.pointerId) && !this.dragged;
    this.#release(event);
    if (!tapped) return;
    const id = this.#idAt(this.start.target);
    this.link?.select(id === this.link?.selected ? null : id, this);
    if (id) this.root.dispatchEvent(new CustomEvent("choose", { detail: id }));
  }

  #release(event) {
    this.pointers.delete(event.pointerId);
    this.pinch = this.#spread();
  }

  #spread() {
    const [one, other] = [...this.pointers.values()];
    if (!other) return null;
    const centre = { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
    return { far: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)), centre };
  }

  #point(event) {
    const place = this.window.getBoundingClientRect();
    return { x: event.clientX - place.left - this.window.clientLeft, y: event.clientY - place.top - this.window.clientTop };
  }

  #step(direction) {
    this.#told(() => this.#zoomTo(zoom.nextStep(this.view.scale, direction, this.size, this.frame)));
  }

  #zoomTo(scale, point = { x: this.frame.width / 2, y: this.frame.height / 2 }) {
    this.#go(zoom.zoomedAt(this.view, scale, point, this.size, this.frame));
  }

  #isFit() {
    return this.view.scale <= zoom.fitScale(this.size, this.frame) * 1.001;
  }

  #resized() {
    const wasFit = !this.placed || this.#isFit();
    if (this.size.width) this.window.style.setProperty("aspect-ratio", `${this.size.width} / ${this.size.height}`);
    this.frame = { width: Math.max(1, this.window.clientWidth), height: Math.max(1, this.window.clientHeight) };
    if (!this.size.width) return;
    this.image.width = this.size.width;
    this.image.height = this.size.height;
    this.placed = true;
    this.#go(wasFit ? zoom.fitted(this.size, this.frame) : zoom.panned(this.view, 0, 0, this.size, this.frame));
  }

  /** Applies a change by the user and notifies the watchers. */
  #told(act) {
    const before = this.view;
    act();
    if (before === this.view || !this.size.width) return;
    for (const watcher of this.watchers) watcher(zoom.relative(this.view, this.size, this.frame));
  }

  #go(view) {
    this.view = view;
    this.#paint();
  }

  #paint() {
    const { scale, x, y } = this.view;
    this.layer.style.setProperty("transform", `translate(${x}px, ${y}px)`);
    if (scale !== this.painted) {
      this.painted = scale;
      this.image.style.setProperty("transform", `scale(${scale})`);
      this.boxes.style.setProperty("--z", String(scale));
      this.#tidy();
    }
    this.root.dataset.large = String(scale >= 2);
    this.root.dataset.fit = String(this.#isFit());
    this.level.textContent = t("viewer.zoom.level", { percent: Math.round(scale * 100) });
  }
}

let viewers = 0;

const boxId = (viewer, id) => `box-${viewer.number}-${id.replace(":", "-")}`;

function flag(elements, attribute, id) {
  for (const [other, element] of elements) element.toggleAttribute(attribute, other === id);
}
