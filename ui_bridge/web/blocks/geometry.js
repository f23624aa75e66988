/** Where the lines of a trend lie: pure arithmetic. */

/**
 * @typedef {[string, number | null]} Sample ISO 8601 and value; null is a hole
 * @typedef {{label: string, points: Sample[]}} Series
 * @typedef {{width: number, height: number, left: number, right: number, top: number, bottom: number}} Frame
 * @typedef {{from: number, to: number, ticks: number[]}} Axis
 */

/** @type {Frame} */
export const FRAME = { width: 640, height: 200, left: 72, right: 12, top: 10, bottom: 26 };

/**
 * The axis of values: from zero, since a cut axis exaggerates, to a round number above all of them.
 * @param {Series[]} series
 * @param {string} unit
 * @returns {Axis}
 */
export function valueAxis(series, unit) {
  const values = series.flatMap((each) => each.points.map(([, value]) => value)).filter((value) => value !== null);
  const most = Math.max(0, ...values);
  if (unit === "percent") return { from: 0, to: 100, ticks: [0, 25, 50, 75, 100] };
  const step = round(most / 4 || 1, unit === "bytes");
  const count = Math.max(1, Math.ceil(most / step));
  return { from: 0, to: step * count, ticks: Array.from({ length: count + 1 }, (_, each) => each * step) };
}

/**
 * The next round number: 1, 2 or 5 and zeros; a power of two for sizes.
 * @param {number} value
 * @param {boolean} binary
 */
export function round(value, binary) {
  if (value <= 0) return 1;
  if (binary) return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= value * (1 - 1e-9)) ?? 10 * power;
}

/**
 * From the first moment to the last; null when there is none.
 * @param {Series[]} series
 * @returns {{from: number, to: number} | null} milliseconds
 */
export function timeAxis(series) {
  const moments = series.flatMap((each) => each.points.map(([at]) => Date.parse(at)));
  if (moments.length === 0) return null;
  const [from, to] = [Math.min(...moments), Math.max(...moments)];
  return from === to ? { from: from - 1, to: to + 1 } : { from, to };
}

/**
 * Moments to write below, evenly spread; the ends are among them.
 * @param {{from: number, to: number}} axis
 * @param {number} count
 */
export function moments(axis, count) {
  return Array.from({ length: count }, (_, each) => axis.from + ((axis.to - axis.from) * each) / (count - 1));
}

/** @param {number} at @param {{from: number, to: number}} axis @param {Frame} [frame] */
export function across(at, axis, frame = FRAME) {
  return frame.left + ((at - axis.from) / (axis.to - axis.from)) * (frame.width - frame.left - frame.right);
}

/** @param {number} value @param {Axis} axis @param {Frame} [frame] */
export function down(value, axis, frame = FRAME) {
  const room = frame.height - frame.top - frame.bottom;
  return frame.top + room - ((value - axis.from) / (axis.to - axis.from)) * room;
}

/**
 * The line of a series as an SVG path: a new piece after each hole, a dot for a value that stands alone.
 * @param {Sample[]} points
 * @param {{from: number, to: number}} time
 * @param {Axis} values
 * @param {Frame} [frame]
 */
export function path(points, time, values, frame = FRAME) {
  const pieces = [];
  let piece = [];
  for (const [at, value] of [...points, [null, null]]) {
    if (value !== null) {
      piece.push(`${fixed(across(Date.parse(at), time, frame))} ${fixed(down(value, values, frame))}`);
    } else if (piece.length) {
      pieces.push(piece.length === 1 ? `M${piece[0]}h0.01` : `M${piece.join("L")}`);
      piece = [];
    }
  }
  return pieces.join("");
}

/**
 * What a listener is told in one sentence.
 * @param {Sample[]} points
 * @returns {{last: number, least: number, most: number} | null}
 */
export function summary(points) {
  const values = points.map(([, value]) => value).filter((value) => value !== null);
  if (values.length === 0) return null;
  return { last: values[values.length - 1], least: Math.min(...values), most: Math.max(...values) };
}

function fixed(number) {
  return Number(number.toFixed(1));
}
