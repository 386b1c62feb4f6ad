// The line of live figures under the header, a link to the monitor (views/hud.js).

import { h, stylesheet } from "./dom.js";
import { add, number, onLang, t } from "./i18n.js";
import { listen } from "./live.js";
import words from "./strings/hud.js";

add(words);

/** Show the line in `root`; with `signal`, until it aborts.
 *
 * @param {HTMLElement} root @param {{signal?: AbortSignal}} [options] */
export async function mount(root, { signal } = {}) {
  await stylesheet("hud");
  const cells = {};
  const cell = (name, extra = "") =>
    h("span", { class: `strip-cell ${extra}` }, h("span", { class: "strip-name", t: `strip.${name}` }), (cells[name] = h("b", {}, "–")));
  const line = h(
    "a",
    { class: "strip", href: "#/hud", tTitle: "strip.open" },
    h("span", { class: "unseen", t: "strip.label" }),
    cell("rate"),
    cell("p50", "strip-wide"),
    cell("p95"),
    cell("p99", "strip-wide"),
    cell("queue"),
    cell("batch"),
    cell("device"),
  );
  root.replaceChildren(line);
  let stats = null;
  const show = () => {
    const said = figures(stats);
    for (const [name, node] of Object.entries(cells)) if (node.textContent !== said[name]) node.textContent = said[name];
    line.classList.toggle("strip-hot", Boolean(stats?.tuning.overloaded));
  };
  const hear = (name, data) => {
    if (name === "stats") stats = data;
    else if (name === "lost") stats = null;
    show();
  };
  listen(hear, { signal });
  onLang(show, signal);
}

/** Milliseconds in the shortest form. */
export function brief(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 1000 ? `${Math.round(ms)}ms` : `${number(ms / 1000, { maximumFractionDigits: ms < 10_000 ? 1 : 0 })}s`;
}

export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(share * 100)}%`);

function figures(stats) {
  if (!stats) return { rate: "–", p50: "–", p95: "–", p99: "–", queue: "–", batch: "–", device: "–" };
  const { scans, queue, batches, device, machine } = stats;
  const waiting = Object.values(queue.waiting).reduce((sum, count) => sum + count, 0);
  const gpus = device.gpus.map((gpu) => gpu.utilisation).filter((share) => share !== null);
  const busy = gpus.length ? gpus.reduce((sum, share) => sum + share, 0) / gpus.length : machine.cpu;
  return {
    rate: t("strip.per_s", { rate: number(scans.per_s, { maximumFractionDigits: 1 }) }),
    p50: brief(scans.p50_ms),
    p95: brief(scans.p95_ms),
    p99: brief(scans.p99_ms),
    queue: number(waiting),
    batch: batches.last_items === null ? "–" : number(batches.last_items),
    device: `${gpus.length ? "GPU" : "CPU"} ${percent(busy)}`,
  };
}
