/** The blocks of a page. What did not change is left as it is, so that nobody loses their place. */

import { el } from "../dom.js";
import * as facts from "./facts.js";
import * as notice from "./notice.js";
import * as table from "./table.js";
import * as trend from "./trend.js";

const KINDS = { facts, notice, table, trend };

export class Blocks {
  /**
   * @param {import("../session.js").Session} session
   * @param {import("./table.js").Acts} acts
   */
  constructor(session, acts) {
    this.session = session;
    this.acts = acts;
    this.element = el("div", { class: "blocks" });
    /** @type {string[]} */
    this.shown = [];
  }

  /** @param {any[]} blocks */
  show(blocks) {
    const wanted = blocks.map((each) => JSON.stringify(each));
    const focused = document.activeElement?.getAttribute("data-key");
    const open = this.#open();
    for (const [index, block] of blocks.entries()) {
      if (this.shown[index] === wanted[index]) continue;
      const drawn = this.#draw(block, open);
      if (index < this.element.children.length) this.element.children[index].replaceWith(drawn);
      else this.element.append(drawn);
    }
    while (this.element.children.length > blocks.length) this.element.lastElementChild?.remove();
    this.shown = wanted;
    if (focused && document.activeElement === document.body) {
      const again = this.element.querySelector(`[data-key="${CSS.escape(focused)}"]`);
      /** @type {HTMLElement | null} */ (again)?.focus({ preventScroll: true });
    }
  }

  /** Draws everything anew, as when the way in which times are written has changed. */
  redraw() {
    const blocks = this.shown.map((each) => JSON.parse(each));
    this.shown = [];
    this.show(blocks);
  }

  #draw(block, open) {
    const kind = KINDS[block.type];
    const drawn = kind ? kind.draw(this.session, block, this.acts) : el("div");
    drawn.setAttribute("data-title", block.title ?? "");
    if (open.has(block.title)) drawn.querySelector("details")?.setAttribute("open", "");
    return drawn;
  }

  #open() {
    const all = [...this.element.querySelectorAll("[data-title]:has(details[open])")];
    return new Set(all.map((each) => each.getAttribute("data-title")));
  }
}
