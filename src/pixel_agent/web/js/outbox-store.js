// The outbox in IndexedDB: stores photos until the server is reachable, then sends them. Used by the page and sw.js.

const NAME = "pixel-agent";
const STORE = "outbox";
const LOCK = "pixel-agent-outbox";
const CHANNEL = "pixel-agent-outbox";
const SCANS = "/v1/scans?priority=interactive"; // as in the scan view: the same key means the same request
const ACCEPT_MS = 60_000; // longest wait until a scan is accepted
const ANSWER_MS = 300_000; // longest wait for a synchronous answer: queue and inference included
const AGAIN = new Set([401, 403, 408, 409, 425, 429]); // these, and every 5xx, may be temporary

/** A photo could not be stored: `code` is "full" (no space on this device) or "unavailable" (no storage at all). */
export class OutboxError extends Error {
  constructor(code, cause) {
    super(code, { cause });
    this.name = "OutboxError";
    this.code = code;
  }
}

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      request.result.onclose = () => (opened = null);
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
  opened.catch(() => (opened = null));
  return opened;
}

/** Run `act` in one transaction; resolves when it is on the disk. */
async function transact(mode, act) {
  try {
    const database = await open();
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request?.error);
    });
  } catch (error) {
    throw new OutboxError(error?.name === "QuotaExceededError" ? "full" : "unavailable", error);
  }
}

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);
const listeners = new Set();
if (channel) channel.onmessage = (event) => tellHere(event.data);

function tellHere(news) {
  for (const listener of [...listeners]) listener(news);
}

function tell(news = {}) {
  tellHere(news);
  channel?.postMessage(news);
}

/** `listener({sent: {id, scanId, filename, reading}} | {})` whenever the outbox changes, in any tab; `reading` is null
 * for a photo that the server reads later. */
export function subscribe(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
}

/** Store a photo until it can be sent. `fields` are those of a scan; `key` is the Idempotency-Key of an earlier
 * synchronous request, if there was one: the server may have the photo already, and repeats the answer of a key only in
 * the form of the first request (`later` or not). Raises OutboxError.
 *
 * @param {Blob} photo @param {string} filename @param {Record<string, string>} fields @param {string | null} key */
export async function add(photo, filename, fields, key = null) {
  const id = newId();
  // The bytes, not the Blob: a file chosen from a card may be gone when the network is back.
  const entry = { id, key: key ?? id, at: Date.now(), filename, type: photo.type, data: await photo.arrayBuffer(), fields, later: key === null, state: "waiting", tries: 0, problem: null };
  await transact("readwrite", (store) => store.add(entry));
  tell();
  return entry;
}

/** All stored photos, oldest first. */
export async function list() {
  const entries = await transact("readonly", (store) => store.getAll());
  return entries.sort((a, b) => a.at - b.at);
}

/** Delete a photo. */
export async function remove(id) {
  await transact("readwrite", (store) => store.delete(id));
  tell();
}

/** Mark a refused photo for another try. */
export async function retry(id) {
  const entry = await transact("readonly", (store) => store.get(id));
  if (entry) await put({ ...entry, state: "waiting", problem: null });
}

async function put(entry) {
  // Only if it still exists: it may have been cancelled meanwhile.
  await transact("readwrite", (store) => {
    const found = store.get(entry.id);
    found.onsuccess = () => found.result && store.put(entry);
    return found;
  });
  tell();
}

/** Send the waiting photos one by one, under a lock shared by all tabs and the service worker. Resolves to the
 * milliseconds until the next try, or null if no photo waits. Its own Idempotency-Key protects each from a second scan.
 *
 * Waits for the lock: its owner may have listed the photos before the newest one was stored. */
export async function flush() {
  const locks = globalThis.navigator?.locks;
  return locks ? locks.request(LOCK, sendAll) : sendAll();
}

async function sendAll() {
  for (const entry of await list()) {
    if (entry.state !== "waiting") continue;
    const wait = await sendOne(entry);
    if (wait !== null) return wait;
  }
  return null;
}

/** Send one photo; returns the time to wait if the server is not available now. */
async function sendOne(entry) {
  let answer, body;
  try {
    [answer, body] = await post(entry);
    if (entry.later && String(body.code).startsWith("store_")) {
      // A server without a database cannot answer later: ask for a synchronous answer from now on.
      entry = { ...entry, later: false };
      await put(entry);
      [answer, body] = await post(entry);
    }
  } catch {
    return pauseAfter(entry.tries);
  }
  if (answer.ok) {
    await transact("readwrite", (store) => store.delete(entry.id));
    tell({ sent: { id: entry.id, scanId: body.scan_id ?? null, filename: entry.filename, reading: entry.later ? null : body } });
    return null;
  }
  if (answer.status >= 500 || AGAIN.has(answer.status)) {
    await put({ ...entry, tries: entry.tries + 1 });
    const seconds = Number.parseFloat(answer.headers.get("Retry-After") ?? "");
    return Number.isFinite(seconds) ? seconds * 1000 : pauseAfter(entry.tries);
  }
  const problem = { status: answer.status, code: body.code ?? `http_${answer.status}`, detail: body.detail ?? body.title ?? "", advice: body.advice ?? "" };
  await put({ ...entry, state: "refused", tries: entry.tries + 1, problem });
  return null;
}

async function post(entry) {
  const answer = await fetch(SCANS, {
    method: "POST",
    headers: { ...(entry.later && { Prefer: "respond-async" }), "Idempotency-Key": entry.key, Accept: "application/json" },
    body: formOf(entry),
    cache: "no-store",
    signal: AbortSignal.timeout(entry.later ? ACCEPT_MS : ANSWER_MS),
  });
  return [answer, await answer.json().catch(() => ({}))];
}

function formOf(entry) {
  const form = new FormData();
  for (const [name, value] of Object.entries(entry.fields)) {
    if (value !== null && value !== undefined && value !== "") form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  form.append("photos", new Blob([entry.data], { type: entry.type }), entry.filename || "photo.jpg");
  return form;
}

const pauseAfter = (tries) => Math.min(60_000, 2000 * 2 ** Math.min(tries, 5));

/** A random id that cannot be guessed; pages without https have no randomUUID. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `outbox-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
