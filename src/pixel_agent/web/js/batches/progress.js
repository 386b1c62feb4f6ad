// The progress of a batch: a bar with a part for each status, and a text.

import { h, text } from "../dom.js";
import { duration, number, t } from "../i18n.js";
import { said } from "../reading/tags.js";
import { sprite } from "../sprites.js";

const ORDER = ["completed", "partial", "retake_required", "failed", "expired", "cancelled", "running", "queued"];
const STATE_SPRITES = { open: "hourglass", running: "running", completed: "completed", cancelled: "cancelled" };
const STATE_KINDS = { completed: "ok", open: "warn", cancelled: "warn" };
const READ = ["completed", "partial", "retake_required"];

export function stateTag(status) {
  return h("span", { class: `pix-tag ${STATE_KINDS[status] ?? ""}`, "data-state": status }, sprite(STATE_SPRITES[status] ?? "unknown", { size: 12 }), t(`batches.state.${status}`));
}

export function batchName(batch) {
  return batch.name ? text(batch.name) : h("span", {}, t("batches.unnamed"));
}

/** The number of finished photos; for a cancelled batch, of photos that were read. */
export function share(batch) {
  const done = batch.status === "cancelled" ? READ.reduce((sum, status) => sum + (batch.counts?.[status] ?? 0), 0) : batch.done;
  return t(batch.status === "cancelled" ? "batches.progress_cancelled" : "batches.progress", { done, total: batch.total });
}

export function progressBar(batch, name) {
  const counts = batch.counts ?? {};
  const part = (status) => {
    const node = h("i", { "data-status": status });
    node.style.setProperty("flex-grow", String(counts[status]));
    return node;
  };
  const label = batch.status === "cancelled" ? `${name} · ${t("batches.state.cancelled")} · ${share(batch)}` : t("batches.progress_of", { name, done: batch.done, total: batch.total });
  return h("div", { class: "parts", "data-state": batch.status, role: "progressbar", "aria-valuemin": "0", "aria-valuemax": String(batch.total), "aria-valuenow": String(batch.done), "aria-label": label }, ORDER.filter((status) => counts[status] > 0).map(part));
}

export function countTags(batch) {
  const counts = batch.counts ?? {};
  const tag = (status) => h("li", { "data-status": status }, sprite(status, { size: 24 }), h("span", {}, said("status", status)), h("strong", {}, number(counts[status])));
  return h("ul", { class: "counts" }, ORDER.filter((status) => counts[status] > 0).map(tag));
}

/** The remaining time, or the time taken. */
export function pace(batch) {
  if (batch.finished_at) return t("batches.took", { time: duration(Date.parse(batch.finished_at) - Date.parse(batch.created_at)) });
  if (batch.eta_s === null || batch.eta_s === undefined || batch.total === batch.done) return "";
  return t("batches.eta", { time: duration(1000 * Math.max(1, Math.round(batch.eta_s))) });
}
