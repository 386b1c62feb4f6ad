// The operator view: scheduling parameters and their reason, replicas, refusals, the database, and every setting.

import { getJSON } from "../api.js";
import { h, stylesheet, text } from "../dom.js";
import { brief, percent } from "../hud-strip.js";
import { reason } from "../hud/why.js";
import { add, duration, has, number, onLang, t } from "../i18n.js";
import { listen } from "../live.js";
import { sprite } from "../sprites.js";
import hudWords from "../strings/hud.js";
import words from "../strings/operator.js";

add(hudWords);
add(words);

const CLASSES = ["interactive", "normal", "bulk"];
const RECENT = 16;
const SECTIONS = { advice, decision, tuning, replicas, refusals, store, machine };

export async function mount(root, { signal }) {
  await stylesheet("hud");
  const boxes = Object.fromEntries(
    Object.keys(SECTIONS).map((name) => [name, h("section", { class: "pix-panel", "aria-labelledby": `operator-${name}` }, h("h2", { id: `operator-${name}`, t: `operator.${name}` }), h("div", {}, h("p", { class: "pix-soft", t: "ui.loading" })))]),
  );
  const settings = new Settings();
  root.append(
    h(
      "div",
      { class: "operator" },
      h("div", { class: "hud-head" }, h("h1", { t: "operator.title" }), h("div", { class: "hud-buttons" }, h("a", { class: "pix-button", href: "#/hud", t: "operator.back" }))),
      h("div", { class: "operator-columns" }, Object.values(boxes)),
      settings.node,
    ),
  );
  const seen = { stats: null, advice: null };
  const shown = {};
  const show = () => {
    if (!seen.stats) return;
    for (const [name, write] of Object.entries(SECTIONS)) {
      const nodes = [write(seen.stats, seen.advice)].flat(Infinity).filter(Boolean);
      const said = nodes.map((node) => node.outerHTML).join("");
      if (shown[name] === said) continue; // a redraw would disturb a selection or a screen reader
      shown[name] = said;
      boxes[name].lastChild.replaceChildren(...nodes);
    }
  };
  const hear = (name, data) => {
    if (name === "stats") seen.stats = data;
    if (name === "history" || name === "point") seen.advice = data.advice;
    if (name === "stats" || name === "history") show();
  };
  listen(hear, { signal, history: true });
  onLang(() => (show(), settings.show()), signal);
  await settings.load(signal);
}

/** A definition list: names (a key, or a key with values) with a text, a node or several nodes each. */
function list(rows) {
  return h("dl", { class: "operator-list" }, rows.map(([key, ...values]) => [h("dt", {}, typeof key === "string" ? t(key) : t(...key)), h("dd", {}, values)]));
}

const small = (...said) => h("p", { class: "pix-soft" }, said);
const ms = (value) => (value === null ? "–" : `${number(value, { maximumFractionDigits: value < 10 ? 2 : 0 })} ms`);
const tenth = (value) => number(value, { maximumFractionDigits: 1 });

function advice(_, said) {
  if (!said) return small(t("operator.advice.too_early"));
  const values = { busy: percent(said.busy), refused: tenth(said.refused_per_s), replicas: said.replicas };
  const mood = { more: "warn", fewer: "info", keep: "ok", unknown: "info" }[said.action];
  return [h("p", { class: "operator-hint" }, sprite(mood), h("span", {}, t(`operator.advice.${said.why}`, values))), small(t("operator.advice.how"))];
}

function decision({ batches }) {
  if (!batches.count) return small(t("operator.no_decision"));
  return [
    h("p", {}, h("bdi", {}, reason(batches.why))),
    list([
      ["operator.last_sizes", batches.recent.slice(-RECENT).map(number).join(" ")],
      ["operator.done", t("operator.batches", { count: batches.count, items: batches.items })],
    ]),
  ];
}

function tuning({ tuning: now, batches, queue, scans }) {
  const fit = { base: ms(batches.fit_base_ms), item: ms(batches.fit_per_item_ms), token: ms(batches.fit_per_token_ms) };
  const limit = now.limit_items < now.engine_items && now.slo_ms !== null ? "operator.limit_slo" : "operator.limit_why";
  const waits = CLASSES.map((rank) => t("operator.wait", { class: t(`operator.class.${rank}`), wait: brief(now.wait_ms[rank]) }));
  return list([
    ["operator.slo", now.slo_ms === null ? t("operator.no_slo") : ms(now.slo_ms), small(t("operator.slo_why"))],
    ["operator.overload", t(now.overloaded ? "operator.overload_on" : "operator.overload_off")],
    ["operator.window", ms(now.window_ms), small(t("operator.window_why"))],
    ["operator.limit", number(now.limit_items), small(t(limit, { engine: number(now.engine_items), tokens: number(now.engine_tokens) }))],
    ["operator.fit", h("span", { class: "operator-formula" }, t("operator.fit_how", fit)), small(t(now.measured ? "operator.fit_measured" : "operator.fit_guess")), small(t("operator.predicted", { alone: brief(now.alone_ms), full: brief(now.full_ms) }))],
    ["operator.waits", waits.join(" · ")],
    ["operator.error", t("operator.error_how", { bias: ms(now.bias_ms), scatter: ms(now.scatter_ms) })],
    ["operator.flow", t("operator.flow_how", { in: tenth(queue.arrivals_per_s), out: tenth(queue.drain_per_s) }), small(t("operator.cancelled", queue)), small(t("operator.shared", { count: scans.shared_in_flight + scans.shared_from_cache }))],
  ]);
}

function replicas({ replicas: all }) {
  const head = ["replica", "state", "done", "busy_time", "restarts", "trouble"];
  const row = (one) => [
    h("th", { scope: "row" }, number(one.number)),
    h("td", {}, t(`operator.state.${one.state}`)),
    h("td", {}, t("operator.done_how", one)),
    h("td", {}, duration(one.busy_s * 1000)),
    h("td", { class: "number" }, number(one.restarts)),
    h("td", {}, one.error ? text(one.error) : "–"),
  ];
  return table("operator.replicas", head, all.map(row));
}

function refusals({ scans }) {
  return [
    h("h3", {}, t("operator.refused")),
    tally("operator.refused", scans.refused) ?? small(t("operator.none_refused")),
    h("h3", {}, t("operator.outcomes")),
    tally("operator.outcomes", scans.outcomes) ?? small(t("operator.none_yet")),
  ];
}

function tally(label, counts) {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
  if (!rows.length) return null;
  const row = ([code, count]) => [
    h("th", { scope: "row" }, has(`code.${code}`) ? t(`code.${code}`) : code),
    h("td", {}, h("code", {}, code)),
    h("td", { class: "number" }, number(count)),
  ];
  return table(label, ["meaning", "code", "times"], rows.map(row));
}

function table(label, heads, rows) {
  const head = h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, t(`operator.${name}`)))));
  return h("div", { class: "pix-scroll", tabindex: "0", role: "region", "aria-label": t(label) }, h("table", { class: "pix-table" }, head, h("tbody", {}, rows.map((row) => h("tr", {}, row)))));
}

function store({ store: now }) {
  if (!now) return small(t("operator.store_off"));
  const state = now.ok ? t("operator.store_ok") : t("operator.store_bad", { reason: now.reason || now.code });
  return [h("p", { class: "operator-hint" }, sprite(now.ok ? "ok" : "fail"), h("bdi", {}, state)), small(t("operator.store_records", { recorded: number(now.recorded), waiting: number(now.waiting), lost: number(now.lost) }))];
}

function machine({ machine: now, device }) {
  const memory = (used, total) => `${percent(used / total)} · ${gigabytes(used)} / ${gigabytes(total)} GB`;
  const gpu = (one) => [["operator.gpu", one], h("bdi", {}, one.name), " · ", percent(one.utilisation), one.memory_total_bytes ? ` · ${memory(one.memory_used_bytes ?? 0, one.memory_total_bytes)}` : "", one.power_w === null ? "" : ` · ${number(one.power_w, { maximumFractionDigits: 0 })} W`, one.temperature_c === null ? "" : ` · ${number(one.temperature_c)} °C`];
  const rows = list([
    ["operator.cpu", percent(now.cpu)],
    ["operator.memory", memory(now.memory_used_bytes, now.memory_total_bytes)],
    ["operator.process", `${gigabytes(now.process_rss_bytes)} GB`],
    ["operator.photo_threads", t("operator.photo_threads_how", { busy: now.photo_busy, threads: now.photo_threads, queued: now.photo_queued })],
    ...device.gpus.map(gpu),
  ]);
  return [rows, !device.gpus.length && small(t("hud.no_gpu"))];
}

const gigabytes = (bytes) => number(bytes / 1e9, { maximumFractionDigits: 1 });

/** Every setting, or only the changed ones. */
class Settings {
  constructor() {
    this.rows = [];
    this.onlyChanged = h("input", { type: "checkbox", checked: true, on: { change: () => this.show() } });
    this.place = h("div", {});
    this.node = h(
      "section",
      { class: "pix-panel operator-settings", "aria-labelledby": "operator-settings" },
      h("h2", { id: "operator-settings", t: "operator.settings" }),
      h("p", { class: "pix-soft", t: "operator.settings_about" }),
      h("label", { class: "pix-check" }, this.onlyChanged, h("span", { t: "operator.settings_only_changed" })),
      this.place,
    );
  }

  async load(signal) {
    try {
      this.rows = (await getJSON("/v1/settings", { signal })).settings;
      this.show();
    } catch (error) {
      if (!signal.aborted) this.place.replaceChildren(small(error.message));
    }
  }

  show() {
    const rows = this.rows.filter((row) => !this.onlyChanged.checked || row.value !== row.default);
    if (!rows.length) return this.place.replaceChildren(small(t("operator.none_changed")));
    const said = (value) => (value === "" ? h("span", { class: "pix-soft" }, t("operator.unset")) : text(value));
    const row = ({ name, value, default: usual, description }) => [
      h("th", { scope: "row" }, name),
      h("td", { "data-name": t("operator.value") }, said(value), value !== usual && h("span", { class: "pix-tag warn" }, t("operator.changed"))),
      h("td", { "data-name": t("operator.default") }, said(usual)),
      h("td", { lang: "en" }, description),
    ];
    this.place.replaceChildren(table("operator.settings", ["setting", "value", "default", "meaning"], rows.map(row)));
  }
}
