// Choosing a form and getting the file; used by the history and by batches.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { sprite } from "../sprites.js";

const FORMATS = ["csv", "xlsx", "jsonl", "coco", "html"];
let fields = 0;

/** A select and a button. `query()` gives the filters of the export, or null for nothing. */
export function exportControl({ query, label }) {
  const id = `export-${++fields}`;
  const select = h("select", { class: "pix-field", id }, FORMATS.map((format) => h("option", { value: format, t: `history.format.${format}` })));
  const words = h("span", { t: label });
  const go = h("button", { type: "button", class: "pix-button small", "data-do": "export" }, sprite("download", { size: 24 }), words);
  go.addEventListener("click", () => {
    const asked = query();
    if (asked !== null) fetchFile(select.value, asked);
  });
  return { node: h("div", { class: "export" }, h("label", { class: "unseen", for: id, t: "history.format" }), select, go), words };
}

function fetchFile(format, query) {
  const link = h("a", { href: `/v1/exports?format=${format}&lang=${t("lang.code")}&${query}`, rel: "noopener" });
  if (format === "html") link.target = "_blank";
  else link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}
