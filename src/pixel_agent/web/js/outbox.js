// The outbox on the page: lists photos taken while the server was unreachable, cancels them, and starts their sending.

import { online } from "./api.js";
import { announce, h, stylesheet, text, toast } from "./dom.js";
import { errorWords } from "./errors.js";
import { add as addWords, onLang, t, when } from "./i18n.js";
import { add, flush, list, remove, retry, subscribe } from "./outbox-store.js";
import { sprite } from "./sprites.js";
import words from "./strings/outbox.js";
import { readable } from "./untrusted.js";

addWords(words);

let timer = 0;
let sending = false;
let wanted = false;
const sent = []; // [{id, scanId, filename}] of this visit, newest last
const SENT_SHOWN = 3;

export const outbox = {
  /** Store a photo with the fields of its scan and the Idempotency-Key of an earlier try, if any; show a notice.
   * Resolves to its entry, or to null, with the reason shown, if this device cannot store it.
   *
   * @param {Blob} photo @param {string} filename @param {Record<string, string>} fields @param {string | null} key */
  async keep(photo, filename, fields, key = null) {
    try {
      const entry = await add(photo, filename, fields, key);
      toast(t("outbox.kept"), { kind: "info" });
      void askForSync();
      this.send();
      return entry;
    } catch (error) {
      toast(t(error.code === "full" ? "outbox.full" : "outbox.unavailable"), { kind: "fail" });
      return null;
    }
  },

  /** Try to send the waiting photos; repeats until none waits. */
  async send() {
    clearTimeout(timer);
    wanted = true;
    if (sending) return;
    sending = true;
    try {
      let wait = null;
      while (wanted) {
        wanted = false; // a call during sending may bring a new photo and causes another round
        wait = await flush();
      }
      if (wait !== null) timer = setTimeout(() => outbox.send(), wait);
    } catch {
      // no storage: no photo waits either
    } finally {
      sending = false;
    }
  },

  /** The number of waiting photos. */
  async count() {
    return (await list().catch(() => [])).length;
  },

  /** Show the waiting photos in `root` until `signal` aborts; `root` is empty while none waits.
   *
   * @param {HTMLElement} root @param {{signal?: AbortSignal}} [options] */
  mount(root, { signal } = {}) {
    void stylesheet("outbox");
    const panel = new Panel(root, signal);
    subscribe(() => panel.show(), signal);
    onLang(() => panel.show(), signal);
    signal?.addEventListener("abort", () => panel.end(), { once: true });
    return panel.show();
  },
};

online.subscribe((up) => up && outbox.send());
addEventListener("online", () => outbox.send());
document.addEventListener("visibilitychange", () => !document.hidden && outbox.send());
subscribe((news) => {
  if (!news.sent) return;
  sent.push(news.sent);
  announce(t("outbox.sent", { filename: readable(news.sent.filename || t("outbox.nameless"), 40) }));
});
void outbox.send();

/** Register Background Sync, which sends even after the page is closed, if the browser has it. */
async function askForSync() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration();
    await /** @type {any} */ (registration)?.sync?.register("outbox");
  } catch {
    // not supported, or the permission is missing
  }
}

class Panel {
  constructor(root, signal) {
    this.root = root;
    this.signal = signal;
    this.pictures = new Map(); // id -> object URL
    this.turn = 0;
  }

  async show() {
    const turn = ++this.turn;
    const entries = await list().catch(() => []);
    if (turn !== this.turn || this.signal?.aborted) return;
    for (const [id, url] of this.pictures) {
      if (entries.some((entry) => entry.id === id)) continue;
      URL.revokeObjectURL(url);
      this.pictures.delete(id);
    }
    const news = sent.slice(-SENT_SHOWN);
    const focused = this.root.contains(document.activeElement);
    this.root.replaceChildren(...(entries.length || news.length ? [this.panel(entries, news)] : []));
    if (focused) this.root.querySelector("button, a")?.focus();
  }

  end() {
    this.turn += 1;
    for (const url of this.pictures.values()) URL.revokeObjectURL(url);
    this.pictures.clear();
  }

  panel(entries, news) {
    const send = h("button", { type: "button", class: "pix-button", t: "outbox.send", on: { click: () => outbox.send() } });
    return h(
      "section",
      { class: "pix-panel outbox", "aria-labelledby": "outbox-title" },
      entries.length ? [
        h("h2", { id: "outbox-title", t: ["outbox.title", { count: entries.length }] }),
        h("p", { class: "pix-soft", t: "outbox.about" }),
        h("ul", { class: "outbox-list" }, entries.map((entry) => this.row(entry))),
        h("div", { class: "pix-actions" }, send),
      ] : h("h2", { id: "outbox-title", class: "unseen", t: ["outbox.title", { count: 0 }] }),
      news.map(({ filename, scanId }) => {
        const name = readable(filename || t("outbox.nameless"), 60);
        return h("p", { class: "outbox-sent" }, sprite("ok"), h("bdi", {}, t("outbox.sent", { filename: name })), scanId && h("a", { href: `#/scans/${encodeURIComponent(scanId)}`, t: "outbox.see" }));
      }),
    );
  }

  row(entry) {
    const name = readable(entry.filename || t("outbox.nameless"), 60);
    if (!this.pictures.has(entry.id)) this.pictures.set(entry.id, URL.createObjectURL(new Blob([entry.data], { type: entry.type })));
    const refused = entry.state === "refused";
    const state = refused ? t("outbox.refused", { detail: errorWords(entry.problem) }) : t("outbox.waiting");
    return h(
      "li",
      { class: "outbox-row" },
      h("img", { class: "outbox-picture", src: this.pictures.get(entry.id), alt: t("outbox.photo_of", { filename: name }) }),
      h("div", { class: "outbox-words" }, h("strong", {}, text(name)), h("span", { class: "pix-soft" }, `${when(new Date(entry.at).toISOString())} · `, h("bdi", {}, state))),
      refused && h("button", { type: "button", class: "pix-icon", "aria-label": t("outbox.retry", { filename: name }), on: { click: () => this.again(entry.id) } }, sprite("retry")),
      h("button", { type: "button", class: "pix-icon", "aria-label": t("outbox.cancel", { filename: name }), on: { click: () => remove(entry.id) } }, sprite("close")),
    );
  }

  async again(id) {
    await retry(id);
    await outbox.send();
  }
}
