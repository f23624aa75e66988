/** The plug-in's own page: one vCenter at a time, and its views as tabs. */

import { el, fill, fresh, waiting } from "./dom.js";
import { alert, told } from "./failure.js";
import { Page } from "./page.js";

export const VIEWS = ["overview", "systems", "pools", "volumes", "hosts", "operations", "events"];
const KEPT = "isthmus.vcenter";

export class Overview {
  /** @param {import("./session.js").Session} session @param {string} title */
  constructor(session, title) {
    this.session = session;
    this.panelId = fresh("panel");
    this.tabs = el("div", { class: "tabs", role: "tablist", "aria-label": title, onkeydown: (event) => this.#steer(event) });
    this.panel = el("div", { id: this.panelId, role: "tabpanel", tabindex: "0", class: "tab-panel" });
    this.select = /** @type {HTMLSelectElement} */ (el("select", { id: fresh("vcenter"), class: "clr-select" }));
    this.selector = el(
      "div",
      { class: "vcenters", hidden: true },
      el("label", { for: this.select.id }, session.say("ui.vcenter")),
      el("div", { class: "clr-select-wrapper" }, this.select),
    );
    this.who = el("p", { class: "who" });
    this.heading = el("h1", {}, title);
    this.element = el(
      "div",
      { class: "overview" },
      el("div", { class: "overview-head" }, this.heading, this.selector),
      this.tabs,
      this.panel,
      el("footer", {}, this.who),
    );
    this.select.addEventListener("change", () => this.#choose(this.select.value));
    /** @type {Page | null} */
    this.page = null;
    /** @type {Map<string, any>} what is known of each vCenter: the session there, or the error */
    this.known = new Map();
    /** @type {string | null} */
    this.guid = null;
  }

  async start() {
    const guids = await this.session.client.vcenters();
    if (guids.length === 0) {
      fill(this.panel, alert("error", [el("strong", {}, this.session.say("ui.vcenter.none"))]));
      return;
    }
    fill(this.select, guids.map((guid) => el("option", { value: guid }, guid)));
    this.selector.hidden = guids.length === 1;
    fill(this.panel, waiting(this.session.say("ui.loading")));
    const met = guids.map((guid) => this.#meet(guid));
    if (this.guid === null) this.#choose(await this.#first(guids, met));
    await Promise.all(met);
  }

  /** The one that was looked at last, else the first to answer: a dead one is not what to begin with. */
  async #first(guids, met) {
    const remembered = sessionStorage.getItem(KEPT);
    if (remembered !== null && guids.includes(remembered)) return remembered;
    const alive = met.map(async (each, index) => ((await each) ? guids[index] : Promise.reject(new Error("dead"))));
    return Promise.any(alive).catch(() => guids[0]);
  }

  refresh() {
    this.page?.refresh();
    for (const guid of this.known.keys()) this.#meet(guid);
  }

  redraw() {
    this.page?.redraw();
  }

  /** Learns the name of a vCenter and who the user is there; a dead one says why, and holds up no other. */
  async #meet(guid) {
    const option = [...this.select.options].find((each) => each.value === guid);
    try {
      const found = await this.session.at({ vcenter: guid }).api.get("session");
      this.known.set(guid, { found });
      if (option) option.textContent = found.vcenter.name;
      if (guid === this.guid) this.#introduce();
      return true;
    } catch (error) {
      this.known.set(guid, { error });
      if (option) option.textContent = this.session.say("ui.vcenter.dead", { guid, why: told(this.session, error).message });
      return false;
    }
  }

  #introduce() {
    const found = this.known.get(this.guid)?.found;
    if (!found) {
      fill(this.who);
      return;
    }
    const said = this.session.say("ui.who", { user: found.user, vcenter: found.vcenter.name, version: found.version });
    const missing = found.missing_privileges ?? [];
    fill(
      this.who,
      said,
      missing.length ? ` · ${this.session.say("ui.who.missing", { privileges: missing.join(", ") })}` : null,
    );
  }

  #choose(guid) {
    this.guid = guid;
    this.select.value = guid;
    sessionStorage.setItem(KEPT, guid);
    this.place = this.session.at({ vcenter: guid });
    this.#introduce();
    this.#open(this.#wanted());
  }

  #wanted() {
    const name = location.hash.slice(1);
    return VIEWS.includes(name) ? name : VIEWS[0];
  }

  #open(view) {
    this.page?.stop();
    fill(this.tabs, VIEWS.map((each) => this.#tab(each, each === view)));
    this.page = new Page(this.place, view, { level: 2, titled: false });
    this.panel.setAttribute("aria-labelledby", `tab-${view}`);
    fill(this.panel, this.page.element);
    const { page } = this;
    page.start().then(() => {
      // The shell's title is in the browser's language; the first view's is in the client's, which may be another.
      const title = view === VIEWS[0] && page.heading.textContent;
      if (!title) return;
      this.heading.textContent = title;
      this.tabs.setAttribute("aria-label", title);
    });
  }

  #tab(view, selected) {
    return el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${view}`,
        class: "tab",
        "aria-selected": String(selected),
        "aria-controls": this.panelId,
        tabindex: selected ? "0" : "-1",
        onclick: () => this.#go(view),
      },
      this.session.say(`ui.tab.${view}`),
    );
  }

  #go(view) {
    history.replaceState(null, "", `#${view}`);
    this.#open(view);
    document.getElementById(`tab-${view}`)?.focus();
  }

  #steer(event) {
    const at = VIEWS.indexOf(this.#wanted());
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: VIEWS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#go(VIEWS[(to + VIEWS.length) % VIEWS.length]);
  }
}
