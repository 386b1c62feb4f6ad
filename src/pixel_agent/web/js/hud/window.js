// Data of the monitor's charts: the points of the last 15 minutes as columns with equal time steps.

export const SPAN_S = 900;
export const BUCKET_S = 10;
const KEPT = 1000;
/** Fields for which a step shows the maximum; for the others it shows the mean. */
const PEAKS = new Set(["p50_ms", "p95_ms", "p99_ms", "interactive", "normal", "bulk"]);

export class Window {
  constructor() {
    this.points = []; // [{t, …}], oldest first
  }

  /** Replace the points by the columns of an event `history`. */
  fill({ points }) {
    const fields = Object.keys(points);
    this.points = points.t.map((_, index) => Object.fromEntries(fields.map((field) => [field, points[field][index]])));
  }

  /** Add the point of an event `point`. */
  push(point) {
    this.points.push(point);
    if (this.points.length > KEPT) this.points.splice(0, this.points.length - KEPT);
  }

  /** {times: seconds of each step, columns: {field: values, null where there is none}, latest: the newest point}. */
  view(fields) {
    const latest = this.points.at(-1) ?? {};
    const last = Math.floor((latest.t ?? Date.now()) / 1000 / BUCKET_S);
    const count = SPAN_S / BUCKET_S;
    const first = last - count + 1;
    const times = Array.from({ length: count }, (_, index) => (first + index) * BUCKET_S);
    /** @type {any[][]} */
    const steps = Array.from({ length: count }, () => []);
    for (const point of this.points) steps[Math.floor(point.t / 1000 / BUCKET_S) - first]?.push(point);
    const columns = Object.fromEntries(fields.map((field) => [field, steps.map((step) => summary(step, field))]));
    return { times, columns, latest };
  }
}

function summary(step, field) {
  const known = step.map((point) => point[field]).filter((value) => value !== null && value !== undefined);
  if (!known.length) return null;
  return PEAKS.has(field) ? Math.max(...known) : known.reduce((sum, value) => sum + value, 0) / known.length;
}
