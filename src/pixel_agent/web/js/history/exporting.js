// The export control of the history and of batches: choose a format, download the file.

import { getJSON } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { sprite } from "../sprites.js";

const FORMATS = ["csv", "xlsx", "jsonl", "coco", "html"];
const LOOK_MS = 500;
const MAX_TRIES = 4;
let fields = 0;

/** A select and a button. `query()` returns the filters of the export, or null if there is nothing to export. */
export function exportControl({ query, label }) {
  const id = `export-${++fields}`;
  const select = h("select", { class: "pix-field", id }, FORMATS.map((format) => h("option", { value: format, t: `history.format.${format}` })));
  const words = h("span", { t: label });
  const go = h("button", { type: "button", class: "pix-button small", "data-do": "export" }, sprite("download", { size: 24 }), words);
  go.addEventListener("click", () => {
    const asked = query();
    if (asked !== null) fetchFile(select.value, asked, progress);
  });
  const progress = h("span", { class: "export-progress", role: "status", hidden: true });
  const name = h("label", { class: "unseen", for: id, t: "history.format" });
  return { node: h("div", { class: "export" }, name, select, go, progress), words };
}

function fetchFile(format, query, progress) {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const link = h("a", { href: `/v1/exports?format=${format}&lang=${t("lang.code")}&export_id=${id}&${query}`, rel: "noopener" });
  if (format === "html") link.target = "_blank";
  else link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
  if (format !== "html") follow(id, progress);
}

/** Show the progress of an export until it ends or the server does not know it. A newer export replaces it. */
async function follow(id, progress) {
  progress.dataset.export = id;
  let known = false;
  for (let tries = 0; progress.dataset.export === id && progress.isConnected !== false; tries++) {
    let now = null;
    try {
      now = await getJSON(`/v1/exports/${id}`);
    } catch {
      break; // the server is unreachable
    }
    known ||= now !== null;
    if (now === null && (known || tries >= MAX_TRIES)) break; // it runs in another process, or was refused
    if (now?.finished || progress.dataset.export !== id) break;
    progress.hidden = now === null;
    if (now !== null) progress.textContent = t("history.export_progress", { done: now.scans_done, total: now.scans_total });
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  if (progress.dataset.export === id) progress.hidden = true;
}
