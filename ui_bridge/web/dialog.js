/** The dialog of an action: what it takes, what it would do, and how it goes. */

import { ApiError, persistently } from "./api.js";
import { Blocks } from "./blocks/blocks.js";
import { button, el, fill, waiting } from "./dom.js";
import { alert, failure } from "./failure.js";
import { Form } from "./field/form.js";
import { flat } from "./field/model.js";
import { OperationView, quiet, rests } from "./operation.js";

export class Dialog {
  /**
   * @param {import("./session.js").Session} session
   * @param {string} id of the action
   * @param {string} title
   * @param {Record<string, any>} given what is known of the input already
   */
  constructor(session, id, title, given) {
    this.session = session;
    this.id = id;
    this.given = given;
    this.heading = el("h1", { class: "clr-sr-only" }, title);
    this.stages = el("ol", { class: "stages", "aria-label": session.say("ui.dialog.stages") });
    this.subject = el("span", { class: "subject" });
    this.body = el("div", { class: "dialog-body" });
    this.foot = el("div", { class: "dialog-foot" });
    this.element = el(
      "div",
      { class: "dialog" },
      this.heading,
      el("div", { class: "stages-row" }, this.stages, this.subject),
      this.body,
      this.foot,
    );
    /** @type {Form | null} */
    this.form = null;
    /** @type {OperationView | null} */
    this.view = null;
    /** The primary button's deed, which Enter does as well. @type {(() => void) | null} */
    this.primary = null;
    this.busy = false;
    this.key = crypto.randomUUID();
    /** @type {string | null} the input that was sent with the key, once it was sent */
    this.sent = null;
  }

  async start() {
    // What had the focus may just have been taken away, so keys are heard wherever it is.
    document.onkeydown = (event) => this.#key(event);
    fill(this.body, waiting(this.session.say("ui.loading")));
    this.#buttons([this.#closing("ui.cancel")]);
    this.#name();
    try {
      this.action = await this.session.api.get(`actions/${this.id}`);
    } catch (error) {
      this.#failed(error, () => this.start());
      return;
    }
    this.heading.textContent = this.action.title;
    if (!this.action.available) {
      this.#unavailable();
      return;
    }
    this.form = new Form(this.session, this.action, this.given);
    const open = flat(this.form.fields).filter((each) => !(each.name in this.given));
    this.direct = open.length === 0;
    if (this.direct) {
      await this.#plan();
    } else {
      this.#details();
      this.form.focus();
      await this.form.start();
    }
  }

  /** Which object it is about, since the window's title does not say. */
  async #name() {
    if (!this.session.api.place.object) return;
    try {
      const { object } = await this.session.api.get("session");
      this.subject.textContent = object?.name ?? "";
    } catch {
      // What is wrong is said by the dialog itself.
    }
  }

  /** What cannot be done is said at once, not after a form was filled in. */
  #unavailable() {
    const { action, session } = this;
    fill(
      this.body,
      el("p", { class: "summary" }, action.summary),
      alert("warning", [
        el("strong", {}, action.reason || session.say("ui.dialog.unavailable")),
        action.cure && el("p", { class: "cure" }, action.cure),
      ]),
    );
    this.#buttons([this.#closing("ui.close", true), this.#button("ui.again", () => this.start())]);
    this.foot.querySelector("button")?.focus();
  }

  #details() {
    const { action, session } = this;
    this.#stage("details");
    fill(
      this.body,
      el("p", { class: "summary" }, action.summary),
      flat(this.form.fields).some((each) => each.required) && el("p", { class: "hint" }, session.say("ui.field.mark")),
      this.form.element,
    );
    this.#buttons([this.#closing("ui.cancel"), this.#button("ui.next", () => this.#next(), true)]);
  }

  async #next() {
    if (this.busy) return;
    this.busy = true;
    await this.form.settled();
    this.busy = false;
    if (this.form.check()) this.#plan();
  }

  async #plan() {
    if (this.busy) return;
    this.busy = true;
    this.#stage("plan");
    fill(this.body, waiting(this.session.say("ui.dialog.planning")));
    this.#buttons([this.#closing("ui.cancel")]);
    try {
      const input = this.#input();
      const { blocks } = await this.session.api.post(`actions/${this.id}/plan`, { input });
      this.#planned(input, blocks);
    } catch (error) {
      this.#refused(error, () => this.#plan());
    } finally {
      this.busy = false;
    }
  }

  #planned(input, blocks) {
    const { session, action } = this;
    const drawn = new Blocks(session, quiet());
    drawn.show(blocks);
    const heading = el("h2", { tabindex: "-1" }, session.say("ui.dialog.planned"));
    fill(this.body, heading, el("p", { class: "summary" }, session.say("ui.dialog.planned.note")), drawn.element);
    this.#buttons([
      this.#closing("ui.cancel"),
      !this.direct && this.#button("ui.back", () => this.#back()),
      this.#button(action.title, () => this.#do(input), true),
    ]);
    heading.focus();
  }

  #back() {
    this.#details();
    this.form.focus();
  }

  /** Once: what the answer was lost of is asked again with the same key, and does nothing a second time. */
  async #do(input) {
    if (this.busy) return;
    this.busy = true;
    const text = JSON.stringify(input);
    if (this.sent !== null && this.sent !== text) this.key = crypto.randomUUID();
    this.sent = text;
    this.#stage("progress");
    fill(this.body, waiting(this.session.say("ui.dialog.beginning")));
    this.#buttons([this.#closing("ui.close")]);
    try {
      const ask = () => this.session.api.post(`actions/${this.id}`, { input, key: this.key });
      const { operation, blocks } = await persistently(ask);
      if (operation) this.#progress(operation);
      else this.#result(blocks ?? []);
    } catch (error) {
      if (error instanceof ApiError && error.lost) this.#lost(error, input);
      else this.#refused(error, () => this.#plan());
    } finally {
      this.busy = false;
    }
  }

  /** Nobody knows whether it was begun; only the same may be asked again. */
  #lost(error, input) {
    fill(
      this.body,
      failure(this.session, error),
      el("p", {}, this.session.say("ui.dialog.lost")),
    );
    this.#buttons([this.#closing("ui.close"), this.#button("ui.again", () => this.#do(input), true)]);
    this.foot.querySelector(".btn-primary")?.focus();
  }

  #progress(operation) {
    const note = el("p", { class: "hint" }, this.session.say("ui.dialog.goes-on"));
    this.view = new OperationView(this.session, operation, (now) => {
      note.hidden = rests(now);
      const over = rests(now);
      this.#buttons([this.#closing("ui.close", over)]);
      if (over) this.#arrive();
    });
    fill(this.body, this.view.element, note);
    this.view.start();
  }

  /** What was done at once. */
  #result(blocks) {
    const drawn = new Blocks(this.session, quiet());
    drawn.show(blocks);
    const said = el("strong", {}, this.session.say("ui.outcome.done"));
    fill(this.body, alert("ok", [said], { role: "status" }), drawn.element);
    this.#buttons([this.#closing("ui.close", true)]);
    this.#arrive();
  }

  #arrive() {
    /** @type {HTMLElement | null} */ (this.foot.querySelector(".btn-primary"))?.focus();
  }

  /** A refusal goes to the field that it is about; all else is shown with a way to try again. */
  #refused(error, again) {
    if (error instanceof ApiError && !this.direct && this.form.has(error.field)) {
      this.#details();
      this.form.refuse(error);
      return;
    }
    this.#failed(error, again, !this.direct && Boolean(this.form));
  }

  #failed(error, again, back = false) {
    const drawn = new Blocks(this.session, quiet());
    drawn.show(error instanceof ApiError ? error.blocks : []);
    fill(this.body, failure(this.session, error), drawn.element);
    this.#buttons([
      this.#closing("ui.close"),
      back && this.#button("ui.back", () => this.#back()),
      this.#button("ui.again", again, true),
    ]);
    this.#arrive();
  }

  #input() {
    return this.direct ? { ...this.form.input, ...this.given } : this.form.input;
  }

  #stage(now) {
    const all = this.direct ? ["plan", "progress"] : ["details", "plan", "progress"];
    const at = all.indexOf(now);
    fill(
      this.stages,
      all.map((each, index) =>
        el(
          "li",
          { class: ["stage", index < at && "stage-past", index === at && "stage-now"], "aria-current": index === at ? "step" : null },
          this.session.say(`ui.stage.${each}`),
        ),
      ),
    );
  }

  #buttons(all) {
    const focused = this.foot.contains(document.activeElement);
    this.primary = null;
    fill(this.foot, all.filter(Boolean).map(({ key, act, primary }) => {
      if (primary) this.primary = act;
      const label = this.session.texts.has(key) ? this.session.say(key) : key;
      return button(label, act, { class: primary ? "btn btn-primary" : "btn btn-outline", "data-verb": key });
    }));
    if (focused) /** @type {HTMLElement | null} */ (this.foot.querySelector("button:last-child"))?.focus();
  }

  #button(key, act, primary = false) {
    return { key, act, primary };
  }

  #closing(key, primary = false) {
    return this.#button(key, () => this.#close(), primary);
  }

  #close() {
    this.view?.stop();
    this.session.client.close();
  }

  #key(event) {
    if (event.key === "Escape") {
      this.#close();
    } else if (event.key === "Enter" && event.target instanceof HTMLInputElement && this.primary) {
      if (event.target.type === "file") return;
      event.preventDefault();
      this.primary();
    }
  }
}
