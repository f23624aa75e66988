/** A sentence that stands out, and what to do about it. */

import { el } from "../dom.js";
import { alert } from "../failure.js";

/** @param {import("../session.js").Session} session @param {any} block */
export function draw(session, block) {
  // What a page shows from the beginning is read in its order; only what comes later interrupts.
  return alert(block.level, [el("strong", {}, block.text), block.cure && el("p", { class: "cure" }, block.cure)], {
    role: null,
  });
}
