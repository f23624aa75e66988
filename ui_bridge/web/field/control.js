/** What the reader fills in: one control for each kind of field, all with the same face. */

import { el, fill, fresh } from "../dom.js";
import { UNITS, joined, split } from "./bytes.js";

/**
 * @typedef {import("./model.js").Field} Field
 * @typedef {{value: any, title: string, note?: string}} Choice
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {() => any} read null when nothing was entered; undefined when it is not to be understood
 * @property {() => void} focus
 * @property {HTMLElement[]} described what a description and a fault belong to
 * @property {(choices: Choice[] | null) => void} [offer] null while they are asked for
 */

/**
 * @param {import("../session.js").Session} session
 * @param {Field} field
 * @param {string} id of the input that the label is for
 * @returns {Control}
 */
export function control(session, field, id) {
  const make = MAKERS[field.control] ?? line;
  return make(session, field, id);
}

/** Whether the field says its label itself, beside its box. @param {Field} field */
export function isLabelled(field) {
  return field.control === "boolean" && (field.initial !== null || field.required);
}

/** Whether the field is a set of inputs with a legend, and no single one with a label. @param {Field} field */
export function isSet(field) {
  return field.control === "choices";
}

const MAKERS = { boolean, bytes, choice, choices, json, lines, list, number, pairs, password, select };

function simple(input, read) {
  return { element: input, read, focus: () => input.focus(), described: [input] };
}

function required(field) {
  return { "aria-required": field.required ? "true" : null, autocomplete: "off" };
}

function line(session, field, id) {
  const input = /** @type {HTMLInputElement} */ (
    el("input", { id, type: "text", class: "clr-input", spellcheck: "false", value: field.initial, ...required(field) })
  );
  return simple(input, () => (input.value === "" ? null : input.value));
}

function password(session, field, id) {
  const input = /** @type {HTMLInputElement} */ (
    el("input", { id, type: "password", class: "clr-input", ...required(field), autocomplete: "new-password" })
  );
  return simple(input, () => (input.value === "" ? null : input.value));
}

function area(field, id, value) {
  const attributes = { id, class: "clr-textarea", rows: "4", spellcheck: "false", ...required(field) };
  return /** @type {HTMLTextAreaElement} */ (el("textarea", attributes, value));
}

function lines(session, field, id) {
  const input = area(field, id, field.initial);
  const made = simple(input, () => (input.value.trim() === "" ? null : input.value));
  return field.schema.contentMediaType ? { ...made, element: el("div", { class: "lines" }, input, upload(session, input)) } : made;
}

/** Takes the text of a file of the reader's. */
function upload(session, input) {
  const picker = /** @type {HTMLInputElement} */ (el("input", { type: "file", class: "upload", "aria-label": session.say("ui.field.file") }));
  picker.addEventListener("change", async (event) => {
    event.stopPropagation();
    const [file] = picker.files ?? [];
    if (!file) return;
    input.value = await file.text();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return picker;
}

/** One entry a line. */
function list(session, field, id) {
  const input = area(field, id, (field.initial ?? []).join("\n"));
  return simple(input, () => {
    const found = input.value.split("\n").map((each) => each.trim());
    const entries = [...new Set(found.filter(Boolean))];
    return entries.length ? entries : field.empty;
  });
}

/** `name=value`, one a line. */
function pairs(session, field, id) {
  const entries = Object.entries(field.initial ?? {});
  const input = area(field, id, entries.map(([name, value]) => `${name}=${value}`).join("\n"));
  return simple(input, () => {
    const found = input.value.split("\n").filter((each) => each.trim());
    if (found.some((each) => each.indexOf("=") < 1)) return undefined;
    if (!found.length) return null;
    return Object.fromEntries(
      found.map((each) => [each.slice(0, each.indexOf("=")).trim(), each.slice(each.indexOf("=") + 1).trim()]),
    );
  });
}

function json(session, field, id) {
  const input = area(field, id, field.initial === null ? "" : JSON.stringify(field.initial, null, 2));
  return simple(input, () => {
    if (input.value.trim() === "") return null;
    try {
      return JSON.parse(input.value);
    } catch {
      return undefined;
    }
  });
}

function number(session, field, id) {
  const { minimum, maximum, type } = field.schema;
  const input = /** @type {HTMLInputElement} */ (
    el("input", {
      id,
      type: "number",
      class: "clr-input number",
      min: minimum,
      max: maximum,
      step: type === "integer" ? "1" : "any",
      value: field.initial,
      ...required(field),
    })
  );
  return simple(input, () => {
    if (input.validity.badInput) return undefined;
    return input.value === "" ? null : Number(input.value);
  });
}

function bytes(session, field, id) {
  const initial = split(field.initial);
  const input = /** @type {HTMLInputElement} */ (
    el("input", { id, type: "number", class: "clr-input number", min: "0", step: "any", value: initial.number, ...required(field) })
  );
  const unit = /** @type {HTMLSelectElement} */ (
    el(
      "select",
      { class: "clr-select", "aria-label": session.say("ui.field.unit", { label: field.label }) },
      Object.keys(UNITS).map((each) => el("option", { value: each }, each)),
    )
  );
  unit.value = initial.unit;
  return {
    element: el("div", { class: "size" }, input, el("div", { class: "clr-select-wrapper" }, unit)),
    read: () => {
      if (input.validity.badInput) return undefined;
      return joined(input.value, unit.value);
    },
    focus: () => input.focus(),
    described: [input],
  };
}

function boolean(session, field, id) {
  // Left out is something else than no, where the schema does not say which it would be.
  if (field.initial === null && !field.required) return yesOrNo(session, field, id);
  const input = /** @type {HTMLInputElement} */ (
    el("input", { id, type: "checkbox", class: "clr-checkbox", checked: field.initial === true })
  );
  return {
    element: el("div", { class: "clr-checkbox-wrapper" }, input, el("label", { for: id, class: "clr-control-label" }, field.label)),
    read: () => input.checked,
    focus: () => input.focus(),
    described: [input],
  };
}

function yesOrNo(session, field, id) {
  const input = dropdown(session, field, id);
  const values = [true, false];
  fill(input, options(session, field, values.map((value) => ({ value, title: session.say(value ? "ui.yes" : "ui.no") }))));
  const read = () => (input.value === "" ? null : values[Number(input.value)]);
  return { ...simple(input, read), element: el("div", { class: "clr-select-wrapper" }, input) };
}

/** With an empty one before them, unless the schema says what it is when nothing is chosen. */
function options(session, field, choices) {
  const decided = choices.some((each) => same(each.value, field.schema.default));
  const empty = el("option", { value: "" }, session.say(field.required ? "ui.field.choose" : "ui.field.none"));
  return [!decided && empty, ...choices.map((each, index) => el("option", { value: String(index) }, entitled(each)))];
}

/** A short note stands in the list itself, where it helps to choose; a long one below it. */
function entitled({ title, note }) {
  return isShort(note) ? `${title} — ${note}` : title;
}

function isShort(note) {
  return Boolean(note) && note.length <= 48;
}

function dropdown(session, field, id) {
  return /** @type {HTMLSelectElement} */ (el("select", { id, class: "clr-select", ...required(field) }));
}

/** One of those that the schema names. */
function select(session, field, id) {
  const input = dropdown(session, field, id);
  const values = field.schema.enum;
  const titles = field.schema["x-titles"] ?? {};
  fill(input, options(session, field, values.map((value) => ({ value, title: titles[value] ?? String(value) }))));
  if (field.initial !== null) input.value = String(values.indexOf(field.initial));
  const read = () => (input.value === "" ? null : values[Number(input.value)]);
  return { ...simple(input, read), element: el("div", { class: "clr-select-wrapper" }, input) };
}

/** One of those that the server offers. What is offered already stays until there is something else. */
function choice(session, field, id) {
  const input = dropdown(session, field, id);
  const note = el("p", { class: "choice-note", role: "status" });
  /** @type {Choice[] | null} */
  let known = null;
  let wanted = field.initial;
  const chosen = () => (known === null || input.value === "" ? null : known[Number(input.value)]);
  const tell = () => {
    const said = chosen()?.note;
    note.textContent = said && !isShort(said) ? said : "";
  };
  input.addEventListener("change", () => {
    wanted = chosen()?.value ?? null;
    tell();
  });
  return {
    element: el("div", {}, el("div", { class: "clr-select-wrapper" }, input), note),
    read: () => (known === null ? wanted : (chosen()?.value ?? null)),
    focus: () => input.focus(),
    described: [input],
    offer: (choices) => {
      if (choices === null) {
        if (known === null) fill(input, el("option", { value: "" }, session.say("ui.loading")));
        return;
      }
      if (known !== null && JSON.stringify(known) === JSON.stringify(choices)) return;
      known = choices;
      fill(input, options(session, field, choices));
      const only = field.required && choices.length === 1 ? 0 : -1;
      const at = choices.findIndex((each) => same(each.value, wanted));
      input.value = String(at >= 0 ? at : only >= 0 ? only : "");
      tell();
    },
  };
}

/** Any of those that the server or the schema offers. */
function choices(session, field, id) {
  const place = el("div", { class: "checks", id });
  let wanted = new Set((field.initial ?? []).map(String));
  /** @type {{value: any, input: HTMLInputElement}[]} */
  let boxes = [];
  let shown = "";
  const show = (known) => {
    if (JSON.stringify(known) === shown) return;
    shown = JSON.stringify(known);
    boxes = known.map((each) => {
      const box = fresh("check");
      const input = /** @type {HTMLInputElement} */ (
        el("input", { id: box, type: "checkbox", class: "clr-checkbox", checked: wanted.has(String(each.value)) })
      );
      input.addEventListener("change", () => {
        wanted = new Set(boxes.filter((one) => one.input.checked).map((one) => String(one.value)));
      });
      return { value: each.value, input, title: each.title, note: each.note };
    });
    fill(
      place,
      boxes.length
        ? boxes.map(({ input, title, note }) =>
            el(
              "div",
              { class: "clr-checkbox-wrapper" },
              input,
              el("label", { for: input.id, class: "clr-control-label" }, title, note && el("span", { class: "check-note" }, note)),
            ),
          )
        : el("p", { class: "empty" }, session.say("ui.field.nothing")),
    );
  };
  const given = field.schema.items?.enum;
  const titles = field.schema["x-titles"] ?? {};
  if (given) show(given.map((value) => ({ value, title: titles[value] ?? String(value) })));
  return {
    element: place,
    read: () => {
      const found = boxes.filter((each) => each.input.checked).map((each) => each.value);
      return found.length ? found : field.empty;
    },
    focus: () => boxes[0]?.input.focus(),
    described: [place],
    offer: (known) => {
      if (known !== null) show(known);
      else if (!shown) fill(place, el("p", { class: "empty" }, session.say("ui.loading")));
    },
  };
}

function same(one, other) {
  return one === other || (other !== null && other !== undefined && String(one) === String(other));
}
