/** Names and values. */

import { el } from "../dom.js";
import * as cells from "./cell.js";

/** @param {import("../session.js").Session} session @param {any} block @param {any} acts */
export function draw(session, block, acts) {
  return el(
    "section",
    { class: "block" },
    block.title && el("h3", {}, block.title),
    el(
      "dl",
      { class: "facts" },
      block.facts.map(({ label, value }) =>
        el("div", { class: "fact" }, el("dt", {}, label), el("dd", {}, cells.draw(session, value, acts))),
      ),
    ),
  );
}
