// The task menu of the scan view: icons, arrows, Enter, 1–9, touch, and search by typing.

import { announce, clear, h, respell, say } from "./dom.js";
import { lang, t } from "./i18n.js";
import { beep } from "./sound.js";
import { sprite } from "./sprites.js";
import { taskSprite } from "./tasks.js";

const DIGITS = 9;
const folded = (words) => words.normalize("NFKC").toLowerCase().replace(/[\s_-]+/g, "");

export class TaskMenu {
  /** `pick(task, {byKey})` is called with the chosen task. */
  constructor({ pick, signal }) {
    this.pick = pick;
    this.tasks = [];
    this.found = [];
    this.chosen = null;
    this.active = 0;
    this.build(signal);
  }

  build(signal) {
    this.search = h("input", {
      ...{ class: "pix-field menu-search", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", enterkeyhint: "done" },
      ...{ "aria-controls": "task-list", "aria-expanded": "true", "aria-autocomplete": "list", tLabel: "scan.search", tPlaceholder: "scan.search" },
      on: { input: () => this.filter() },
    });
    this.list = h("ul", { id: "task-list", class: "menu-list", role: "listbox", tabindex: "0", tLabel: "scan.tasks" });
    this.about = h("p", { class: "menu-about pix-well", "aria-live": "off" });
    this.node = h("div", { class: "menu" }, h("div", { class: "menu-find" }, sprite("search"), this.search), this.list, this.about);
    for (const node of [this.search, this.list]) node.addEventListener("keydown", (event) => this.key(event), { signal });
    this.list.addEventListener("click", (event) => {
      const at = this.options().indexOf(event.target.closest("[role=option]"));
      if (at >= 0) this.choose(at);
    });
    this.list.addEventListener("pointermove", (event) => {
      const at = this.options().indexOf(event.target.closest("[role=option]"));
      if (at >= 0 && at !== this.active) this.move(at, { quiet: true });
    });
    this.list.addEventListener("pointerleave", () => this.home());
  }

  options() {
    return [...this.list.children];
  }

  /** Load the catalogue in the current language. */
  show(tasks, chosenId) {
    this.tasks = tasks;
    this.chosen = tasks.find((task) => task.id === chosenId) ?? this.chosen;
    this.filter();
  }

  filter() {
    const wanted = folded(this.search.value);
    this.found = this.tasks.filter((task) => !wanted || [task.id, task.zh, task.en, task.about].some((words) => folded(words).includes(wanted)));
    clear(this.list).append(...this.found.map((task, i) => this.option(task, i)));
    this.home();
    if (wanted) announce(t("scan.found", { n: this.found.length }));
  }

  /** Return to the chosen task, or to the first one. */
  home() {
    this.move(Math.max(0, this.found.findIndex((task) => task.id === this.chosen?.id)), { quiet: true });
  }

  option(task, i) {
    const chosen = task.id === this.chosen?.id;
    return h(
      "li",
      { id: `task-${task.id}`, class: "menu-option", role: "option", "aria-selected": String(chosen), "aria-disabled": task.support === "unsupported" ? "true" : null, dataset: { support: task.support } },
      h("span", { class: "menu-hand", "aria-hidden": "true" }, sprite("right", { size: 12 })),
      sprite(taskSprite(task.id), { size: 32 }),
      h("span", { class: "menu-name" }, task[lang()]),
      h(
        "span",
        { class: "menu-marks" },
        h("span", { class: "menu-support" }, sprite(task.support, { size: 12 }), h("span", { class: "unseen" }, t(`support.${task.support}`))),
        i < DIGITS ? h("kbd", { class: "menu-digit", "aria-hidden": "true" }, String(i + 1)) : null,
      ),
    );
  }

  move(at, { quiet = false } = {}) {
    this.active = Math.min(Math.max(0, at), this.found.length - 1);
    this.options().forEach((node, i) => node.toggleAttribute("data-active", i === this.active));
    const node = this.options()[this.active];
    for (const holder of [this.search, this.list]) {
      if (node) holder.setAttribute("aria-activedescendant", node.id);
      else holder.removeAttribute("aria-activedescendant");
    }
    this.tell(this.found[this.active]);
    if (quiet || !node) return;
    beep("move");
    node.scrollIntoView({ block: "nearest" });
  }

  /** Show a task's purpose and how well the engine supports it. */
  tell(task) {
    clear(this.about);
    if (!task) return say(this.about, "scan.nothing_found");
    delete this.about.dataset.t;
    this.about.append(h("span", {}, task.about), " ", h("span", { class: `menu-why ${task.support}` }, sprite(task.support, { size: 12 }), " ", explain(task)));
    respell(this.about);
  }

  choose(at, { byKey = false } = {}) {
    const task = this.found[at];
    if (!task) return;
    this.move(at, { quiet: true });
    if (task.support === "unsupported") {
      beep("fail");
      announce(explain(task), { assertive: true });
      return;
    }
    this.chosen = task;
    this.options().forEach((node, i) => node.setAttribute("aria-selected", String(i === at)));
    beep("select");
    announce(t("scan.chosen", { name: task[lang()] }));
    this.pick(task, { byKey });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target === this.search;
    const columns = this.columns();
    const steps = { ArrowDown: columns, ArrowUp: -columns, ...(typing && this.search.value ? {} : { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }) };
    if (event.key in steps) this.step(steps[event.key], columns);
    else if (event.key === "Enter" || (event.key === " " && !typing)) this.choose(this.active, { byKey: true });
    else if (event.key === "Escape" && this.search.value) this.empty();
    else if (/^[1-9]$/.test(event.key) && !(typing && this.search.value)) this.choose(Number(event.key) - 1, { byKey: true });
    else if (!typing && event.key.length === 1 && event.key !== " ") return this.search.focus(); // it gets the letter
    else return;
    event.preventDefault();
  }

  step(by, columns) {
    const last = this.found.length - 1;
    let to = this.active + by;
    if (Math.abs(by) === columns && columns > 1 && (to < 0 || to > last)) to = to < 0 ? this.active : last;
    else if (Number.isFinite(to)) to = (to + this.found.length) % Math.max(1, this.found.length);
    this.move(to);
  }

  empty() {
    this.search.value = "";
    this.filter();
  }

  columns() {
    const tops = this.options().map((node) => node.offsetTop);
    const wrap = tops.findIndex((top) => top !== tops[0]);
    return wrap < 0 ? Math.max(1, tops.length) : wrap;
  }
}

/** The engine's support for a task, in words. */
export function explain(task) {
  const missing = task.missing.map((name) => t(`missing.${name}`)).join(lang() === "zh" ? "、" : ", ");
  return t(`support.${task.support}.why`, { missing });
}
