// Uploads of batches. They continue while other views are shown, and wait while the server is busy or unreachable.

import { getJSON, online, pause, send, upload } from "../api.js";

const CHUNK_PHOTOS = 6;
const CHUNK_BYTES = 12_000_000;
const BUSY_S = 5; // wait if a busy server sends no Retry-After
const ASKED_PAGES = 60; // of 200 scans: limit of the search for photos that the batch already has

const running = new Map();
const listeners = new Set();

export const uploads = {
  /** The running upload of a batch on this page, or null: {sent, total, bytes, skipped, refused, state, why}. */
  of: (batchId) => running.get(batchId) ?? null,

  subscribe(listener, signal) {
    listeners.add(listener);
    signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
  },

  /** Opens a batch and sends its photos; resolves to the batch when the first ones have arrived. Raises ApiError. */
  async start(files, fields) {
    const { photos, archives } = files;
    const key = keyOf(files, fields);
    const parts = [...archives.map((file) => [file]), ...chunks(photos)];
    const form = formOf(parts[0]);
    for (const [name, value] of Object.entries({ ...fields, open: "true" })) if (value) form.append(name, value);
    const batch = await upload("/v1/batches", form, { headers: { "Idempotency-Key": key } });
    const job = begin(batch.batch_id, { photos, archives });
    settle(job, parts[0], batch);
    run(job, parts.slice(1));
    return batch;
  },

  /** Sends the missing photos to an open batch. */
  async resume(batchId, { photos, archives }) {
    const job = begin(batchId, { photos, archives });
    const there = await known(batchId);
    const left = [];
    for (const photo of photos) {
      if (await isThere(photo, there)) job.skipped += 1;
      else left.push(photo);
    }
    job.sent = job.skipped;
    tell(job);
    run(job, [...archives.map((file) => [file]), ...chunks(left)]);
  },

  stop(batchId) {
    const job = running.get(batchId);
    if (!job) return;
    job.state = "stopped";
    job.abort.abort();
    tell(job);
  },

  /** Continues after a stop. */
  again(batchId) {
    const job = running.get(batchId);
    if (!job || !["stopped", "paused"].includes(job.state)) return;
    job.abort = new AbortController();
    run(job, job.left);
  },

  forget: (batchId) => running.delete(batchId),
};

/** An Idempotency-Key, equal for equal files and fields: a repeated first request makes no second batch. */
function keyOf(files, fields) {
  files.keys ??= new Map();
  const asked = JSON.stringify(fields);
  if (!files.keys.has(asked)) files.keys.set(asked, crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
  return files.keys.get(asked);
}

function begin(batchId, { photos, archives }) {
  const files = [...photos, ...archives];
  const job = { batchId, sent: 0, total: files.length, bytes: 0, skipped: 0, refused: [], left: [], state: "running", why: "", abort: new AbortController() };
  running.set(batchId, job);
  tell(job);
  return job;
}

async function run(job, parts) {
  job.state = "running";
  job.left = parts;
  tell(job);
  const { signal } = job.abort;
  const path = `/v1/batches/${encodeURIComponent(job.batchId)}`;
  while (job.left.length && !signal.aborted) {
    const part = job.left[0];
    try {
      const done = job.bytes;
      const weight = bytesOf(part);
      const onProgress = (share) => {
        job.bytes = done + share * weight;
        tell(job);
      };
      const batch = await upload(`${path}/photos`, formOf(part), { signal, onProgress });
      job.bytes = done;
      settle(job, part, batch);
      job.left = job.left.slice(1);
    } catch (error) {
      if (signal.aborted) return;
      if (!(await waited(job, error, signal))) return;
    }
  }
  if (signal.aborted) return;
  try {
    await close(path, job, signal);
  } catch (error) {
    pauseJob(job, error);
  }
}

async function close(path, job, signal) {
  for (;;) {
    try {
      await send("POST", `${path}/close`, null, { signal });
      job.state = "done";
      tell(job);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 409) return void (tell(Object.assign(job, { state: "done" })));
      if (!(await waited(job, error, signal))) return;
    }
  }
}

/** Whether to continue after an error; first waits until the server is reachable or no longer busy. */
async function waited(job, error, signal) {
  if (error.status === 0) {
    tell(Object.assign(job, { state: "offline" }));
    await back(signal);
  } else if (error.status === 503 || error.status === 429) {
    const seconds = error.retryAfter ?? BUSY_S;
    tell(Object.assign(job, { state: "waiting", why: seconds }));
    await pause(1000 * seconds, signal);
  } else if (error.status === 413 || error.status === 415 || error.status === 422 || (error.status === 400 && job.left.length)) {
    refuse(job, error);
  } else {
    pauseJob(job, error);
    return false;
  }
  if (!signal.aborted) tell(Object.assign(job, { state: "running" }));
  return !signal.aborted;
}

/** Sends the photos of a refused request one by one, so that one bad file does not stop the others. */
function refuse(job, error) {
  const [part, ...rest] = job.left;
  if (part.length > 1) job.left = [...part.map((file) => [file]), ...rest];
  else {
    job.refused.push({ filename: part[0].name, error: { detail: error.detail || error.message, code: error.code } });
    job.sent += 1;
    job.left = rest;
  }
}

function pauseJob(job, error) {
  tell(Object.assign(job, { state: "paused", why: error }));
}

function settle(job, part, batch) {
  job.sent += part.length;
  job.bytes += bytesOf(part);
  job.refused.push(...(batch.refused ?? []));
  tell(job, batch);
}

function tell(job, batch = null) {
  for (const listener of [...listeners]) listener(job, batch);
}

function formOf(part) {
  const form = new FormData();
  for (const file of part) form.append(isZip(file) ? "archive" : "photos", file, file.name);
  return form;
}

const isZip = (file) => /\.zip$/i.test(file.name) || file.type === "application/zip";

const bytesOf = (part) => part.reduce((sum, file) => sum + file.size, 0);

function chunks(photos) {
  const parts = [];
  for (const photo of photos) {
    const last = parts.at(-1);
    if (last && last.length < CHUNK_PHOTOS && bytesOf(last) + photo.size <= CHUNK_BYTES) last.push(photo);
    else parts.push([photo]);
  }
  return parts;
}

/** The photos that the batch has already: file name and size → SHA-256 of each. */
async function known(batchId) {
  const there = new Map();
  let cursor = "";
  for (let page = 0; page < ASKED_PAGES; page += 1) {
    const found = await getJSON(`/v1/scans?batch_id=${encodeURIComponent(batchId)}&limit=200${cursor}`);
    for (const scan of found.scans) {
      const key = `${scan.filename}/${scan.photo?.bytes}`;
      there.set(key, [...(there.get(key) ?? []), scan.photo?.sha256]);
    }
    if (!found.next) break;
    cursor = `&cursor=${encodeURIComponent(found.next)}`;
  }
  return there;
}

/** Compares by hash only. Without hashes (plain http) the photo is sent, and the server recognises it. */
async function isThere(photo, there) {
  const hashes = there.get(`${photo.name}/${photo.size}`);
  if (!hashes || !crypto.subtle) return false;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await photo.arrayBuffer()));
  return hashes.includes([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
}

/** @param {AbortSignal} signal @returns {Promise<void>} */
function back(signal) {
  return new Promise((resolve) => {
    if (online.get() || signal.aborted) return void pause(1000, signal).then(resolve);
    online.subscribe((up) => up && resolve(), signal);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

addEventListener("beforeunload", (event) => {
  if ([...running.values()].some((job) => ["running", "waiting", "offline"].includes(job.state))) event.preventDefault();
});
