// The monitor view: live figures and charts, for a phone and for a wall screen.

import { h, say, stylesheet } from "../dom.js";
import { add, duration, number, onLang, t } from "../i18n.js";
import { brief, percent } from "../hud-strip.js";
import { Chart } from "../hud/chart.js";
import { Window } from "../hud/window.js";
import { listen } from "../live.js";
import { palette } from "../theme.js";
import { prefs } from "../prefs.js";
import { sprite } from "../sprites.js";
import words from "../strings/hud.js";

add(words);

const short = (value) => number(value, { maximumFractionDigits: value < 10 ? 1 : 0 });
const CHARTS = [
  { name: "rate", format: short, series: [{ field: "answered_per_s", colour: "--accent" }, { field: "refused_per_s", colour: "--bad" }] },
  { name: "latency", format: brief, series: [{ field: "p50_ms", colour: "--accent" }, { field: "p95_ms", colour: "--warn" }, { field: "p99_ms", colour: "--bad" }] },
  { name: "queue", format: short, whole: true, series: [{ field: "interactive", colour: "--accent" }, { field: "normal", colour: "--ok" }, { field: "bulk", colour: "--warn" }] },
  { name: "batch", format: short, whole: true, series: [{ field: "batch_items", colour: "--accent" }] },
  { name: "load", format: percent, share: true, series: [{ field: "busy", colour: "--accent" }, { field: "cpu", colour: "--ok" }, { field: "gpu", colour: "--warn" }] },
  { name: "memory", format: percent, share: true, series: [{ field: "memory", colour: "--accent" }, { field: "gpu_memory", colour: "--warn" }] },
];
const FIELDS = CHARTS.flatMap(({ series }) => series.map(({ field }) => field));
const BIG = ["rate", "p50", "p95", "p99", "queue", "batch", "device", "memory", "replicas", "sheds"];

export async function mount(root, { signal }) {
  await Promise.all([stylesheet("hud"), stylesheet("../vendor/uplot/uPlot.min")]);
  const window = new Window();
  const charts = CHARTS.map((chart) => new Chart({ ...chart, signal }));
  const figures = Object.fromEntries(BIG.map((name) => [name, figure(name)]));
  const state = h("span", { class: "hud-state" });
  const engine = h("span", { class: "pix-caption" });
  const head = h("div", { class: "hud-head" }, h("h1", { t: "hud.title" }), state, engine, buttons(root));
  const note = h("p", { class: "pix-caption" });
  root.append(
    h(
      "div",
      { class: "hud" },
      head,
      h("dl", { class: "hud-figures" }, BIG.map((name) => figures[name].node)),
      h("h2", { class: "unseen", t: "hud.minutes" }),
      h("div", { class: "hud-charts" }, charts.map((chart) => chart.node)),
      note,
    ),
  );
  let stats = null;
  const draw = () => charts.forEach((chart) => chart.update(window.view(FIELDS)));
  const redraw = () => charts.forEach((chart) => chart.draw());
  const tell = () => {
    if (!stats) return;
    tellState(state, engine, stats);
    tellFigures(figures, stats);
    note.textContent = stats.device.gpus.length ? "" : t("hud.no_gpu");
  };
  const hear = (name, data) => {
    if (name === "history") window.fill(data);
    if (name === "point") window.push(data.point);
    if (name === "history" || name === "point") draw();
    if (name === "stats") (stats = data), tell();
    if (name === "lost") say(state, "hud.lost"), (state.dataset.state = "lost");
  };
  draw();
  listen(hear, { signal, history: true });
  onLang(() => (tell(), redraw()), signal);
  watchLook(redraw, signal);
  await document.fonts?.ready;
}

function buttons(root) {
  const full = h("button", { type: "button", class: "pix-button", hidden: !document.fullscreenEnabled, on: { click: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()) } }, h("span", { t: "hud.fullscreen" }));
  return h("div", { class: "hud-buttons" }, full, h("a", { class: "pix-button", href: "#/operator", t: "hud.operator" }));
}

/** A large figure with a caption. */
function figure(name) {
  const value = h("b", {}, "–");
  const small = h("span", { class: "hud-small" });
  const node = h("div", { class: `pix-panel hud-figure hud-${name}` }, h("dt", { t: `hud.big.${name}` }), h("dd", {}, value, small));
  const put = (big, under = "", mood = "") => {
    if (value.textContent !== big) value.textContent = big;
    if (small.textContent !== under) small.textContent = under;
    node.dataset.mood = mood;
  };
  return { node, put };
}

function tellState(state, engine, stats) {
  state.dataset.state = stats.ready ? "ready" : "down";
  state.replaceChildren(sprite(stats.ready ? "ok" : "fail"), t(stats.ready ? "hud.ready" : "hud.not_ready"));
  delete state.dataset.t;
  engine.textContent = t("hud.engine", { engine: stats.engine, uptime: duration(Math.floor(stats.uptime_s) * 1000) });
}

function tellFigures(figures, stats) {
  const { scans, queue, batches, device, machine, replicas, tuning } = stats;
  const waiting = Object.values(queue.waiting).reduce((sum, count) => sum + count, 0);
  const over = (ms) => (tuning.slo_ms !== null && ms !== null && ms > tuning.slo_ms ? "bad" : "");
  const up = replicas.filter((replica) => ["ready", "busy"].includes(replica.state)).length;
  const refused = Object.values(scans.refused).reduce((sum, count) => sum + count, 0);
  const gpu = device.gpus[0];
  const window = t("hud.of_window", { seconds: number(scans.window_s) });
  figures.rate.put(number(scans.per_s, { maximumFractionDigits: 1 }), window);
  for (const name of ["p50", "p95", "p99"]) figures[name].put(brief(scans[`${name}_ms`]), window, over(scans[`${name}_ms`]));
  figures.queue.put(number(waiting), t("hud.running", { count: number(queue.in_flight) }), tuning.overloaded ? "warn" : "");
  figures.batch.put(batches.last_items === null ? "–" : number(batches.last_items), batches.mean_items === null ? "" : t("hud.mean", { mean: number(batches.mean_items, { maximumFractionDigits: 1 }) }));
  figures.device.put(percent(gpu?.utilisation ?? machine.cpu), gpu ? gpu.name : "CPU");
  const [used, total] = gpu?.memory_total_bytes ? [gpu.memory_used_bytes, gpu.memory_total_bytes] : [machine.memory_used_bytes, machine.memory_total_bytes];
  figures.memory.put(percent(used / total), `${gigabytes(used)} / ${gigabytes(total)} GB`);
  figures.replicas.put(number(up), t("hud.replicas_up", { up, all: replicas.length }), up < replicas.length ? "bad" : "");
  figures.sheds.put(number(refused), t("hud.since_start"), tuning.overloaded ? "warn" : "");
}

const gigabytes = (bytes) => number(bytes / 1e9, { maximumFractionDigits: 1 });

/** Charts are painted in fixed colours: redraw them when the palette, the clear mode or the text size changes. */
function watchLook(redraw, signal) {
  let seen = palette();
  const changed = () => ((seen = palette()), redraw());
  prefs.subscribe(changed, signal);
  const observer = new MutationObserver(() => palette() !== seen && changed());
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-palette", "data-clear"] });
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}
