// The page's HTTP client: JSON, uploads with progress, event streams that resume, and whether the server is reachable.

/** A failed request. `code` is the server's stable code; `offline` (status 0) without an answer. */
export class ApiError extends Error {
  /** @param {{status?: number, code?: string, title?: string, detail?: string, advice?: string, retryAfter?: number | null}} problem */
  constructor({ status = 0, code = "offline", title = "", detail = "", advice = "", retryAfter = null }) {
    super(detail || title || code);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.advice = advice;
    this.retryAfter = retryAfter;
  }
}

const POLL_MS = [1000, 2000, 3000, 5000];
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000, 15000];

/** Whether the server answers: `get()`, `subscribe(listener, signal)`. If not, it is polled until it answers. */
export const online = (() => {
  const listeners = new Set();
  let up = true;
  let tries = 0;
  let timer = 0;
  const set = (now) => {
    if (now) tries = 0;
    if (now === up) return;
    up = now;
    for (const listener of [...listeners]) listener(up);
    if (!up) ask();
  };
  const ask = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (up) return;
      try {
        const answer = await fetch("/livez", { cache: "no-store" });
        if (answer.ok) return set(true);
      } catch {
        // still unreachable
      }
      ask();
    }, POLL_MS[Math.min(tries++, POLL_MS.length - 1)]);
  };
  addEventListener("online", () => !up && ((tries = 0), ask()));
  return {
    get: () => up,
    set,
    subscribe(listener, signal) {
      listeners.add(listener);
      signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
})();

/** @param {string} path @param {{signal?: AbortSignal}} [options] */
export const getJSON = (path, { signal } = {}) => send("GET", path, null, { signal });

/** Request JSON, or send JSON or a FormData. Resolves to its JSON, null for 204. Raises ApiError; AbortError on abort.
 *
 * @param {string} method @param {string} path @param {unknown} body
 * @param {{signal?: AbortSignal, headers?: Record<string, string>}} [options] */
export async function send(method, path, body = null, { signal, headers = {} } = {}) {
  const isForm = body instanceof FormData;
  /** @type {Record<string, string>} */
  const type = body === null || isForm ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: { Accept: "application/json", ...type, ...headers },
      body: isForm ? body : body === null ? null : JSON.stringify(body),
      cache: method === "GET" ? "no-cache" : "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    online.set(false);
    throw new ApiError({});
  }
  online.set(true);
  if (!answer.ok) throw problem(answer.status, await answer.text(), (name) => answer.headers.get(name));
  return answer.status === 204 ? null : answer.json();
}

function problem(status, body, header) {
  let said = {};
  try {
    said = JSON.parse(body);
  } catch {
    // a proxy answered, not in the server's format
  }
  const seconds = Number.parseFloat(header("Retry-After") ?? "");
  return new ApiError({
    status,
    code: said.code ?? `http_${status}`,
    title: said.title ?? `HTTP ${status}`,
    detail: said.detail ?? "",
    advice: said.advice ?? "",
    retryAfter: Number.isFinite(seconds) ? seconds : null,
  });
}

const aborted = () => new DOMException("Aborted", "AbortError");

/** POST a form. Calls `onProgress(share)` (0–1) during the upload and `onEvent(name, data)` for each streamed event.
 *
 * Resolves to the JSON answer, or to the data of the event `done`; an event `error` is raised as ApiError.
 *
 * @param {string} path @param {FormData} formData
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void, onEvent?: (name: string, data: any) => void, headers?: Record<string, string>}} [options]
 * @returns {Promise<any>} */
export function upload(path, formData, { signal, onProgress = () => {}, onEvent = () => {}, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted());
    const request = new XMLHttpRequest();
    let answer;
    let failure = null;
    const parser = eventParser((name, data) => {
      if (name === "done") answer = data;
      else if (name === "error") failure = new ApiError({ ...data, retryAfter: data.estimated_wait_ms ? data.estimated_wait_ms / 1000 : null });
      onEvent(name, data);
    });
    let read = 0;
    const more = () => {
      if (!request.getResponseHeader("Content-Type")?.startsWith("text/event-stream")) return;
      parser(request.responseText.slice(read));
      read = request.responseText.length;
    };
    const lost = () => {
      online.set(false);
      reject(failure ?? new ApiError({}));
    };
    request.open("POST", path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.upload.onload = () => onProgress(1);
    request.onprogress = more;
    request.onerror = lost;
    request.onabort = () => reject(aborted());
    request.onload = () => {
      online.set(true);
      if (request.status >= 400) return reject(problem(request.status, request.responseText, (name) => request.getResponseHeader(name)));
      more();
      if (failure) return reject(failure);
      if (request.getResponseHeader("Content-Type")?.startsWith("text/event-stream")) return answer === undefined ? lost() : resolve(answer);
      try {
        resolve(request.responseText ? JSON.parse(request.responseText) : null);
      } catch {
        reject(new ApiError({ status: request.status, code: "unreadable" }));
      }
    };
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(formData);
  });
}

/** Parser of event streams: feed it text; it calls `tell(name, data, id)` for each complete event. Parses JSON data. */
export function eventParser(tell) {
  let rest = "";
  let id = null;
  return (chunk) => {
    rest += chunk.replace(/\r\n?/g, "\n");
    let end;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      const lines = rest.slice(0, end).split("\n");
      rest = rest.slice(end + 2);
      let name = "message";
      const data = [];
      for (const line of lines) {
        const [, field, value] = /** @type {RegExpExecArray} */ (/^([^:]*):? ?(.*)$/s.exec(line)); // matches any line
        if (field === "event") name = value;
        else if (field === "data") data.push(value);
        else if (field === "id") id = value;
      }
      if (data.length) tell(name, parsed(data.join("\n")), id);
    }
  };
}

function parsed(words) {
  try {
    return JSON.parse(words);
  } catch {
    return words;
  }
}

/** Listen to server-sent events until `signal` aborts or `onEvent(name, data, id)` returns false.
 *
 * Reconnects with growing delays, from the last id on. `onState` is called with "open" and "waiting". Resolves when the
 * stream ends; raises ApiError only for a refusal that a retry does not change (4xx).
 *
 * @param {string} path
 * @param {{signal?: AbortSignal, onEvent: (name: string, data: any, id: string | null) => unknown, lastId?: string | null, onState?: (state: "open" | "waiting") => void}} options */
export async function events(path, { signal, onEvent, lastId = null, onState = () => {} }) {
  let failures = 0;
  while (!signal?.aborted) {
    try {
      const answer = await fetch(path, {
        signal,
        headers: { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": String(lastId) }) },
        cache: "no-store",
      });
      online.set(true);
      if (!answer.ok) {
        const refused = problem(answer.status, await answer.text(), (name) => answer.headers.get(name));
        if (answer.status < 500 && answer.status !== 429) throw refused;
        throw new TypeError(refused.code);
      }
      onState("open");
      let over = false;
      const parser = eventParser((name, data, id) => {
        failures = 0;
        if (id !== null) lastId = id;
        if (!over && onEvent(name, data, id) === false) over = true;
      });
      const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body).pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        parser(part.value);
        if (over) return await reader.cancel();
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof ApiError) throw error;
      if (error instanceof TypeError && !navigator.onLine) online.set(false);
    }
    onState("waiting");
    await pause(BACK_OFF_MS[Math.min(failures++, BACK_OFF_MS.length - 1)], signal);
  }
}

/** Wait; ends early, without an error, when `signal` aborts.
 *
 * @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
