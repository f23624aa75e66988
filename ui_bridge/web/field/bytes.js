/** Sizes as they are entered: a number and a unit. */

/** @type {Record<string, number>} */
export const UNITS = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/**
 * Number and unit that say this size, in the largest unit that needs at most two digits after the point.
 * @param {number | null} bytes
 * @returns {{number: string, unit: string}}
 */
export function split(bytes) {
  if (bytes === null || bytes === undefined) return { number: "", unit: "GiB" };
  for (const unit of ["TiB", "GiB"]) {
    const value = bytes / UNITS[unit];
    if (value >= 1 && Number.isInteger(value * 4)) return { number: String(value), unit };
  }
  return { number: String(bytes / UNITS.MiB), unit: "MiB" };
}

/**
 * The size in bytes; null for what is no number.
 * @param {string} number with a point, as a number field gives it
 * @param {string} unit
 */
export function joined(number, unit) {
  const value = number.trim() === "" ? Number.NaN : Number(number);
  return Number.isFinite(value) ? Math.round(value * UNITS[unit]) : null;
}
