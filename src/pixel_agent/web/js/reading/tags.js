// Small labels of a reading: status, severity, source, review. Each has an icon and a word, never colour alone.

import { h } from "../dom.js";
import { has, t } from "../i18n.js";
import { SOURCE_SIGNS } from "../photo-boxes.js";
import { sprite } from "../sprites.js";

const STATUS = { completed: "ok", partial: "warn", retake_required: "warn", failed: "bad", expired: "bad" };
const REVIEW = { advised: "warn", confirmed: "ok", corrected: "ok" };
const SEVERITY_KIND = { critical: "bad", major: "warn", minor: "warn", info: "" };

const SIGN = { size: 12 };

export const FINAL = new Set(["completed", "partial", "retake_required", "failed", "cancelled", "expired"]);

export function statusTag(status) {
  return h("span", { class: `pix-tag ${STATUS[status] ?? ""}`, "data-status": status }, sprite(status, SIGN), said("status", status));
}

export function reviewTag(review) {
  const picture = review === "none" ? "minus" : review;
  return h("span", { class: `pix-tag ${REVIEW[review] ?? ""}`, "data-review": review }, sprite(picture, SIGN), said("review", review));
}

export function severityTag(severity) {
  const kind = SEVERITY_KIND[severity] ?? "";
  return h("span", { class: `pix-tag severity ${kind}`, "data-severity": severity }, sprite(severity, SIGN), said("severity", severity));
}

export function simulatedTag() {
  return h("span", { class: "pix-tag simulated", title: t("reading.simulated_why") }, sprite("warn", SIGN), t("reading.simulated"));
}

export function changeTag(change) {
  const [name, kind] = { resolved: ["ok", "ok"], remaining: ["warn", "warn"], new: ["fail", "bad"] }[change] ?? ["unknown", ""];
  return h("span", { class: `pix-tag ${kind}`, "data-change": change }, sprite(name, SIGN), said("change", change));
}

/** The source of a row, further sources that confirm it, and the confidence. */
export function evidenceNode(row) {
  const others = (row.verified_by ?? []).map((source) => said("source", source)).join(" + ");
  return h(
    "span",
    { class: "evidence" },
    h("span", { class: "evidence__sign", "data-source": row.source, "aria-hidden": "true" }, SOURCE_SIGNS[row.source] ?? ""),
    h("span", {}, said("source", row.source)),
    typeof row.confidence === "number" && h("span", { class: "evidence__sure", title: t("reading.confidence", { percent: percent(row.confidence) }) }, percent(row.confidence)),
    others && h("span", { class: "evidence__more" }, sprite("ok", SIGN), t("reading.verified", { sources: others })),
  );
}

/** The translation of a known code; an unknown code unchanged. */
export function said(group, word) {
  return has(`${group}.${word}`) ? t(`${group}.${word}`) : String(word ?? "–");
}

const percent = (share) => `${Math.round(share * 100)}%`;
