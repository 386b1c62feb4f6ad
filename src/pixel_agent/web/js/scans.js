// The list of this visit's scans, newest first. They continue while other views are shown.

import { getJSON } from "./api.js";
import { add } from "./i18n.js";
import { outbox } from "./outbox.js";
import { subscribe as onOutbox } from "./outbox-store.js";
import { ScanCard } from "./scan-card.js";
import { ScanJob } from "./scan-job.js";
import words from "./strings/jobs.js";

add(words);

const SHOWN = 24; // most cards on the page; older scans are in the history
const OUTBOX_WAIT_S = 60;

const cards = [];
const listeners = new Set();

export const scans = {
  /** The cards, newest first. */
  list: () => cards,

  /** Start a scan; its card calls `hooks.retake(job)` of the view. Returns the card. */
  submit(wanted, hooks) {
    const job = new ScanJob(wanted);
    job.keep = (blob, name, fields, key) => outbox.keep(blob, name, fields, key);
    const card = new ScanCard(job, { ...hooks, remove: () => remove(card), isNewest: () => cards[0] === card });
    for (const older of cards) older.fold();
    cards.unshift(card);
    for (const old of cards.slice(SHOWN)) if (old.job.ended) remove(old);
    tell();
    void job.start();
    return card;
  },

  /** Call `listener()` when a card is added or removed. */
  subscribe(listener, signal) {
    listeners.add(listener);
    signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
  },
};

function remove(card) {
  const at = cards.indexOf(card);
  if (at < 0) return;
  cards.splice(at, 1);
  card.end();
  tell();
}

function tell() {
  for (const listener of [...listeners]) listener();
}

// A stored photo was sent from the outbox: show the reading on its card.
onOutbox(async ({ sent }) => {
  const card = sent && cards.find(({ job }) => job.state === "kept" && job.keptAs === sent.id);
  if (!card || !sent.scanId) return;
  if (sent.reading) return card.job.finish(sent.reading);
  try {
    const record = await getJSON(`/v1/scans/${encodeURIComponent(sent.scanId)}?wait_s=${OUTBOX_WAIT_S}`);
    if (record.reading) card.job.finish(record.reading);
  } catch {
    // the outbox shows the link
  }
});

addEventListener("beforeunload", (event) => {
  if (cards.some(({ job }) => ["waiting", "uploading", "sent", "queued", "running", "retrying"].includes(job.state))) event.preventDefault();
});

