// The parts of a reading besides its rows: engine and time, alerts, warnings, quality, totals, times, the review log.

import { h, text } from "../dom.js";
import { errorNodes } from "../errors.js";
import { duration, has, lang, number, t, when } from "../i18n.js";
import { SEVERITIES, wordsOf } from "../rows.js";
import { sprite } from "../sprites.js";
import { taskName, taskSprite } from "../tasks.js";
import { FINAL, reviewTag, said, severityTag, simulatedTag, statusTag } from "./tags.js";

const STAGES = ["queue", "photo", "engine", "evidence", "reading"];
const MEASURES = ["sharpness", "brightness", "contrast", "glare"];

/** Status, task, store and time, with a clear notice if the answer is simulated. */
export function headNode(record, reading, level) {
  const simulated = record.simulated || reading?.simulated;
  return h(
    "header",
    { class: "reading__head" },
    level && h("div", { class: "reading__title" }, sprite(taskSprite(record.task), { size: 48 }), h(level, {}, taskName(record.task))),
    h("div", { class: "reading__tags" }, statusTag(record.status), FINAL.has(record.status) && record.review && record.review !== "none" && reviewTag(record.review), record.severity && severityTag(record.severity)),
    simulated && h("p", { class: "reading__simulated", role: "note" }, simulatedTag(), h("span", {}, t("reading.simulated_why"))),
    (reading?.summary || record.summary) && h("p", { class: "reading__summary" }, text(reading?.summary || record.summary)),
  );
}

/** A list of pairs: engine, store, times, file. */
export function aboutNode(record, reading) {
  const engine = reading?.engine;
  const image = reading?.image ?? record.photo;
  const pairs = [
    [t("reading.engine"), engine ? [text([engine.name, engine.model].filter(Boolean).join(" · ")), h("small", {}, text(engine.version))] : record.engine && text(record.engine)],
    [t("reading.store"), record.store_id && text(record.store_id)],
    [t("reading.time"), (record.received_at ?? reading?.captured_at) && when(record.received_at ?? reading.captured_at)],
    [t("reading.taken"), record.captured_at && record.captured_at !== record.received_at && when(record.captured_at)],
    [t("reading.file"), record.filename && text(record.filename)],
    [t("reading.photo"), image?.width && t("reading.pixels", { width: number(image.width), height: number(image.height) })],
    [t("reading.question"), record.question && text(record.question)],
    [t("reading.priority"), record.priority && record.priority !== "interactive" && said("priority", record.priority)],
    [t("reading.batch"), record.batch_id && h("a", { href: `#/batches/${encodeURIComponent(record.batch_id)}` }, t("reading.batch_open"))],
    [t("reading.rerun_of"), record.rerun_of && h("a", { href: `#/scans/${encodeURIComponent(record.rerun_of)}` }, t("reading.rerun_open"))],
  ];
  const shared = reading?.shared && h("p", { class: "pix-soft" }, t(`reading.shared.${reading.shared}`));
  return h("div", { class: "about" }, pairsList(pairs), shared);
}

export function alertsNode(reading, link) {
  const alerts = (reading?.alerts ?? []).map((alert, index) => ({ ...alert, index }));
  if (alerts.length === 0) return null;
  alerts.sort((one, other) => SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity));
  const line = (alert) => {
    const id = idOfAlert(alert, reading);
    const words = [severityTag(alert.severity), h("span", {}, text(alert.message))];
    const row = id ? h("button", { type: "button", class: "alerts__line", on: { click: () => link.select(id, "alerts"), focus: () => link.hover(id, "alerts"), blur: () => link.hover(null, "alerts") } }, words) : h("div", { class: "alerts__line" }, words);
    return h("li", {}, row);
  };
  return section("reading.alerts", h("ul", { class: "alerts" }, alerts.map(line)), "alerts-section");
}

export function noticesNode(reading) {
  const notices = [...(reading?.warnings ?? []), ...(reading?.image?.quality?.advice ?? [])];
  const once = [...new Map(notices.map((one) => [one.code, one])).values()];
  if (once.length === 0) return null;
  const line = (one) => h("li", {}, sprite("warn", { size: 24 }), h("span", {}, text(one.message)));
  return section("reading.warnings", h("ul", { class: "notices" }, once.map(line)));
}

export function totalsNode(reading, columns) {
  const pairs = Object.entries(reading?.totals ?? {}).filter(([, value]) => value !== null && (typeof value !== "object" || Object.keys(value).length));
  if (pairs.length === 0) return null;
  const name = (key) => (has(`total.${key}`) ? t(`total.${key}`) : text(`${key[0].toUpperCase()}${key.slice(1).replaceAll("_", " ")}`));
  return section("reading.totals", pairsList(pairs.map(([key, value]) => [name(key), totalNode(key, value, columns)])));
}

export function qualityNode(reading) {
  const quality = reading?.image?.quality;
  if (!quality) return null;
  const meter = (key) =>
    h("div", { class: "meter" }, h("span", {}, t(`reading.quality.${key}`)), h("span", { class: "pix-bar", "aria-hidden": "true" }, bar(quality[key])), h("span", {}, number(quality[key])));
  const tilt = quality.tilt_deg !== null && h("div", { class: "meter" }, h("span", {}, t("reading.quality.tilt")), h("span", {}), h("span", {}, `${number(quality.tilt_deg)}°`));
  const words = h("p", { class: quality.readable ? "" : "bad" }, sprite(quality.readable ? "ok" : "warn", { size: 24 }), " ", t(`reading.quality.${quality.readable ? "good" : "bad"}`));
  return folded("reading.quality", [words, MEASURES.map(meter), tilt], false);
}

export function timingsNode(reading) {
  const timings = reading?.timings ?? {};
  const stages = STAGES.filter((stage) => timings[stage] > 0);
  if (stages.length === 0) return null;
  const sum = stages.reduce((total, stage) => total + timings[stage], 0);
  const segment = (stage) => {
    const part = h("i", { "data-stage": stage });
    part.style.setProperty("flex-grow", String(Math.max(0.01, timings[stage] / sum)));
    return part;
  };
  const line = (stage) => h("li", { "data-stage": stage }, t("reading.timings.of", { stage: t(`stage.${stage}`), time: duration(timings[stage]) }));
  const tokens = reading.tokens && h("p", { class: "pix-soft" }, t("reading.tokens", Object.fromEntries(Object.entries(reading.tokens).map(([key, n]) => [key, number(n)]))));
  return section(
    "reading.timings",
    h("div", { class: "timings" }, h("div", { class: "timings__bar", "aria-hidden": "true" }, stages.map(segment)), h("ul", {}, stages.map(line), timings.total && h("li", { "data-stage": "total" }, t("reading.timings.of", { stage: t("stage.total"), time: duration(timings.total) }))), tokens),
  );
}

export function rawNode(record, reading) {
  if (!reading?.raw_text) return null;
  const open = record.status === "partial" && reading.items.length + reading.findings.length === 0;
  return folded("reading.raw", [h("p", { class: "pix-soft" }, t("reading.raw_why")), h("pre", { class: "raw pix-well", tabindex: "0" }, text(reading.raw_text))], open);
}

/** The review log, with an undo button for each entry. Without `takeBack(id)` there is no undo. */
export function logNode(record, columns, takeBack) {
  const reviews = record.reviews ?? [];
  if (reviews.length === 0) return null;
  const line = (one) =>
    h(
      "li",
      { "data-undone": one.undone ? "" : null, "data-action": one.action },
      h("p", {}, logWords(one), one.undone && h("span", { class: "pix-tag" }, t("reading.log.undone")), h("small", {}, " ", when(one.at))),
      one.action === "correct" && correctionWords(one, columns),
      one.comment && h("blockquote", {}, text(one.comment)),
      one.carried_from && h("p", { class: "pix-soft" }, t("reading.log.carried")),
      !one.undone && takeBack && h("button", { type: "button", class: "pix-button small", on: { click: () => takeBack(one.id) } }, t("reading.undo")),
    );
  return section("reading.log", h("ol", { class: "log" }, reviews.map(line)));
}

/** The error of a failed scan. */
export function problemNode(record) {
  const problem = record.problem ?? record.error;
  if (!problem) return null;
  return h(
    "section",
    { class: "pix-panel problem", role: "alert" },
    h("h2", {}, sprite("fail", { size: 24 }), " ", t("reading.failed")),
    errorNodes(problem),
  );
}

export function section(key, body, name = "") {
  return h("section", { class: `pix-panel ${name}` }, h("h2", { class: "pix-panel-title" }, t(key)), body);
}

function folded(key, body, open) {
  return h("details", { class: "pix-panel folded", open }, h("summary", {}, h("h2", {}, t(key))), body);
}

function pairsList(pairs) {
  return h("dl", { class: "pairs" }, pairs.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function totalNode(key, value, columns) {
  if (typeof value === "object" && !Array.isArray(value)) {
    const field = key.replace(/^by_/, "").replace(/^issue$/, "issues");
    const column = columns.find((one) => one.field === field) ?? { field };
    const words = (word) => (field === "severity" ? said("severity", word) : wordsOf(word, column));
    const share = key === "share_of_shelf";
    return h("span", { class: "cell__list" }, Object.entries(value).map(([word, n]) => h("span", { class: "pix-tag" }, text(words(word)), " ", typeof n === "number" ? number(n, share ? { style: "percent" } : {}) : text(wordsOf(n, {})))));
  }
  if (Array.isArray(value)) return h("span", { class: "cell__list" }, value.map((one) => h("span", { class: "pix-tag" }, text(wordsOf(one, {})))));
  if (typeof value === "number") return h("strong", {}, key.endsWith("_rate") ? number(value, { style: "percent", maximumFractionDigits: 1 }) : number(value));
  return h("strong", {}, text(wordsOf(value, {})));
}

function logWords(one) {
  const by = one.by || t("reading.log.nobody");
  const part = one.part ? t(`reading.${one.part}`) : "";
  const place = !one.part ? t("reading.log.whole") : one.row === null ? `${part} ${t("reading.log.lost")}` : t("reading.log.place", { part: lang() === "zh" ? part : part.toLowerCase(), row: one.row + 1 });
  const [before, after] = t(`reading.log.${one.action}`, { place, by: "\u0000" }).split("\u0000");
  return [before, h("strong", {}, text(by)), after];
}

function correctionWords(one, columns) {
  const column = columns.find((other) => other.field === one.field) ?? { field: one.field, name: one.field };
  return h("p", { class: "corrected" }, text(column.name), ": ", h("del", {}, text(wordsOf(one.model_value, column))), " ", h("ins", {}, text(wordsOf(one.value, column))));
}

function bar(share) {
  const fill = h("i");
  fill.style.setProperty("--share", `${Math.round(Math.min(1, Math.max(0, share)) * 100)}%`);
  return fill;
}

/** The row that an alert is about, found by its box; else the alert's own box. */
function idOfAlert(alert, reading) {
  if (!alert.bbox) return null;
  const place = String(alert.bbox);
  for (const part of ["findings", "items"]) {
    const at = (reading[part] ?? []).findIndex((row) => String(row.bbox) === place);
    if (at >= 0) return `${part}:${at}`;
  }
  return `alerts:${alert.index}`;
}
