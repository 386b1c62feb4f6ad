// The server's live stats: one event stream shared by the whole page, closed while the page is hidden.

import { events, online } from "./api.js";

const listeners = new Set();
let stream = null; // {stop, history}
let latest = null;

/** Call `listener(name, data)` until `signal` aborts: `stats` each second; with `history` also `history` (at the start and after
 * each reconnect) and `point`; `lost` when the stream breaks.
 *
 * @param {(name: string, data: any) => void} listener @param {{signal?: AbortSignal, history?: boolean}} [options] */
export function listen(listener, { signal, history = false } = {}) {
  const entry = { listener, history };
  listeners.add(entry);
  if (latest && !history) listener("stats", latest);
  signal?.addEventListener("abort", () => (listeners.delete(entry), settle()), { once: true });
  settle(history);
}

/** Start, stop or renew the stream as needed; `renew` if a new listener needs the history. */
function settle(renew = false) {
  const history = [...listeners].some((entry) => entry.history);
  const wanted = listeners.size > 0 && !document.hidden;
  if (stream && (!wanted || renew || (history && !stream.history))) {
    stream.stop.abort();
    stream = null;
  }
  if (wanted && !stream) begin(history);
}

function begin(history) {
  const stop = new AbortController();
  stream = { stop, history };
  const onEvent = (name, data) => {
    if (stop.signal.aborted) return false;
    if (name === "stats") latest = data;
    tell(name, data);
    return true;
  };
  const onState = (state) => state === "waiting" && lost();
  events(`/v1/stats/events${history ? "?history=true" : ""}`, { signal: stop.signal, onEvent, onState }).catch(() => lost());
}

async function lost() {
  tell("lost", null);
  if (!online.get()) return;
  try {
    await fetch("/livez", { cache: "no-store" });
  } catch {
    online.set(false); // perhaps no other part of the page sends a request now
  }
}

function tell(name, data) {
  for (const { listener } of [...listeners]) listener(name, data);
}

document.addEventListener("visibilitychange", () => settle());
