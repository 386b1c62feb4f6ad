// How far a batch is: a bar with a part for each status, and the same in words.

import { h, text } from "../dom.js";
import { duration, number, t } from "../i18n.js";
import { said } from "../reading/tags.js";
import { sprite } from "../sprites.js";

const ORDER = ["completed", "partial", "retake_required", "failed", "expired", "cancelled", "running", "queued"];
const STATE_SPRITES = { open: "hourglass", running: "running", completed: "completed", cancelled: "cancelled" };
const STATE_KINDS = { completed: "ok", open: "warn" };

export function stateTag(status) {
  return h("span", { class: `pix-tag ${STATE_KINDS[status] ?? ""}`, "data-state": status }, sprite(STATE_SPRITES[status] ?? "unknown", { size: 12 }), t(`batches.state.${status}`));
}

export function batchName(batch) {
  return batch.name ? text(batch.name) : h("span", {}, t("batches.unnamed"));
}

export function progressBar(batch, label) {
  const counts = batch.counts ?? {};
  const part = (status) => {
    const node = h("i", { "data-status": status });
    node.style.setProperty("flex-grow", String(counts[status]));
    return node;
  };
  const bar = h("div", { class: "parts", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": String(batch.total), "aria-valuenow": String(batch.done), "aria-label": label }, ORDER.filter((status) => counts[status] > 0).map(part));
  return bar;
}

export function countTags(batch) {
  const counts = batch.counts ?? {};
  const tag = (status) => h("li", { "data-status": status }, sprite(status, { size: 24 }), h("span", {}, said("status", status)), h("strong", {}, number(counts[status])));
  return h("ul", { class: "counts" }, ORDER.filter((status) => counts[status] > 0).map(tag));
}

/** How long it will still take, or took. */
export function pace(batch) {
  if (batch.finished_at) return t("batches.took", { time: duration(new Date(batch.finished_at) - new Date(batch.created_at)) });
  if (batch.eta_s === null || batch.eta_s === undefined || batch.total === batch.done) return "";
  return t("batches.eta", { time: duration(1000 * Math.max(1, Math.round(batch.eta_s))) });
}
