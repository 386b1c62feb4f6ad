// Delays the deletion of scans by some seconds, so that the user can undo it. Shared by all views.

import { send } from "./api.js";
import { toast } from "./dom.js";
import { errorWords } from "./errors.js";
import { offerUndo } from "./undo.js";

const waiting = new Map();
const gone = new Set();
const listeners = new Set();

export const deletions = {
  /** Whether the scan is deleted or will be; lists leave it out. */
  has: (id) => waiting.has(id) || gone.has(id),

  /** Deletes the scans when the time to undo is over. Listeners are notified of every change. */
  ask(ids, message) {
    const group = { ids: [...ids] };
    for (const id of group.ids) waiting.set(id, group);
    tell();
    group.bar = offerUndo(message, { undo: () => forget(group), commit: () => run(group) });
  },

  subscribe(listener, signal) {
    listeners.add(listener);
    signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
  },
};

async function run(group) {
  const failed = [];
  let reason = null;
  for (const id of group.ids) {
    try {
      await send("DELETE", path(id));
      gone.add(id);
    } catch (error) {
      if (error.status === 404) gone.add(id);
      else [reason] = [error, failed.push(id)];
    }
    waiting.delete(id);
  }
  if (failed.length === 0) return;
  tell();
  toast(errorWords(reason), { kind: "fail" });
}

function forget(group) {
  for (const id of group.ids) waiting.delete(id);
  tell();
}

function tell() {
  for (const listener of [...listeners]) listener();
}

const path = (id) => `/v1/scans/${encodeURIComponent(id)}`;

// When the page is left, delete at once.
addEventListener("pagehide", () => {
  for (const id of waiting.keys()) fetch(path(id), { method: "DELETE", keepalive: true }).catch(() => {});
});
