// Draws every picture of the page from pixel maps: rows of letters, one per pixel. The font has no such icons.
//
// . nothing · k ink · w paper · a accent · d dim · g ok · y warn · r bad, which follow the palette; l white · n black · s skin.

import { MAPS } from "./sprite-maps.js";
import { t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const LATE_SIDE = 12; // maps that load later are tools, except the agent's frames, which use the size of their SVG
const paths = new Map();

const late = new Map(); // SVG → the name of a map that is still loading
let asked = null;

/** Whether this map is already loaded; those of all tasks belong to the first paint. */
export const has = (name) => name in MAPS;

/** A picture as an SVG with equal pixels. `size` (CSS pixels at the default text size) is rounded down to a multiple of the
 * map; it scales with the text. With `label` (a text, or a key of the strings) it is an image, else decoration. */
export function sprite(name, { size = 24, label = "" } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  const side = MAPS[name]?.length ?? LATE_SIDE;
  const scale = Math.max(1, Math.floor(size / side));
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  for (const way of ["width", "height"]) {
    svg.setAttribute(way, String(side * scale));
    svg.style.setProperty(way, `${(side * scale) / 16}rem`);
  }
  svg.setAttribute("class", "sprite");
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("focusable", "false");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", t(label));
  } else svg.setAttribute("aria-hidden", "true");
  redraw(svg, name);
  return svg;
}

/** Change the picture of a sprite's SVG but not its size: for the frames of an animation. */
export function redraw(svg, name) {
  if (svg.dataset.sprite === name) return;
  svg.dataset.sprite = name;
  late.delete(svg);
  if (name in MAPS) return draw(svg, name);
  late.set(svg, name);
  asked ??= import("./sprite-tools.js").then(
    () => {
      for (const [waiting, wanted] of late) draw(waiting, wanted in MAPS ? wanted : "unknown");
      late.clear();
    },
    () => (asked = null), // no network: tried again with the next picture
  );
}

function draw(svg, name) {
  svg.replaceChildren();
  for (const [letter, d] of outlines(name, MAPS[name])) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `px-${letter}`);
    path.setAttribute("d", d);
    svg.append(path);
  }
}

/** One path per colour, made of horizontal runs. */
function outlines(name, map) {
  if (!paths.has(name)) {
    const found = new Map();
    map.forEach((row, y) => {
      for (const run of row.matchAll(/([^.])\1*/g)) {
        const n = run[0].length;
        found.set(run[1], `${found.get(run[1]) ?? ""}M${run.index} ${y}h${n}v1h-${n}z`);
      }
    });
    paths.set(name, found);
  }
  return paths.get(name);
}
