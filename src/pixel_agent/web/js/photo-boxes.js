// The boxes of a PhotoViewer: their icons and labels, and the nearest box in a direction.

import { h, text } from "./dom.js";

/** The symbol of each source, the same as on annotated photos. */
export const SOURCE_SIGNS = { barcode: "■", text: "T", model: "●", rule: "◆", human: "▲" };
export const SEVERITY_SIGNS = { info: "i", minor: "!", major: "!!", critical: "!!!" };

const LONGEST = 28; // characters of a label
const GAP_PX = 2;
const SHORTEST = 3; // minimum width of a shortened label, in multiples of its height

/** `size` is the photo's, in pixels of the original, as `mark.bbox` is. */
export function boxNode(mark, id, size) {
  const [x0, y0, x1, y1] = mark.bbox;
  const sign = (SOURCE_SIGNS[mark.source] ?? "") + (SEVERITY_SIGNS[mark.severity] ?? "");
  return h(
    "div",
    {
      class: "box",
      id,
      role: "option",
      "aria-selected": "false",
      "data-id": mark.id,
      "data-part": mark.part,
      "data-source": mark.source ?? "",
      "data-severity": mark.severity ?? "",
      "data-change": mark.change ?? "",
      "data-edge": `${y0 < 0.08 * size.height ? "top" : ""} ${x0 > 0.75 * size.width ? "right" : ""}`,
      css: { "--x": String(x0), "--y": String(y0), "--w": String(x1 - x0), "--h": String(y1 - y0) },
    },
    h("span", { class: "box__tag" }, h("span", {}, sign), " ", text(short(mark.label ?? ""))),
  );
}

export function short(label) {
  const signs = [...label];
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST - 1).join("")}…` : label;
}

/** Shortens labels so that they do not overlap; a label that would be too short shows only its icon. */
export function tidyLabels(marks, elements, scale) {
  const tags = marks.map((mark) => ({ mark, box: elements.get(mark.id), tag: elements.get(mark.id).lastChild }));
  for (const { box, tag } of tags) {
    delete box.dataset.brief;
    tag.style.removeProperty("max-width");
  }
  // Measure everything before changing anything: each change would cost a layout.
  const places = tags.map(({ mark, box, tag }) => {
    const height = tag.offsetHeight;
    return { ...place(mark.bbox, scale, box.dataset.edge, tag.offsetWidth, height), sign: tag.firstChild.offsetWidth + height / 2 };
  });
  tags.forEach(({ box, tag }, at) => {
    const room = roomOf(at, places);
    const { left, right, top, bottom } = places[at];
    if (right - left <= room) return;
    if (room >= SHORTEST * (bottom - top)) tag.style.setProperty("max-width", `${Math.floor(room)}px`);
    else box.dataset.brief = "";
  });
}

/** The width of a label up to the icon of the next one. */
function roomOf(at, places) {
  const own = places[at];
  let room = Infinity;
  places.forEach((other, index) => {
    const isBeside = other.top < own.bottom && own.top < other.bottom;
    if (index === at || !isBeside || other.left + other.sign <= own.left) return;
    const behind = other.left > own.left || (other.left === own.left && index < at);
    if (behind) room = Math.min(room, other.left - own.left - GAP_PX);
    else room = Math.min(room, 0);
  });
  return room;
}

/** The place of a label in pixels of the layer; the same rule as in viewer.css. */
function place([x0, y0, x1], scale, edge, width, height) {
  const left = edge.includes("right") ? x1 * scale - width : x0 * scale;
  const top = edge.includes("top") ? y0 * scale : y0 * scale - height;
  return { left, top, right: left + width, bottom: top + height };
}

/** The id of the nearest box in a direction ([dx, dy]); the next or previous one in the list if there is none. */
export function neighbour(marks, id, [dx, dy]) {
  const at = marks.findIndex((one) => one.id === id);
  const from = middle(marks[at]?.bbox ?? [0, 0, 0, 0]);
  let best = null;
  let least = Infinity;
  for (const one of marks) {
    const to = middle(one.bbox);
    const along = (to.x - from.x) * dx + (to.y - from.y) * dy;
    const across = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
    const far = along + 2 * across;
    if (one.id !== id && along > 0 && far < least) [best, least] = [one.id, far];
  }
  return best ?? marks[(at + dx + dy + marks.length) % marks.length]?.id;
}

function middle([x0, y0, x1, y1]) {
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2 };
}
