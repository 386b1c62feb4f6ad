// Zoom arithmetic of the PhotoViewer: scale and offset of a photo in its window. Lengths in CSS pixels.

const LARGEST = 16;
const NEAR = 0.04;

/** How `view` shows a photo of `size` in a window of `frame`: whole and centred, enlarged by whole numbers only. */
export function fitted(size, frame) {
  const scale = fitScale(size, frame);
  return centred({ scale, x: 0, y: 0 }, size, frame);
}

export function fitScale(size, frame) {
  const scale = Math.min(frame.width / size.width, frame.height / size.height) || 1;
  return scale >= 1 ? Math.floor(scale) : scale;
}

/** The next step up (`direction` 1) or down (-1): fit, then powers of two, whole numbers above 1. */
export function nextStep(scale, direction, size, frame) {
  const fit = fitScale(size, frame);
  const steps = [fit, ...[0.125, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, LARGEST].filter((step) => step > fit * 1.01)];
  const others = direction > 0 ? steps.filter((s) => s > scale * 1.01) : steps.filter((s) => s < scale * 0.99);
  return (direction > 0 ? others[0] : others.at(-1)) ?? (direction > 0 ? steps.at(-1) : fit);
}

/** The same view at another scale, with the window's `point` fixed; never smaller than the whole photo. */
export function zoomedAt(view, scale, point, size, frame) {
  const wanted = Math.min(LARGEST, Math.max(fitScale(size, frame), snapped(scale)));
  const ratio = wanted / view.scale;
  const moved = { scale: wanted, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio };
  return centred(moved, size, frame);
}

/** The same view enlarged by a factor. Small steps add up until they reach the next whole number. */
export function zoomedBy(view, factor, point, size, frame) {
  const exact = Math.min(LARGEST, Math.max(fitScale(size, frame), (view.exact ?? view.scale) * factor));
  return { ...zoomedAt(view, exact, point, size, frame), exact };
}

/** The view moved by an offset in pixels, with the photo still in the window. */
export function panned(view, dx, dy, size, frame) {
  return centred({ ...view, x: view.x + dx, y: view.y + dy }, size, frame);
}

/** The view moved (and zoomed out if needed) so that a box of the photo is visible. */
export function showing(view, [left, top, right, bottom], size, frame) {
  const inside =
    view.x + left * view.scale >= 0 &&
    view.y + top * view.scale >= 0 &&
    view.x + right * view.scale <= frame.width &&
    view.y + bottom * view.scale <= frame.height;
  if (inside) return view;
  const widest = Math.min(frame.width / (right - left), frame.height / (bottom - top)) * 0.9;
  const scale = Math.max(fitScale(size, frame), Math.min(view.scale, widest));
  const x = frame.width / 2 - ((left + right) / 2) * scale;
  const y = frame.height / 2 - ((top + bottom) / 2) * scale;
  return centred({ scale, x, y }, size, frame);
}

/** The view relative to the photo, to show the same part of another photo: centre 0-1, zoom in multiples of fit. */
export function relative(view, size, frame) {
  return {
    cx: (frame.width / 2 - view.x) / (size.width * view.scale),
    cy: (frame.height / 2 - view.y) / (size.height * view.scale),
    zoom: view.scale / fitScale(size, frame),
  };
}

/** The inverse of `relative`. */
export function absolute({ cx, cy, zoom }, size, frame) {
  const scale = Math.min(LARGEST, fitScale(size, frame) * zoom);
  const x = frame.width / 2 - cx * size.width * scale;
  const y = frame.height / 2 - cy * size.height * scale;
  return centred({ scale, x, y }, size, frame);
}

function snapped(scale) {
  const whole = Math.round(scale);
  return whole >= 1 && Math.abs(scale - whole) < NEAR * whole ? whole : scale;
}

function centred(view, size, frame) {
  return { ...view, x: held(view.x, size.width * view.scale, frame.width), y: held(view.y, size.height * view.scale, frame.height) };
}

function held(offset, length, room) {
  if (length <= room) return Math.round((room - length) / 2);
  return Math.round(Math.min(0, Math.max(room - length, offset)));
}
