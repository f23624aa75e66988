/** A view: its blocks, read again as long as somebody looks at it. */

import { Blocks } from "./blocks/blocks.js";
import { button, el, fill, waiting } from "./dom.js";
import { failure } from "./failure.js";
import { showOperation } from "./operation.js";

const EVERY_MS = 20000;

export class Page {
  /**
   * @param {import("./session.js").Session} session
   * @param {string} id
   * @param {{level?: number, titled?: boolean}} [look] the heading's level, and whether there is one
   */
  constructor(session, id, { level = 1, titled = true } = {}) {
    this.session = session;
    this.id = id;
    this.blocks = new Blocks(session, this.#acts());
    this.heading = el(`h${level}`, { class: titled ? "page-title" : "clr-sr-only" });
    this.at = el("span", { class: "refreshed" });
    this.again = button(session.say("ui.refresh"), () => this.refresh(), {
      class: "btn btn-sm btn-link",
      "data-key": `refresh ${id}`,
    });
    this.trouble = el("div");
    this.busy = waiting(session.say("ui.loading"));
    this.element = el(
      "div",
      { class: "page", "aria-busy": "true" },
      el("div", { class: "page-head" }, this.heading, el("span", { class: "page-tools" }, this.at, this.again)),
      this.trouble,
      this.busy,
      this.blocks.element,
    );
    /** @type {Promise<void> | null} */
    this.reading = null;
    this.timer = 0;
    this.running = false;
  }

  /** Reads it now and from now on. */
  start() {
    this.running = true;
    return this.refresh();
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
  }

  /** Reads it; a reading that is under way already serves. */
  refresh() {
    clearTimeout(this.timer);
    this.offered = null;
    this.reading ??= this.#read().finally(() => {
      this.reading = null;
      if (this.running) this.timer = setTimeout(() => this.#tick(), EVERY_MS);
    });
    return this.reading;
  }

  redraw() {
    this.blocks.redraw();
  }

  #tick() {
    if (document.hidden) this.timer = setTimeout(() => this.#tick(), EVERY_MS);
    else this.refresh();
  }

  async #read() {
    const { session } = this;
    try {
      const found = await session.api.get(`views/${this.id}`);
      this.heading.textContent = found.title;
      this.blocks.show(found.blocks);
      this.at.textContent = session.say("ui.refreshed", { time: session.format.time(found.refreshed_at) });
      fill(this.trouble);
    } catch (error) {
      const stale = this.blocks.shown.length > 0;
      fill(
        this.trouble,
        failure(session, error, () => this.refresh()),
        stale && el("p", { class: "stale" }, session.say("ui.stale")),
      );
    }
    this.busy.remove();
    this.element.setAttribute("aria-busy", "false");
  }

  /** @returns {import("./blocks/table.js").Acts} */
  #acts() {
    const { session } = this;
    return {
      kept: new Map(),
      operation: (id) => showOperation(session, id),
      offered: () => (this.offered ??= session.api.get("actions").then((found) => found.items)),
      offeredOn: async (target) => (await session.api.at({ object: target }).get("actions")).items,
      act: (action, about) => session.open(action, { ...about, closed: () => this.refresh() }),
    };
  }
}
