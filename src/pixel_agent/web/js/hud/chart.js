// One chart of the last 15 minutes for the monitor: a stepped line in the palette's colours, with a text and a table.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { clear, h, say } from "../dom.js";
import { t } from "../i18n.js";
import { BUCKET_S, SPAN_S } from "./window.js";

const HEIGHT_REM = 10;
const LINES = [
  { width: 2, dash: [] },
  { width: 2, dash: [8, 4] },
  { width: 2, dash: [2, 4] },
];
const FONT_PX = 12;
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const TABLE_STEP_S = 60;
const LABEL_MS = 10_000; // minimum between two updates: a screen reader must be able to finish the text

/** `series`: `[{field, colour: "--accent"}]`; `format(value)` formats a value; `share`: the axis goes from 0 to 1;
 * `whole`: the axis has whole numbers only. A series without any value is not in the legend. */
export class Chart {
  /** @type {any} seconds, then one column of values per series; empty at first */
  data;
  /** @type {number | null} */
  hovered;

  constructor({ name, series, format, axisFormat = format, share = false, whole = false, signal }) {
    this.name = name;
    this.series = series;
    this.format = format;
    this.axisFormat = axisFormat;
    this.share = share;
    this.whole = whole;
    this.data = [];
    this.hovered = null;
    this.labelled = 0;
    this.values = series.map(() => h("b", {}, "–"));
    this.box = h("div", { class: "chart-box", role: "img" });
    this.at = h("span", { class: "chart-at" });
    this.table = h("div", { class: "pix-scroll chart-table", tabindex: "0", role: "region" });
    this.details = h("details", { class: "chart-more", on: { toggle: () => this.tabulate() } }, h("summary", { t: ["hud.table", { name: t(`hud.chart.${name}`) }] }), this.table);
    this.legends = series.map(({ field, colour }, index) =>
      h("li", { css: { "--line-colour": `var(${colour})` } }, h("i", { class: `chart-swatch dash-${index}` }), h("span", { t: `hud.series.${field}` }), this.values[index]),
    );
    this.node = h(
      "section",
      { class: "pix-panel chart" },
      h("div", { class: "chart-head" }, h("h2", { t: `hud.chart.${name}` }), this.at),
      h("ul", { class: "chart-legend" }, this.legends),
      this.box,
      this.details,
    );
    const resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
    resized.observe(this.box);
    signal.addEventListener("abort", () => (resized.disconnect(), this.plot?.destroy(), (this.plot = null)), { once: true });
  }

  /** Show `window` (see window.js). */
  update(window) {
    this.data = [window.times, ...this.series.map(({ field }) => window.columns[field])];
    this.latest = this.series.map(({ field }) => window.latest[field] ?? null);
    this.legend();
    if (!this.plot) this.draw();
    else this.plot.setData(this.data);
    if (this.blank || Date.now() - this.labelled > LABEL_MS) this.label();
    if (this.details.open) this.tabulate();
  }

  /** Redraw for another palette or language. */
  draw() {
    this.plot?.destroy();
    clear(this.box);
    if (!this.data.length || !this.box.isConnected) return;
    this.plot = new uPlot(this.options(), this.data, this.box);
    this.legend();
    this.label();
    if (this.details.open) this.tabulate();
    say(this.details.firstChild, ["hud.table", { name: t(`hud.chart.${this.name}`) }]);
  }

  size() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return { width: Math.max(120, Math.floor(this.box.clientWidth)), height: Math.round(HEIGHT_REM * Math.max(1, rem / 16) * 16) };
  }

  /** @returns {uPlot.Options} */
  options() {
    const style = getComputedStyle(this.node);
    const colour = (name) => style.getPropertyValue(name).trim();
    const scale = Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / 16);
    const font = `${Math.round(FONT_PX * scale)}px ${style.getPropertyValue("--face")}`;
    const grid = { stroke: colour("--line-soft"), width: 1, dash: [2, 4] };
    const axis = { stroke: colour("--ink"), font, grid, ticks: { ...grid, dash: [], size: 4 } };
    return {
      ...this.size(),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      hooks: { setCursor: [(plot) => this.hover(plot.cursor.idx)] },
      scales: {
        x: { range: () => [this.data[0][0], this.data[0].at(-1)] },
        y: { range: (_, __, top) => (this.share ? [0, 1] : [0, Math.max(1, (top ?? 0) * 1.15)]) },
      },
      axes: [
        { ...axis, incrs: [60, 120, 300], space: 60 * scale, size: 24 * scale, gap: 4, values: (_, at) => at.map(clockTime) },
        { ...axis, ...(this.whole ? { incrs: WHOLE } : {}), space: 36 * scale, size: 48 * scale, gap: 4, values: (_, at) => at.map((value) => this.axisFormat(value)) },
      ],
      series: [{}, ...this.series.map(({ field, colour: name }, index) => this.line(field, colour(name), index))],
    };
  }

  line(field, colour, index) {
    return {
      label: field,
      stroke: colour,
      ...LINES[index],
      fill: index === 0 ? (plot) => dither(plot.ctx, colour) : undefined,
      paths: uPlot.paths.stepped?.({ align: 1 }),
      points: { show: false },
      spanGaps: false,
    };
  }

  hover(index) {
    this.hovered = index ?? null;
    this.legend();
  }

  legend() {
    const at = this.hovered;
    this.series.forEach((_, index) => {
      this.legends[index].hidden = index > 0 && this.data[index + 1].every((one) => one === null);
      const value = at === null ? this.latest?.[index] : this.data[index + 1][at];
      this.values[index].textContent = value === null || value === undefined ? "–" : this.format(value);
    });
    this.at.textContent = at === null ? "" : clockTime(this.data[0][at]);
  }

  /** The chart as text. */
  label() {
    this.labelled = Date.now();
    this.blank = this.data.slice(1).every((column) => column.every((value) => value === null));
    const told = this.series.map((one, index) => ({ ...one, index })).filter(({ index }) => !this.legends[index].hidden);
    const series = told.map(({ field, index }) => {
      const known = this.data[index + 1].filter((value) => value !== null);
      const name = t(`hud.series.${field}`);
      if (!known.length) return t("hud.chart.nothing", { name });
      const [now, low, high] = [this.latest[index] ?? known.at(-1), Math.min(...known), Math.max(...known)];
      return t("hud.chart.series", { name, now: this.format(now), low: this.format(low), high: this.format(high) });
    });
    const name = t(`hud.chart.${this.name}`);
    this.box.setAttribute("aria-label", t("hud.chart.says", { name, series: series.join("; ") }));
    this.table.setAttribute("aria-label", name);
  }

  /** The table: one row per minute, newest first. */
  tabulate() {
    if (!this.details.open || !this.data.length) return;
    const [times, ...columns] = this.data;
    const step = TABLE_STEP_S / BUCKET_S;
    const rows = [];
    for (let end = times.length; end > 0 && rows.length < SPAN_S / TABLE_STEP_S; end -= step) {
      const from = Math.max(0, end - step);
      const cells = columns.map((column) => {
        const known = column.slice(from, end).filter((value) => value !== null);
        return h("td", { class: "number" }, known.length ? this.format(known.reduce((sum, value) => sum + value, 0) / known.length) : "–");
      });
      rows.push(h("tr", {}, h("th", { scope: "row" }, clockTime(times[from])), cells));
    }
    const heads = [h("th", { scope: "col" }, t("hud.table.minute")), ...this.series.map(({ field }) => h("th", { scope: "col" }, t(`hud.series.${field}`)))];
    this.table.replaceChildren(h("table", { class: "pix-table" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
  }
}

const two = (value) => String(value).padStart(2, "0");

function clockTime(seconds) {
  const moment = new Date(seconds * 1000);
  return `${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** A fill pattern with every other pixel set. */
function dither(context, colour) {
  const tile = h("canvas", { width: 4, height: 4 });
  const paint = tile.getContext("2d");
  paint.fillStyle = colour;
  paint.globalAlpha = 0.45;
  paint.fillRect(0, 0, 2, 2);
  paint.fillRect(2, 2, 2, 2);
  return context.createPattern(tile, "repeat");
}
