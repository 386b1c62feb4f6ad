// The life of one scan in the browser: check, resize, send, follow, retry, cancel. scan-card.js shows it.

import { agent } from "./agent.js";
import { ApiError, online, pause, upload } from "./api.js";
import { lang } from "./i18n.js";
import { inspect, shrink } from "./photo-prep.js";
import { beep } from "./sound.js";

const AT_ONCE = 3; // a browser opens six connections to a server, and the live numbers need some of them
const BACK_OFF_MS = [1000, 2000, 4000, 8000, 15000];
const BUSY_TRIES = 30;
const FAULT_TRIES = 3;
const LOST_TRIES = 2; // then the photo is stored until the server is back
const BUSY = new Set(["checking", "waiting", "uploading", "sent", "queued", "running", "retrying"]);
const ENDED = new Set(["done", "retake", "failed", "cancelled"]);

const busy = new Set();
let running = 0;
const turns = [];

async function turn(signal) {
  while (running >= AT_ONCE && !signal.aborted) await new Promise((resolve) => (turns.push(resolve), signal.addEventListener("abort", resolve, { once: true })));
  signal.throwIfAborted();
  running += 1;
}

function next() {
  running -= 1;
  turns.splice(0).forEach((wake) => wake());
}

/** States: checking, asks, waiting, uploading, sent, queued, running, retrying, kept; final states: done, retake, failed,
 * cancelled. `share`: sent part of the upload; `place`: queue position; `stage`: on the server; `words`: streamed. */
export class ScanJob {
  /** @type {AbortController} */
  stopper;
  /** @type {Blob[]} the photos to send, resized; undefined before the first try */
  sent;
  /** @type {any[]} the result of `inspect` for each photo */
  seen;
  /** @type {Record<string, string>} */
  fields;
  /** @type {string[]} the streamed text of each part */
  texts;
  /** @type {string} */
  key;
  /** @type {((blob: Blob, name: string, fields: Record<string, string>, key: string | null) => Promise<any>) | undefined} */
  keep;

  constructor({ task, photos, question = "", storeId = "", options = {} }) {
    this.task = task;
    this.photos = photos;
    this.question = question;
    this.storeId = storeId;
    this.options = options;
    this.id = ++jobs;
    this.at = Date.now();
    this.state = "checking";
    this.share = 0;
    this.place = null;
    this.stage = null;
    this.words = "";
    this.retry = null; // {until, why, error}
    this.advice = [];
    this.force = false;
    this.answer = null;
    this.error = null;
    this.listeners = new Set();
  }

  get ended() {
    return ENDED.has(this.state);
  }

  /** Call `listener(job, changed)`: `changed` is "state" for a new state, else the name of the changed field. */
  on(listener) {
    this.listeners.add(listener);
  }

  /** Check the photos, then scan; resolves when the job has ended, asks the user, or is stored in the outbox. */
  async start() {
    this.stopper = new AbortController();
    try {
      this.to("checking");
      this.seen = await Promise.all(this.photos.map(({ blob }) => inspect(blob)));
      this.tell("photos");
      this.advice = [...new Set(this.seen.flatMap((seen) => seen.advice))];
      this.stopper.signal.throwIfAborted();
      if (this.advice.length) {
        this.to("asks");
        agent.state("retake");
        return beep("retake");
      }
    } catch (error) {
      return this.fail(error);
    }
    await this.scan();
  }

  /** Continue after advice, after a request for a retake, or after a failure. */
  async scan({ force = this.force } = {}) {
    if (!this.ended && this.state !== "checking" && this.state !== "asks") return;
    this.force = force;
    this.stopper = new AbortController();
    this.key = newKey();
    this.fields = this.asked(); // fixed together with the key: a retry must be the same request
    this.share = 0;
    this.place = null;
    this.stage = null;
    this.words = "";
    this.texts = [];
    this.answer = null;
    this.error = null;
    this.to("waiting");
    let mine = false;
    try {
      await turn(this.stopper.signal);
      mine = true;
      this.sent ??= await Promise.all(this.photos.map(({ blob }, i) => shrink(blob, this.seen[i], this.task)));
      const answer = await this.send();
      if (answer) this.finish(answer);
    } catch (error) {
      this.fail(error);
    } finally {
      if (mine) next();
    }
  }

  cancel() {
    this.stopper?.abort();
    if (!this.ended) this.to("cancelled");
  }

  /** Accept the reading of a photo that the outbox sent later. */
  finish(answer) {
    this.answer = answer;
    const retake = answer.status === "retake_required";
    this.to(retake ? "retake" : "done");
    agent.state(retake ? "retake" : "found");
    beep(retake ? "retake" : "found");
  }

  async send() {
    // While the server is unreachable, do not retry: a photo that was never sent can be queued.
    if (!online.get() && (await this.putBy())) return null;
    for (let tries = 0; ; tries++) {
      try {
        return await this.attempt();
      } catch (error) {
        if (!(error instanceof ApiError) || this.stopper.signal.aborted) throw error;
        const wait = this.patience(error, tries);
        if (wait === null) throw error;
        if (error.status === 0 && tries >= LOST_TRIES && (await this.putBy(this.key))) return null;
        await this.wait(wait, error);
      }
    }
  }

  /** Milliseconds until the next try; null if a retry is useless. */
  patience(error, tries) {
    const usual = BACK_OFF_MS[Math.min(tries, BACK_OFF_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    if (error.status === 0) return usual;
    // 409: after a server crash the scan's key is still reserved for a short time.
    if ([409, 503].includes(error.status) && error.retryAfter !== null) return tries < BUSY_TRIES ? error.retryAfter * 1000 + 400 * Math.random() : null;
    const passing = [408, 429, 503].includes(error.status) || /^http_50[24]$/.test(error.code);
    return passing && tries < FAULT_TRIES ? usual : null;
  }

  async wait(ms, error) {
    this.retry = { until: Date.now() + ms, why: error.status === 0 ? "lost" : "busy", error };
    this.to("retrying");
    if (error.status !== 0) agent.state("overloaded");
    const early = new AbortController();
    this.stopper.signal.addEventListener("abort", () => early.abort(), { once: true });
    if (error.status === 0) online.subscribe((up) => up && early.abort(), early.signal);
    this.again = () => early.abort();
    await pause(ms, early.signal);
    early.abort();
    this.stopper.signal.throwIfAborted();
  }

  /** Store the photo in the outbox, which outlives this page; false if impossible. `key`: the key of an earlier try.
   *
   * @param {string | null} key */
  async putBy(key = null) {
    if (this.photos.length > 1 || !this.keep) return false;
    const entry = await this.keep(this.sent[0], this.photos[0].name, this.fields, key);
    if (!entry) return false;
    this.keptAs = entry.id;
    this.to("kept");
    return true;
  }

  /** @returns {Record<string, string>} */
  asked() {
    /** @type {Record<string, string>} */
    const options = Object.keys(this.options).length ? { options: JSON.stringify(this.options) } : {};
    return {
      task: this.task.id,
      lang: lang(),
      ...(this.question ? { question: this.question } : {}),
      ...(this.storeId ? { store_id: this.storeId } : {}),
      ...(this.force ? { force: "true" } : {}),
      ...options,
    };
  }

  attempt() {
    const form = new FormData();
    for (const [name, value] of Object.entries(this.fields)) form.append(name, value);
    this.sent.forEach((blob, i) => form.append("photos", blob, this.photos[i].name || "photo.jpg"));
    this.share = 0;
    this.place = null;
    this.stage = null;
    this.words = "";
    this.texts = [];
    this.retry = null;
    this.to("uploading");
    return upload("/v1/scans?stream=true&priority=interactive", form, {
      signal: this.stopper.signal,
      headers: { "Idempotency-Key": this.key },
      onProgress: (share) => {
        this.share = share;
        if (share === 1 && this.state === "uploading") this.to("sent");
        else this.tell("share");
      },
      onEvent: (name, data) => this.hear(name, data),
    });
  }

  hear(name, data) {
    if (name === "queued") {
      this.place = { position: data.position, ms: data.estimated_ms, at: Date.now() };
      if (this.state === "queued") this.tell("place");
      else this.to("queued");
    } else if (name === "stage") {
      this.stage = data.stage;
      this.to("running");
    } else if (name === "text") {
      const which = data.photo ?? 0;
      this.texts[which] = data.restart ? data.text : (this.texts[which] ?? "") + data.text;
      this.words = this.texts.filter(Boolean).join("\n\n");
      this.tell("words");
    }
  }

  fail(error) {
    if (this.stopper.signal.aborted || error?.name === "AbortError") {
      if (!this.ended) this.to("cancelled");
      return;
    }
    this.error = error instanceof ApiError ? error : new ApiError({ code: "unexpected", detail: String(error?.message ?? error) });
    this.to("failed");
    if (error?.status === 503) agent.state("overloaded");
    beep("fail");
  }

  to(state) {
    this.state = state;
    if (BUSY.has(state)) busy.add(this);
    else busy.delete(this);
    if (online.get()) agent.state(busy.size ? "scanning" : "idle");
    this.tell("state");
  }

  tell(changed) {
    for (const listener of [...this.listeners]) listener(this, changed);
  }
}
let jobs = 0;

/** An Idempotency-Key: sending a scan twice runs it once. Pages without https have no randomUUID. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
