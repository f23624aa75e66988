/** Elements, made of names, attributes and text. Nothing that is shown is ever read as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child what is empty is left out
 * @typedef {Record<string, any>} Attributes `on…` listens; `class` may be a list; true is an attribute without a value;
 *     what is null, undefined or false is left out
 */

/**
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function el(name, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (filled(document.createElement(name), attributes, children));
}

/**
 * An element of a drawing.
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(name, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (filled(document.createElementNS(SVG, name), attributes, children));
}

/**
 * Puts these in the place of all that is in `parent`.
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...kept(children));
}

let numbers = 0;

/**
 * An id that nothing else on the page has.
 * @param {string} word
 */
export function fresh(word) {
  numbers += 1;
  return `${word}-${numbers}`;
}

/**
 * A button that does something; it never sends a form.
 * @param {string} label
 * @param {(event: Event) => void} act
 * @param {Attributes} [attributes]
 */
export function button(label, act, attributes = {}) {
  return /** @type {HTMLButtonElement} */ (
    el("button", { type: "button", class: "btn", onclick: act, ...attributes }, label)
  );
}

/** A sign that something is being waited for, with what it is. @param {string} label */
export function waiting(label) {
  return el("p", { class: "waiting" }, el("span", { class: "spinner spinner-sm", "aria-hidden": "true" }), label);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" && Array.isArray(value)) element.setAttribute("class", value.filter(Boolean).join(" "));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...kept(children));
  return element;
}

function kept(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
