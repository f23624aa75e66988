/** How values look to the reader: sizes, numbers and times in the manner of their language. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const RELATIVE = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export class Format {
  /**
   * @param {string} locale as `de-DE`
   * @param {((moment: Date) => string) | null} [dateTime] how the client writes times, if it says so
   */
  constructor(locale, dateTime = null) {
    this.locale = known(locale);
    this.dateTime = dateTime;
  }

  /** @param {number} value @param {number} [digits] how many there may be after the point */
  number(value, digits = 2) {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: digits }).format(value);
  }

  /** A size in bytes, with three digits that count. @param {number} bytes */
  size(bytes) {
    const [value, unit] = scaled(bytes);
    return `${this.number(value, value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${unit}`;
  }

  /** A size in bytes, exactly: as a whole number of the largest unit that there is. @param {number} bytes */
  exactSize(bytes) {
    let unit = 0;
    let value = bytes;
    while (value !== 0 && value % 1024 === 0 && unit < UNITS.length - 1) {
      value /= 1024;
      unit += 1;
    }
    return `${this.number(value, 0)} ${UNITS[unit]}`;
  }

  /** @param {number} value 0 to 100 */
  percent(value) {
    const style = { style: "percent", maximumFractionDigits: value < 10 ? 1 : 0 };
    return new Intl.NumberFormat(this.locale, style).format(value / 100);
  }

  /** @param {number} value */
  milliseconds(value) {
    return `${this.number(value, value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
  }

  /** @param {string} moment ISO 8601 */
  time(moment) {
    const date = new Date(moment);
    if (Number.isNaN(date.getTime())) return moment;
    if (this.dateTime) {
      try {
        const said = this.dateTime(date);
        if (typeof said === "string" && said) return said;
      } catch {
        // The client's own way of writing times is a courtesy; ours follows.
      }
    }
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "medium", timeStyle: "medium" }).format(date);
  }

  /** Only the time of day. @param {string} moment ISO 8601 */
  clock(moment) {
    const date = new Date(moment);
    return new Intl.DateTimeFormat(this.locale, { hour: "2-digit", minute: "2-digit" }).format(date);
  }

  /** A short date with the time of day. @param {string} moment ISO 8601 */
  dayAndClock(moment) {
    const style = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
    return new Intl.DateTimeFormat(this.locale, style).format(new Date(moment));
  }

  /** How long ago or ahead. @param {string} moment ISO 8601 @param {number} [now] milliseconds */
  ago(moment, now = Date.now()) {
    const seconds = Math.round((new Date(moment).getTime() - now) / 1000);
    const [unit, length] = RELATIVE.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
    return new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" }).format(Math.trunc(seconds / length), unit);
  }

  /**
   * A number of this kind, in words. `per_second` is how often.
   * @param {string} unit a kind of number of `Cell`, or `per_second`
   * @param {number} value
   */
  of(unit, value) {
    switch (unit) {
      case "bytes":
        return this.size(value);
      case "percent":
        return this.percent(value);
      case "milliseconds":
        return this.milliseconds(value);
      case "per_second":
        return `${this.number(value, value < 10 ? 1 : 0)}/s`;
      default:
        return this.number(value);
    }
  }
}

/**
 * The value in the largest unit in which it is at least 1.
 * @param {number} bytes
 * @returns {[number, string]}
 */
export function scaled(bytes) {
  let unit = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return [value, UNITS[unit]];
}

function known(locale) {
  try {
    return Intl.getCanonicalLocales(locale.replaceAll("_", "-"))[0] ?? "en-US";
  } catch {
    return "en-US";
  }
}
