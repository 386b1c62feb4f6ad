// The history view: find, review, compare, export. The address has the filters; new scans are only announced.

import { getJSON, online, pause } from "../api.js";
import { deletions } from "../deletions.js";
import { announce, clear, focused, h, say, stylesheet } from "../dom.js";
import { errorNodes, errorWords } from "../errors.js";
import { scanCard } from "../history/card.js";
import { exportControl } from "../history/exporting.js";
import { filterForm, fromQuery, isEmpty, toApi, toHash } from "../history/filters.js";
import { add, onLang, t } from "../i18n.js";
import { keepList } from "../reading/neighbours.js";
import { review } from "../reading/reviews.js";
import { go } from "../router.js";
import { sprite } from "../sprites.js";
import strings from "../strings/history.js";
import reading from "../strings/reading.js";
import viewer from "../strings/viewer.js";
import { loadTasks } from "../tasks.js";

add(viewer);
add(reading);
add(strings);

const PAGE = 50;
const LOOK_MS = 4000; // interval between checks for new scans
const MOST_EXPORTED = 500; // number of ids that fits easily into an address

export async function mount(root, { query, signal }) {
  await Promise.all([stylesheet("views"), stylesheet("history"), loadTasks().catch(() => null)]);
  new History(root, fromQuery(query), signal);
}

class History {
  /** @type {any} */
  form;
  /** @type {Record<string, HTMLElement>} */
  presets;
  /** @type {any} */
  export;

  constructor(root, filters, signal) {
    this.root = root;
    this.filters = filters;
    this.signal = signal;
    this.scans = [];
    this.cards = new Map();
    this.selected = new Set();
    this.fresh = new Set();
    this.next = null;
    this.round = 0;
    this.#build();
    deletions.subscribe(() => this.#hideDeleted(), signal);
    onLang(() => loadTasks().catch(() => null).then(() => this.#relabel()), signal);
    online.subscribe((up) => up && this.state === "failed" && this.load(), signal);
    this.load();
    this.#watch();
  }

  #build() {
    this.form = filterForm({ onChange: (filters) => this.#filter(filters), signal: this.signal });
    this.form.set(this.filters);
    this.form.learn();
    this.presets = {
      all: h("a", { class: "pix-button", href: "#/history", t: "history.all" }),
      work: h("a", { class: "pix-button", href: "#/history?review=advised" }, sprite("advised", { size: 24 }), h("span", { t: "history.worklist" })),
    };
    this.list = h("ul", { class: "scans", "aria-describedby": "history-keys" });
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("click", (event) => event.target.closest(".scan__link") && this.#keep());
    this.newer = h("button", { type: "button", class: "pix-button primary scans__new", hidden: true, on: { click: () => this.load() } });
    this.more = h("button", { type: "button", class: "pix-button", t: "history.more", on: { click: () => this.#loadMore() } });
    this.shown = h("p", { class: "pix-caption", role: "status" });
    this.note = h("div", { class: "scans__note" });
    this.foot = h("div", { class: "scans__foot" }, this.shown, this.more);
    clear(this.root).append(
      h("div", { class: "history__head" }, h("h1", { t: "history.title" }), h("nav", { class: "pix-actions history__presets", tLabel: "history.filters" }, this.presets.all, this.presets.work)),
      h("div", { class: "pix-panel" }, this.form.form),
      this.#bar(),
      h("p", { id: "history-keys", class: "pix-caption history__keys", t: "history.keys" }),
      this.newer,
      this.list,
      this.note,
      this.foot,
    );
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.#loadMore(), { rootMargin: "400px" }).observe(this.foot);
    this.#markPreset();
  }

  #bar() {
    this.all = h("input", { type: "checkbox" });
    this.all.addEventListener("change", () => this.#selectAll(this.all.checked));
    this.count = h("span", { class: "bar__count", role: "status" });
    this.compare = h("button", { type: "button", class: "pix-button small", disabled: true, tTitle: "history.compare_why", "data-do": "compare", on: { click: () => this.#compare() } }, sprite("compare", { size: 24 }), h("span", { t: "history.compare" }));
    this.remove = h("button", { type: "button", class: "pix-button small danger", disabled: true, "data-do": "delete", on: { click: () => this.#delete([...this.selected]) } }, sprite("trash", { size: 24 }), h("span", { t: "history.delete" }));
    this.export = exportControl({ label: "history.export_all", query: () => this.#exported() });
    this.bar = h("div", { class: "bar pix-panel" }, h("label", { class: "pix-check small" }, this.all, h("span", { t: "history.select_all" })), this.count, this.compare, this.export.node, this.remove);
    return this.bar;
  }

  /** Load from the newest scan on, with the current filters. */
  async load() {
    const round = ++this.round;
    this.state = "loading";
    this.#note(h("p", { class: "pix-empty" }, t("history.loading")));
    this.fresh.clear();
    this.#tellNew();
    try {
      const page = await getJSON(this.#path(), { signal: this.signal });
      if (round !== this.round) return;
      this.state = "ready";
      this.scans = page.scans;
      this.next = page.next;
      this.selected = new Set([...this.selected].filter((id) => page.scans.some((scan) => scan.scan_id === id)));
      this.#draw();
    } catch (error) {
      if (this.signal.aborted || round !== this.round) return;
      this.state = "failed";
      this.#failed(error);
    }
  }

  async #loadMore() {
    if (this.state !== "ready" || !this.next) return;
    const round = this.round;
    this.state = "loading";
    try {
      const page = await getJSON(this.#path({ cursor: this.next }), { signal: this.signal });
      if (round !== this.round) return;
      const known = new Set(this.scans.map((scan) => scan.scan_id));
      const more = page.scans.filter((scan) => !known.has(scan.scan_id));
      this.scans.push(...more);
      this.next = page.next;
      for (const scan of more) this.#append(scan);
      this.#count();
    } catch (error) {
      if (this.signal.aborted) return;
      this.shown.textContent = errorWords(error);
    }
    this.state = "ready";
  }

  /** Checks for news at intervals: changed states are updated in place, new scans are only counted. */
  async #watch() {
    while (!this.signal.aborted) {
      await pause(LOOK_MS, this.signal);
      if (document.hidden || this.state !== "ready" || !online.get() || this.signal.aborted) continue;
      const round = this.round;
      try {
        const page = await getJSON(this.#path(), { signal: this.signal });
        if (round === this.round) this.#learn(page);
      } catch {
        // try again at the next check
      }
    }
  }

  #learn(page) {
    const known = new Map(this.scans.map((scan, at) => [scan.scan_id, at]));
    for (const scan of page.scans) {
      if (!known.has(scan.scan_id)) this.fresh.add(scan.scan_id);
      else this.#change(scan);
    }
    this.#tellNew();
  }

  #change(scan) {
    const at = this.scans.findIndex((one) => one.scan_id === scan.scan_id);
    if (at < 0 || JSON.stringify(this.scans[at]) === JSON.stringify(scan)) return;
    this.scans[at] = scan;
    const old = this.cards.get(scan.scan_id);
    if (!old) return;
    const focus = old.contains(focused()) ? focused()?.className : null;
    const card = this.#card(scan);
    old.replaceWith(card);
    if (focus !== null) (card.getElementsByClassName(focus)[0] ?? card.querySelector(".scan__link")).focus();
  }

  #tellNew() {
    const n = this.fresh.size;
    const before = this.newer.dataset.n;
    this.newer.hidden = n === 0;
    this.newer.dataset.n = String(n);
    if (n === 0 || before === String(n)) return;
    const words = t("history.new", { n: n >= PAGE ? `${n}+` : n });
    this.newer.textContent = words;
    announce(words);
    if (this.scans.length === 0) this.load(); // an empty list: nothing can shift under the pointer
  }

  #filter(filters) {
    this.filters = filters;
    history.pushState(null, "", toHash(filters));
    this.#markPreset();
    this.load();
  }

  #markPreset() {
    const work = this.filters.review?.[0] === "advised";
    mark(this.presets.work, work);
    mark(this.presets.all, isEmpty(this.filters));
  }

  #draw() {
    clear(this.list);
    this.cards.clear();
    for (const scan of this.scans) this.#append(scan);
    this.#count();
  }

  #append(scan) {
    this.list.append(this.#card(scan));
  }

  #card(scan) {
    const card = scanCard(scan, {
      selected: this.selected.has(scan.scan_id),
      onSelect: (on) => this.#select(scan.scan_id, on),
      onConfirm: () => this.#confirm(scan.scan_id),
    });
    card.hidden = deletions.has(scan.scan_id);
    this.cards.set(scan.scan_id, card);
    return card;
  }

  #count() {
    const shown = this.scans.filter((scan) => !deletions.has(scan.scan_id)).length;
    this.shown.textContent = shown ? `${t("history.shown", { n: shown })}${this.next ? "" : ` · ${t("history.end")}`}` : "";
    this.more.hidden = !this.next;
    if (shown) this.#note(null);
    else this.#empty();
    this.#selection();
  }

  #empty() {
    const work = this.filters.review?.[0] === "advised" && Object.keys(this.filters).length === 1;
    const [words, picture] = work ? ["worklist_done", "agent_found"] : isEmpty(this.filters) ? ["empty", "agent_idle"] : ["no_match", "search"];
    const way =
      words === "empty" ? h("a", { class: "pix-button primary", href: "#/", t: "history.empty_go" }) : h("a", { class: "pix-button primary", href: "#/history", t: words === "no_match" ? "history.reset" : "history.all" });
    this.#note(h("div", { class: "pix-panel pix-empty" }, sprite(picture, { size: 48 }), h("h2", { t: `history.${words}` }), h("p", { t: `history.${words}_why` }), way));
  }

  #failed(error) {
    const again = h("button", { type: "button", class: "pix-button primary", t: "ui.retry", on: { click: () => this.load() } });
    this.#note(h("div", { class: "pix-panel pix-empty", role: "alert" }, sprite("fail", { size: 48 }), h("h2", { t: "history.failed" }), errorNodes(error), again));
  }

  #note(node) {
    clear(this.note).append(...(node ? [node] : []));
  }

  #relabel() {
    this.form.learn();
    const at = /** @type {HTMLElement | null} */ (focused()?.closest(".scan"))?.dataset.id;
    this.#draw();
    if (at) this.cards.get(at)?.querySelector(".scan__link").focus();
    this.newer.dataset.n = "";
    this.#tellNew();
  }

  #hideDeleted() {
    for (const [id, card] of this.cards) card.hidden = deletions.has(id);
    this.#count();
  }

  #select(id, on) {
    if (on) this.selected.add(id);
    else this.selected.delete(id);
    const card = this.cards.get(id);
    card?.toggleAttribute("data-selected", on);
    const box = card?.querySelector("input");
    if (box) box.checked = on;
    this.#selection();
  }

  #selectAll(on) {
    for (const scan of this.scans) if (!deletions.has(scan.scan_id)) this.#select(scan.scan_id, on);
  }

  #selection() {
    const n = this.selected.size;
    this.bar.dataset.n = String(n);
    this.count.textContent = n ? t("history.selected", { n }) : "";
    this.compare.disabled = n !== 2;
    this.remove.disabled = n === 0;
    this.all.checked = n > 0 && n >= this.scans.filter((scan) => !deletions.has(scan.scan_id)).length;
    this.all.indeterminate = n > 0 && !this.all.checked;
    say(this.export.words, n ? "history.export_selected" : "history.export_all");
  }

  #compare() {
    const two = this.scans.filter((scan) => this.selected.has(scan.scan_id));
    const [after, before] = two; // the list is newest first
    go(`/compare?before=${encodeURIComponent(before.scan_id)}&after=${encodeURIComponent(after.scan_id)}`);
  }

  #exported() {
    if (this.selected.size) return new URLSearchParams([...this.selected].slice(0, MOST_EXPORTED).map((id) => ["scan_id", id])).toString();
    return toApi(this.filters);
  }

  #delete(ids) {
    const at = this.#visible().findIndex((card) => ids.includes(card.dataset.id));
    for (const id of ids) this.#select(id, false);
    deletions.ask(ids, t("history.deleting", { n: ids.length }));
    const left = this.#visible();
    left[Math.min(Math.max(0, at), left.length - 1)]?.querySelector(".scan__link").focus();
  }

  async #confirm(id) {
    const scan = this.scans.find((one) => one.scan_id === id);
    const changed = (record) => this.#change(Object.fromEntries(Object.keys(scan).map((key) => [key, record[key]])));
    const cards = this.#visible();
    const at = cards.findIndex((card) => card.dataset.id === id);
    const done = await review(scan, [{ action: "confirm" }], { message: t("history.confirmed"), changed, signal: this.signal });
    if (!done) return;
    const next = this.#visible().slice(at + 1).find((card) => card.querySelector(".scan__confirm"));
    (next?.querySelector(".scan__confirm") ?? this.cards.get(id)?.querySelector(".scan__link"))?.focus();
  }

  #key(event) {
    const card = event.target.closest(".scan");
    if (!card || event.altKey || event.ctrlKey || event.metaKey) return;
    const id = card.dataset.id;
    const acts = {
      ArrowDown: () => this.#turn(card, 1),
      ArrowUp: () => this.#turn(card, -1),
      Home: () => this.#visible()[0]?.querySelector(".scan__link").focus(),
      End: () => this.#visible().at(-1)?.querySelector(".scan__link").focus(),
      Delete: () => this.#delete(this.selected.size ? [...this.selected] : [id]),
      c: () => card.querySelector(".scan__confirm") && this.#confirm(id),
      ...(event.target.matches(".scan__link") ? { " ": () => this.#select(id, !this.selected.has(id)) } : {}),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #turn(card, by) {
    const cards = this.#visible();
    const next = cards[cards.indexOf(card) + by];
    next?.querySelector(".scan__link").focus();
    if (!next && by > 0) this.#loadMore();
  }

  #visible() {
    return [...this.list.children].filter((card) => !card.hidden);
  }

  #keep() {
    keepList(this.scans.filter((scan) => !deletions.has(scan.scan_id)).map((scan) => scan.scan_id), toHash(this.filters));
  }

  #path(more = {}) {
    return `/v1/scans?${toApi(this.filters, { limit: PAGE, ...more })}`;
  }
}

function mark(link, on) {
  if (on) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}
