/** One value on a page. */

import { button, el } from "../dom.js";

const UNKNOWN = "–";

/**
 * @param {import("../session.js").Session} session
 * @param {any} cell
 * @param {{operation?: (id: string) => void, still?: boolean}} [acts]
 * @returns {Node}
 */
export function draw(session, cell, { operation, still } = {}) {
  if (!cell || cell.value === null || cell.value === undefined || (cell.value === "" && cell.kind !== "text")) {
    return el("span", { class: "unknown" }, el("span", { "aria-hidden": "true" }, UNKNOWN), hidden(session));
  }
  const { format } = session;
  switch (cell.kind) {
    case "number":
    case "bytes":
    case "percent":
    case "milliseconds":
      return el("span", { class: "figure" }, format.of(cell.kind, cell.value));
    case "time":
      return el("time", { datetime: cell.value, title: format.ago(cell.value) }, format.time(cell.value));
    case "state":
      return state(session, cell);
    case "bar":
      return bar(session, cell);
    case "object":
      if (still) return document.createTextNode(cell.text);
      return button(cell.text, () => session.client.navigate(cell.value), { class: "link", "data-key": cell.value });
    case "operation":
      return operation
        ? button(cell.text, () => operation(cell.value), { class: "link", "data-key": `operation ${cell.value}` })
        : document.createTextNode(cell.text);
    default:
      return document.createTextNode(String(cell.value));
  }
}

/** A dot by colour and shape, and a word. @param {import("../session.js").Session} session @param {any} cell */
export function state(session, cell) {
  const word = cell.text || session.say(`ui.level.${cell.value}`);
  return el("span", { class: `state state-${cell.value}` }, el("span", { class: "dot", "aria-hidden": "true" }), word);
}

function bar(session, cell) {
  const { format } = session;
  if (!cell.of) return el("span", { class: "figure" }, format.size(cell.value));
  const share = Math.min(100, Math.max(0, (cell.value / cell.of) * 100));
  const said = session.say("ui.bar", { used: format.size(cell.value), of: format.size(cell.of) });
  const inside = el("span", { class: "bar-used" });
  inside.style.setProperty("inline-size", `${share}%`);
  return el(
    "span",
    { class: ["bar", share >= 90 ? "bar-full" : share >= 75 && "bar-filling"], title: format.percent(share) },
    el("span", { class: "bar-room", "aria-hidden": "true" }, inside),
    el("span", { class: "bar-text" }, said),
  );
}

function hidden(session) {
  return el("span", { class: "clr-sr-only" }, session.say("ui.unknown"));
}
