// Every picture of the page, as pixel maps: rows of letters, one a pixel. The font has no signs for any of them.
//
// . nothing · k ink · w paper · a accent · d dim · g ok · y warn · r bad, which follow the palette; l white · n black · s skin.

import { MAPS } from "./sprite-maps.js";
import { t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const paths = new Map();

export const has = (name) => name in MAPS;

/** A picture as an SVG of even pixels. `size` (CSS pixels at the usual text size) is rounded down to whole pixels of the
 * map; it grows with the text. With `label` (words, or a key of the strings) it speaks, else it is decoration. */
export function sprite(name, { size = 24, label = "" } = {}) {
  const map = MAPS[name] ?? MAPS.unknown;
  const svg = document.createElementNS(SVG, "svg");
  const side = map.length;
  const width = map[0].length;
  const scale = Math.max(1, Math.floor(size / Math.max(side, width)));
  svg.setAttribute("viewBox", `0 0 ${width} ${side}`);
  svg.setAttribute("width", String(width * scale));
  svg.setAttribute("height", String(side * scale));
  svg.style.setProperty("width", `${(width * scale) / 16}rem`);
  svg.style.setProperty("height", `${(side * scale) / 16}rem`);
  svg.setAttribute("class", "sprite");
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("focusable", "false");
  svg.dataset.sprite = name;
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", t(label));
  } else svg.setAttribute("aria-hidden", "true");
  for (const [letter, d] of outlines(name, map)) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `px-${letter}`);
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** Change what an SVG of ours shows, keeping its size: for frames of an animation. */
export function redraw(svg, name) {
  if (svg.dataset.sprite === name) return;
  svg.dataset.sprite = name;
  svg.replaceChildren(...[...sprite(name).children]);
}

/** One path a colour, made of horizontal runs. */
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
