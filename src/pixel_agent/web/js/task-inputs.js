// The inputs of a task besides one photo: a question, options, or several photos. Loaded when a task needs it.

import { clear, h, say, toast } from "./dom.js";
import { t } from "./i18n.js";
import { optionFields } from "./options.js";
import { sprite } from "./sprites.js";

const typed = { question: "", options: new Map() }; // remembered while other tasks and views are shown

export class Extra {
  /** `start(photos)` is called when a task with waiting photos has all inputs; `accept`: the accepted file types. */
  constructor(task, tasks, { start, accept, photos = [] }) {
    this.task = task;
    this.start = start;
    this.accept = accept;
    /** Whether photos wait until all inputs are there. */
    this.holds = task.photos > 1 || task.needs_question;
    this.photos = photos;
    this.options = optionFields(task, tasks, typed.options.get(task.id));
    this.question = task.needs_question ? this.questionField() : null;
    this.slots = h("div", { class: "slots" });
    this.nodes = [
      this.question && h("label", { class: "option" }, h("span", { class: "pix-label", t: "scan.question" }), this.question),
      this.options.nodes.length ? h("div", { class: "options" }, this.options.nodes) : null,
      ...(this.holds ? [this.slots, h("button", { type: "button", class: "pix-button primary big go", on: { click: () => this.go() } }, sprite("play"), h("span", { t: "scan.go" }))] : []),
    ].filter(Boolean);
    if (this.holds) this.show();
  }

  questionField() {
    const written = () => {
      typed.question = this.question.value;
      this.question.removeAttribute("aria-invalid");
    };
    return h("textarea", { class: "pix-field", maxlength: 2000, rows: 2, tPlaceholder: "scan.question_hint", value: typed.question, on: { input: written } });
  }

  /** The element to focus after the task is chosen; null: the photo input. */
  get first() {
    return this.question ?? this.slots.firstChild;
  }

  /** Remember the typed text. */
  leave() {
    typed.options.set(this.task.id, this.options.raw());
    this.forgetPictures();
  }

  /** Question and options; null, with the reason shown, if they are invalid. */
  read() {
    if (this.question && !this.question.value.trim()) {
      this.question.setAttribute("aria-invalid", "true");
      return this.refuse("scan.question_missing", this.question);
    }
    try {
      return { question: this.question?.value.trim() ?? "", options: this.options.read() };
    } catch (error) {
      if (error.name !== "OptionError") throw error;
      error.field.focus();
      toast(error.message, { kind: "warn" });
      return null;
    }
  }

  refuse(key, field) {
    field.focus();
    toast(t(key), { kind: "warn" });
    return null;
  }

  /** Put photos into the slots from `i` on, or into the empty ones. */
  hold(files, i = null) {
    const most = this.task.photos;
    for (const file of files.slice(0, most)) {
      const empty = [...Array(most).keys()].find((at) => !this.photos[at]);
      this.photos[i ?? empty ?? most - 1] = { blob: file, name: file.name ?? "" };
      i = null;
    }
    this.show();
    if (this.question && !this.question.value.trim()) this.question.focus();
  }

  show() {
    const names = this.task.photos > 1 ? ["scan.before", "scan.after"] : ["scan.slot"];
    this.forgetPictures();
    clear(this.slots).append(...names.map((name, i) => this.slot(name, i)));
  }

  slot(name, i) {
    const photo = this.photos[i];
    const picture = photo ? h("img", { src: URL.createObjectURL(photo.blob), alt: "" }) : sprite("photo", { size: 48 });
    picture.addEventListener("error", () => picture.replaceWith(sprite("photo", { size: 48 })));
    const caption = h("span", { class: "pix-caption", t: "scan.slot_empty" });
    if (photo) say(caption, ["scan.slot_change", { name: photo.name || t(name) }]);
    return h("button", { type: "button", class: "pix-button slot", on: { click: () => this.choose(i) } }, h("span", { class: "slot-name", t: name }), picture, caption);
  }

  choose(i) {
    const input = h("input", { type: "file", accept: this.accept });
    input.addEventListener("change", () => this.hold([...input.files], i));
    input.click();
  }

  forgetPictures() {
    for (const image of this.slots.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  }

  go() {
    if (!this.read()) return;
    const missing = [...Array(this.task.photos).keys()].find((i) => !this.photos[i]);
    if (missing !== undefined) return void this.refuse("scan.slots_missing", this.slots.children[missing]);
    const { photos } = this;
    this.photos = [];
    this.show();
    this.start(photos);
  }
}
