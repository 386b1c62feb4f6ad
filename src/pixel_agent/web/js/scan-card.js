// The card of one scan (see scan-job.js): its photo, stages, streamed words, and the result or the error.

import { getJSON } from "./api.js";
import { announce, clear, h, say, stylesheet, text } from "./dom.js";
import { errorNodes } from "./errors.js";
import { duration, lang, onLang, t } from "./i18n.js";
import { sprite } from "./sprites.js";
import { taskSprite } from "./tasks.js";

const STAGES = ["upload", "queue", "scan", "read"];
// The stage of each state; earlier stages are done.
const STAGE_OF = { checking: -1, asks: -1, waiting: -1, uploading: 0, sent: 0, retrying: 0, kept: 0, queued: 1, done: 4, retake: 4 };
const WORDS_SHOWN = 4000;
const TICK_MS = 500;
const QUIET_MS = 5000; // minimum between two announcements of the queue position
const RECORD_TRIES_MS = [300, 1200];
const KNOWN_ADVICE = new Set(["blurred", "too_dark", "too_bright", "glare", "low_resolution", "tilted"]);

export class ScanCard {
  constructor(job, hooks) {
    this.job = job;
    this.hooks = hooks;
    this.life = new AbortController();
    this.shown = new AbortController(); // aborts when the open reading is closed
    this.build();
    job.on((_, changed) => this.follow(changed));
    onLang(() => this.job.state && this.state(), this.life.signal);
    this.state();
  }

  build() {
    const { job } = this;
    this.pictures = job.photos.map(({ blob }) => {
      const url = URL.createObjectURL(blob);
      const image = h("img", { class: "card-image", src: url, alt: "" });
      image.addEventListener("error", () => image.replaceWith(h("span", { class: "card-blind" }, sprite("photo", { size: 48 }))), { once: true });
      return { url, node: h("div", { class: "card-frame" }, image, h("i", { class: "beam", "aria-hidden": "true" })) };
    });
    this.stages = h("ol", { class: "stages", tLabel: "jobs.stages" }, STAGES.map((stage) => h("li", { dataset: { stage } }, h("i", { class: "stage-mark" }), h("span", { t: `jobs.stage.${stage}` }))));
    this.line = h("p", { class: "card-line pix-type" });
    this.bar = h("div", { class: "pix-bar", role: "progressbar", tLabel: "jobs.progress", "aria-valuemin": "0", "aria-valuemax": "100" }, h("i"));
    this.words = h("pre", { class: "card-words pix-well", tLabel: "jobs.words", role: "region", hidden: true, tabindex: "0" });
    this.actions = h("div", { class: "pix-actions card-actions" });
    this.result = h("div", { class: "card-result" });
    this.unfolded = h("div", { class: "card-reading" });
    this.photo = h("div", { class: "card-photos" }, this.pictures.map(({ node }) => node));
    this.title = h("h2", { class: "card-title", id: `card-${job.id}` });
    this.node = h(
      "article",
      { class: "pix-panel card", "aria-labelledby": `card-${job.id}`, tabindex: "-1" },
      h("header", { class: "card-head" }, sprite(taskSprite(job.task.id), { size: 32 }), h("div", { class: "card-names" }, this.title, h("p", { class: "pix-caption" }, this.names())), (this.corner = h("button", { type: "button", class: "pix-icon card-corner" }, sprite("close")))),
      h("div", { class: "card-body" }, this.photo, h("div", { class: "card-tell" }, this.stages, this.line, this.bar, this.words, this.result, this.actions)),
      this.unfolded,
    );
    this.corner.addEventListener("click", () => (this.job.ended || this.job.state === "kept" || this.job.state === "asks" ? this.hooks.remove() : this.job.cancel()));
  }

  names() {
    const { photos, storeId, question } = this.job;
    const parts = [...photos.map(({ name }) => name || t("jobs.nameless")), storeId, question].filter(Boolean);
    return parts.flatMap((part, i) => [i ? " · " : "", text(part.length > 80 ? `${part.slice(0, 79)}…` : part)]);
  }

  follow(changed) {
    if (changed === "state") this.state();
    else if (changed === "share") this.progress(this.job.share);
    else if (changed === "place") this.place();
    else if (changed === "words") this.type();
  }

  /** Update everything that depends on the state. */
  state() {
    const { job } = this;
    const { state } = job;
    const before = this.node.dataset.state;
    this.node.dataset.state = state;
    this.title.textContent = job.task[lang()];
    clearInterval(this.ticking);
    this.mark();
    this.bar.hidden = !["uploading", "sent"].includes(state);
    if (state !== "running") this.words.hidden = true;
    say(this.corner, job.ended || state === "kept" || state === "asks" ? "jobs.remove" : "jobs.cancel", "tLabel");
    const had = this.actions.contains(document.activeElement) || this.result.contains(document.activeElement);
    clear(this.actions);
    clear(this.result);
    this[`on_${state}`]?.();
    if (!this.actions.firstChild && !job.ended) this.act("jobs.cancel", "close", () => job.cancel());
    if (had) this.node.focus({ preventScroll: true });
    if (before !== state && !["done", "retake", "asks", "failed"].includes(state)) announce(`${job.task[lang()]}: ${this.line.textContent}`);
  }

  mark() {
    const { state, stage } = this.job;
    const at = state === "running" ? (stage === "reading" ? 3 : 2) : (STAGE_OF[state] ?? -1);
    [...this.stages.children].forEach((node, i) => {
      node.dataset.state = i < at ? "past" : i === at ? "now" : "to-come";
      if (i === at) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
      node.querySelector("i").replaceChildren(...(i < at ? [sprite("ok", { size: 12 })] : []));
    });
    this.stages.hidden = ["asks", "failed", "cancelled", "done", "retake"].includes(state);
  }

  tell(key, values) {
    say(this.line, values ? [key, values] : key);
  }

  act(key, picture, click, kind = "") {
    this.actions.append(h("button", { type: "button", class: `pix-button ${kind}`, on: { click } }, picture && sprite(picture), h("span", { t: key })));
  }

  progress(share) {
    const percent = Math.round(share * 100);
    this.bar.setAttribute("aria-valuenow", String(percent));
    this.bar.firstChild.style.setProperty("--share", `${percent}%`);
    if (this.job.state === "uploading") this.tell("jobs.uploading", { percent });
  }

  on_checking() {
    this.tell("jobs.checking");
  }

  on_waiting() {
    this.tell("jobs.waiting");
  }

  on_uploading() {
    this.progress(this.job.share);
  }

  on_sent() {
    this.progress(1);
    this.tell("jobs.sent");
  }

  on_queued() {
    this.place();
    this.ticking = setInterval(() => this.place(), TICK_MS);
  }

  place() {
    const { position, ms, at } = this.job.place;
    const seconds = Math.max(0, Math.ceil((ms - (Date.now() - at)) / 1000));
    this.tell(position ? "jobs.queued" : "jobs.queued_next", { position, seconds });
    if (Date.now() - (this.toldAt ?? 0) < QUIET_MS) return;
    this.toldAt = Date.now();
    announce(this.line.textContent);
  }

  on_running() {
    this.tell(`jobs.running.${this.job.stage ?? "engine"}`);
    this.type();
  }

  type() {
    if (this.typing || !this.job.words) return;
    this.typing = requestAnimationFrame(() => {
      this.typing = 0;
      if (this.job.state !== "running") return;
      this.words.hidden = false;
      clear(this.words).append(text(this.job.words.slice(-WORDS_SHOWN)));
      this.words.scrollTop = this.words.scrollHeight;
    });
  }

  on_retrying() {
    const { until, why } = this.job.retry;
    const count = () => this.tell(`jobs.retrying.${why}`, { seconds: Math.max(0, Math.ceil((until - Date.now()) / 1000)) });
    count();
    this.ticking = setInterval(count, TICK_MS);
    this.act("jobs.now", "retry", () => this.job.again(), "primary");
    this.act("jobs.cancel", "close", () => this.job.cancel());
  }

  on_kept() {
    this.tell("jobs.kept");
    this.act("jobs.remove", "close", () => this.hooks.remove());
  }

  on_asks() {
    this.tell("jobs.asks");
    this.advise(this.job.advice.map((code) => ({ code })));
    this.act("jobs.retake", "camera", () => this.hooks.retake(this.job), "primary");
    this.act("jobs.anyway", "play", () => this.job.scan({ force: true }));
    announce(`${this.line.textContent} ${this.result.textContent}`, { assertive: true });
  }

  /** The advice in the current language if its code is known, else the server's text. */
  advise(notices) {
    const line = ({ code, message }) => h("li", {}, sprite("warn"), KNOWN_ADVICE.has(code) ? h("span", { t: `jobs.advice.${code}` }) : h("span", {}, text(message)));
    this.result.append(h("ul", { class: "card-advice" }, notices.map(line)));
  }

  on_cancelled() {
    this.tell("jobs.cancelled");
    this.act("jobs.again", "retry", () => this.job.scan());
    this.act("jobs.remove", "close", () => this.hooks.remove());
  }

  on_failed() {
    const { error } = this.job;
    this.tell("jobs.failed");
    this.result.append(h("div", { class: "card-error" }, sprite("fail"), h("div", {}, errorNodes(error))));
    if (error.code.startsWith("photo_")) this.act("jobs.another", "photo", () => this.hooks.retake(this.job), "primary");
    else this.act("ui.retry", "retry", () => this.job.scan(), "primary");
    announce(`${this.line.textContent} ${this.result.textContent}`, { assertive: true });
  }

  on_retake() {
    const advice = this.job.answer.image?.quality?.advice ?? [];
    this.tell("jobs.retake_required");
    this.advise(advice.length ? advice : [{ code: "", message: this.job.answer.summary }]);
    this.act("jobs.retake", "camera", () => this.hooks.retake(this.job), "primary");
    this.act("jobs.force", "play", () => this.job.scan({ force: true }));
    this.link();
    announce(`${this.line.textContent} ${this.result.textContent}`, { assertive: true });
  }

  on_done() {
    const { answer } = this.job;
    const advised = [...answer.items, ...answer.findings].filter((row) => row.review === "advised").length;
    const found = answer.items.length + answer.findings.length + answer.alerts.length > 0;
    this.tell(answer.status === "partial" ? "jobs.partial" : found ? "jobs.done" : "jobs.nothing", { time: duration(answer.timings.total) });
    this.node.toggleAttribute("data-nothing", !found);
    const tag = (picture, key, n, kind = "") => h("li", { class: `pix-tag ${kind}` }, sprite(picture, { size: 12 }), h("span", { t: [key, { n }] }));
    this.result.append(
      answer.summary ? h("p", { class: "card-summary" }, text(answer.summary)) : "",
      h(
        "ul",
        { class: "card-counts" },
        answer.alerts.length ? tag("critical", "jobs.alerts", answer.alerts.length, "bad") : null,
        answer.findings.length ? tag("warn", "jobs.findings", answer.findings.length, "warn") : null,
        answer.items.length ? tag("ok", "jobs.items", answer.items.length, "ok") : null,
        advised ? tag("eye", "jobs.advised", advised) : null,
        answer.simulated ? h("li", { class: "pix-tag warn" }, sprite("warn", { size: 12 }), h("span", { t: "jobs.simulated" })) : null,
      ),
    );
    this.link();
    const open = !this.unfolded.firstChild;
    this.foldButton = h("button", { type: "button", class: "pix-button", "aria-expanded": "false", on: { click: () => (this.unfolded.firstChild ? this.fold() : this.unfold()) } }, h("span", { t: "jobs.unfold" }));
    this.actions.append(this.foldButton);
    if (this.announced !== answer) announce(`${this.line.textContent} ${answer.summary}`);
    if (open && this.announced !== answer && this.hooks.isNewest()) void this.unfold();
    else this.label();
    this.announced = answer;
  }

  link() {
    this.actions.append(h("a", { class: "pix-button", href: `#/scans/${encodeURIComponent(this.job.answer.scan_id)}` }, sprite("nav_history"), h("span", { t: "jobs.record" })));
  }

  /** Show the reading below the card: the stored record if there is one, else the answer itself. */
  async unfold() {
    this.shown = new AbortController();
    const { signal } = this.shown;
    try {
      const [{ renderReading }, record] = await Promise.all([import("./views/reading.js"), this.record(signal), stylesheet("reading")]);
      if (signal.aborted) return;
      const photoURL = this.job.photos.length === 1 && this.job.seen?.[0]?.decodable ? this.pictures[0].url : undefined;
      clear(this.unfolded);
      renderReading(this.unfolded, record, { photoURL, signal });
      this.node.dataset.open = "";
    } catch (error) {
      if (!signal.aborted) console.warn(error);
    }
    this.label();
  }

  async record(signal) {
    const path = `/v1/scans/${encodeURIComponent(this.job.answer.scan_id)}`;
    for (const ms of [...RECORD_TRIES_MS, null]) {
      try {
        const record = await getJSON(path, { signal });
        if (record.reading) return record;
      } catch (error) {
        if (signal.aborted) throw error;
      }
      if (ms === null) break;
      await new Promise((resolve) => setTimeout(resolve, ms)); // the record is written shortly after the answer
    }
    return this.job.answer;
  }

  /** Close the reading. */
  fold() {
    this.shown.abort();
    clear(this.unfolded);
    delete this.node.dataset.open;
    this.label();
  }

  label() {
    if (!this.foldButton) return;
    const open = Boolean(this.unfolded.firstChild);
    say(this.foldButton.firstChild, open ? "jobs.fold" : "jobs.unfold");
    this.foldButton.setAttribute("aria-expanded", String(open));
  }

  end() {
    this.job.cancel();
    this.shown.abort();
    this.life.abort();
    clearInterval(this.ticking);
    for (const { url } of this.pictures) URL.revokeObjectURL(url);
    this.node.remove();
  }
}
