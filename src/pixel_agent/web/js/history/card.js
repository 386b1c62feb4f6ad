// One scan in the list of the history: thumbnail, task, summary, alerts and review.

import { h, text } from "../dom.js";
import { errorWords } from "../errors.js";
import { duration, t, when } from "../i18n.js";
import { FINAL, reviewTag, severityTag, simulatedTag, statusTag } from "../reading/tags.js";
import { sprite } from "../sprites.js";
import { taskName, taskSprite } from "../tasks.js";
import { readable } from "../untrusted.js";

const THUMBNAIL = 192; // pixels: twice the displayed size, for high-density screens

/** The card; calls `onSelect(checked)` and `onConfirm()`. */
export function scanCard(scan, { selected, onSelect, onConfirm }) {
  const name = [taskName(scan.task), scan.store_id, scan.received_at && when(scan.received_at)].filter(Boolean).map((part) => readable(part, 40)).join(" · ");
  const check = h("input", { type: "checkbox", checked: selected, "aria-label": t("history.select", { what: name }) });
  check.addEventListener("change", () => onSelect(check.checked));
  const counts = ["items", "findings", "alerts"].filter((part) => scan[part] > 0).map((part) => t(`history.${part}`, { n: scan[part] }));
  const meta = [scan.store_id && text(scan.store_id), when(scan.received_at), scan.filename && text(scan.filename), scan.total_ms !== null && duration(scan.total_ms)];
  return h(
    "li",
    { class: "scan pix-panel", "data-id": scan.scan_id, "data-status": scan.status, "data-selected": selected ? "" : null },
    h("label", { class: "scan__check pix-check" }, check),
    h(
      "a",
      { class: "scan__link", href: `#/scans/${encodeURIComponent(scan.scan_id)}` },
      thumbnail(scan, THUMBNAIL),
      h(
        "span",
        { class: "scan__words" },
        h("span", { class: "scan__title" }, sprite(taskSprite(scan.task), { size: 24 }), h("strong", {}, taskName(scan.task))),
        h("span", { class: "scan__tags" }, scan.simulated && simulatedTag(), statusTag(scan.status), scan.severity && severityTag(scan.severity), scan.review !== "none" && FINAL.has(scan.status) && reviewTag(scan.review)),
        h("span", { class: "scan__summary" }, scan.summary ? text(scan.summary) : scan.error ? errorWords(scan.error) : null),
        counts.length > 0 && h("span", { class: "scan__counts" }, counts.join(" · ")),
        h("span", { class: "scan__meta" }, meta.filter(Boolean).map((part) => h("span", {}, part))),
      ),
    ),
    scan.review === "advised" && onConfirm && h("button", { type: "button", class: "pix-button small scan__confirm", "aria-label": t("history.confirm_this", { what: name }), on: { click: onConfirm } }, sprite("ok", { size: 24 }), h("span", {}, t("history.confirm"))),
  );
}

/** A thumbnail that loads when it becomes visible; an icon if the photo is deleted. */
export function thumbnail(scan, size) {
  const frame = h("span", { class: "thumb", "aria-hidden": "true" });
  const lost = () => frame.replaceChildren(sprite("photo", { size: 48 }));
  if (!scan.photo || scan.photo.available === false) lost();
  else {
    const image = h("img", { src: `/v1/scans/${encodeURIComponent(scan.scan_id)}/thumbnail?size=${size}`, alt: "", loading: "lazy", decoding: "async" });
    image.addEventListener("error", lost);
    frame.append(image);
  }
  return frame;
}
