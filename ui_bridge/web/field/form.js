/** A form made of fields: labels, what is wrong next to where it is, and choices that follow what was entered. */

import { button, el, fill, fresh } from "../dom.js";
import { alert, failure } from "../failure.js";
import { fault } from "./check.js";
import { control, isLabelled, isSet } from "./control.js";
import { applies, dependents, fields, flat, nested } from "./model.js";

/**
 * @typedef {object} Entry one field as it stands on the page
 * @property {import("./model.js").Field} field
 * @property {import("./control.js").Control} control
 * @property {HTMLElement} wrong
 * @property {HTMLElement} box
 * @property {AbortController | null} asking
 * @property {string} refused the value that was found wrong
 */

export class Form {
  /**
   * @param {import("../session.js").Session} session
   * @param {any} action as the API describes it
   * @param {Record<string, any>} given
   */
  constructor(session, action, given) {
    this.session = session;
    this.action = action;
    this.fields = fields(action.input, action.choices, given);
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Set<Promise<void>>} choices that are being asked for */
    this.open = new Set();
    this.summary = el("div", { class: "form-summary", tabindex: "-1" });
    const stay = (event) => event.preventDefault();
    this.element = el("form", { class: "form", novalidate: true, onsubmit: stay }, this.summary, this.fields.map((each) => this.#row(each)));
    this.#fit();
  }

  /** Asks for all choices. */
  async start() {
    await Promise.all(flat(this.fields).map((each) => this.#offer(each)));
  }

  /** Waits for choices that are still being asked for. */
  async settled() {
    while (this.open.size) await Promise.all(this.open);
  }

  /** Puts the reader where they begin. */
  focus() {
    const first = this.entries.values().next().value;
    first?.control.focus();
  }

  /** What was entered, as the action takes it. */
  get input() {
    const values = this.#values();
    return nested(new Map([...values].filter(([name]) => !this.entries.get(name)?.box.hidden)));
  }

  /**
   * Whether all of it may be sent. If not, each field says what is wrong with it, and the reader is taken to a list.
   * @returns {boolean}
   */
  check() {
    let sound = true;
    for (const entry of this.entries.values()) {
      if (entry.box.hidden) continue;
      const value = entry.control.read();
      const found = value === undefined ? { key: "ui.fault.unreadable", values: {} } : fault(entry.field, value);
      this.#mark(entry, found ? this.#said(entry.field, found) : "");
      if (found) sound = false;
    }
    if (sound) fill(this.summary);
    else this.#sum();
    return sound;
  }

  /** Whether there is such a field to be seen. @param {string} name */
  has(name) {
    const entry = this.entries.get(name);
    return entry !== undefined && !entry.box.hidden;
  }

  /** Shows what the server refused next to the field that it names. @param {import("../api.js").ApiError} error */
  refuse(error) {
    const entry = /** @type {Entry} */ (this.entries.get(error.field));
    this.#mark(entry, [error.message, error.cure].filter(Boolean).join(" "));
    this.#sum();
  }

  #values() {
    /** @type {Map<string, any>} */
    const found = new Map();
    for (const [name, entry] of this.entries) found.set(name, entry.control.read());
    return found;
  }

  #row(field) {
    if (field.fields) {
      return el(
        "fieldset",
        { class: "field-group" },
        el("legend", {}, field.label),
        field.description && el("p", { class: "field-note" }, field.description),
        field.fields.map((each) => this.#row(each)),
      );
    }
    const id = fresh("field");
    const made = control(this.session, field, id);
    const note = [field.description, this.#bounds(field)].filter(Boolean).join(" ");
    const noted = el("p", { class: "field-note", id: `${id}-note` }, note);
    const wrong = el("p", { class: "field-fault", id: `${id}-fault` });
    const box = isSet(field)
      ? el("fieldset", { class: "field" }, el("legend", { class: "field-label" }, this.#label(field)), noted, made.element, wrong)
      : el(
          "div",
          { class: "field" },
          !isLabelled(field) && el("label", { class: "field-label", for: id }, this.#label(field)),
          made.element,
          note && noted,
          wrong,
        );
    for (const each of made.described) {
      each.setAttribute("aria-describedby", [note && noted.id, wrong.id].filter(Boolean).join(" "));
    }
    const entry = { field, control: made, wrong, box, asking: null, refused: "" };
    this.entries.set(field.name, entry);
    box.addEventListener("change", () => this.#changed(entry));
    box.addEventListener("input", () => this.#forgive(entry));
    return box;
  }

  #label(field) {
    const { session } = this;
    const mark = field.required
      ? [
          el("span", { class: "required", "aria-hidden": "true" }, " *"),
          isSet(field) && el("span", { class: "clr-sr-only" }, ` (${session.say("ui.field.required")})`),
        ]
      : null;
    return [field.label, mark];
  }

  /** What a number may be, said before it is entered. */
  #bounds({ control: kind, schema }) {
    if (kind !== "number" && kind !== "bytes") return "";
    const show = (value) => (kind === "bytes" ? this.session.format.exactSize(value) : this.session.format.number(value));
    const { minimum, maximum } = schema;
    if (minimum !== undefined && maximum !== undefined) {
      return this.session.say("ui.field.between", { minimum: show(minimum), maximum: show(maximum) });
    }
    if (minimum > 0) return this.session.say("ui.field.least", { minimum: show(minimum) });
    return maximum === undefined ? "" : this.session.say("ui.field.most", { maximum: show(maximum) });
  }

  #said(field, { key, values }) {
    const show = (value) =>
      field.control === "bytes" ? this.session.format.exactSize(value) : this.session.format.number(value);
    const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, show(value)]));
    return this.session.say(key, shown);
  }

  #mark(entry, message) {
    entry.refused = message ? text(entry) : "";
    entry.wrong.textContent = message;
    entry.box.classList.toggle("field-wrong", message !== "");
    for (const each of entry.control.described) {
      if (message) each.setAttribute("aria-invalid", "true");
      else each.removeAttribute("aria-invalid");
    }
  }

  #sum() {
    const wrong = [...this.entries.values()].filter((each) => !each.box.hidden && each.wrong.textContent);
    const go = (entry) =>
      button(entry.field.label, () => entry.control.focus(), { class: "link" });
    fill(
      this.summary,
      alert("error", [
        el("strong", {}, this.session.say("ui.fault.summary")),
        el("ul", {}, wrong.map((entry) => el("li", {}, go(entry), ` – ${entry.wrong.textContent}`))),
      ]),
    );
    this.summary.focus();
    this.summary.scrollIntoView({ block: "start" });
  }

  /** What was wrong with it no longer is, once it is another. */
  #forgive(entry) {
    if (text(entry) !== entry.refused) this.#mark(entry, "");
  }

  /** Shows the fields that are there with what is entered now, and no other. */
  #fit() {
    const values = this.#values();
    for (const { field, box } of this.entries.values()) box.hidden = !applies(field, values);
  }

  #changed(entry) {
    this.#forgive(entry);
    this.#fit();
    for (const each of dependents(this.fields, entry.field.name)) this.#offer(each);
  }

  async #offer(field) {
    const entry = /** @type {Entry} */ (this.entries.get(field.name));
    if (!this.action.choices.includes(field.name) || !entry.control.offer) return;
    const asked = this.#ask(entry);
    this.open.add(asked);
    this.element.setAttribute("aria-busy", "true");
    await asked;
    this.open.delete(asked);
    this.element.setAttribute("aria-busy", String(this.open.size > 0));
  }

  async #ask({ field, control: offered, wrong }) {
    const entry = /** @type {Entry} */ (this.entries.get(field.name));
    entry.asking?.abort();
    const asking = (entry.asking = new AbortController());
    offered.offer?.(null);
    try {
      const address = `actions/${this.action.id}/choices/${field.name}`;
      const found = await this.session.api.post(address, { input: this.input }, { signal: asking.signal });
      if (asking.signal.aborted) return;
      offered.offer?.(found.items);
      fill(wrong);
    } catch (error) {
      if (asking.signal.aborted) return;
      offered.offer?.([]);
      fill(wrong, failure(this.session, error, () => this.#offer(field)));
    }
  }
}

function text(entry) {
  return JSON.stringify(entry.control.read() ?? null);
}
