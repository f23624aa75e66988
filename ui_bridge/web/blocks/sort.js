/** The order of a table's rows. */

/**
 * What a cell is sorted by: numbers by value, states by how bad they are, all else by what the reader reads.
 * @param {any} cell
 * @returns {number | string | null} null is unknown, and comes last both ways
 */
export function rank(cell) {
  if (!cell || cell.value === null || cell.value === undefined) return null;
  switch (cell.kind) {
    case "number":
    case "bytes":
    case "percent":
    case "milliseconds":
      return cell.value;
    case "bar":
      return cell.of ? cell.value / cell.of : cell.value;
    case "time":
      return Date.parse(cell.value);
    case "state":
      return `${SEVERITY.indexOf(cell.value)} ${cell.text ?? ""}`;
    default:
      return cell.text || String(cell.value);
  }
}

const SEVERITY = ["error", "warning", "unknown", "info", "ok"];

/**
 * @template {{cells: Record<string, any>}} Row
 * @param {Row[]} rows
 * @param {string} column
 * @param {boolean} descending
 * @param {string} [locale]
 * @returns {Row[]} a list of its own; equal rows stay in the order that they had
 */
export function sorted(rows, column, descending, locale = "en") {
  const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
  const direction = descending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [rank(one.cells[column]), rank(other.cells[column])];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    if (typeof a === "number" && typeof b === "number") return direction * (a - b);
    return direction * collator.compare(String(a), String(b));
  });
}
