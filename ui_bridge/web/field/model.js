/**
 * Fields of a form, from the JSON Schema of an action's input.
 *
 * What is understood: string (`enum`, `format: password` or `writeOnly`, several lines from a `maxLength` of 1000 on),
 * integer and number (with `x-unit: bytes` as number and unit), boolean, array of strings, and objects of such in groups.
 * A field that `choices` names is chosen from what the server offers. A field with `x-for` is there only while the
 * fields named in it have one of those values. All else is entered as JSON.
 */

/**
 * @typedef {"text" | "password" | "lines" | "number" | "bytes" | "boolean" | "select" | "choice" | "choices" | "list"
 *     | "pairs" | "group" | "json"} Control
 * @typedef {object} Field
 * @property {string} name its path in the input, with dots
 * @property {string} label
 * @property {string} description
 * @property {Control} control
 * @property {boolean} required
 * @property {any} empty what it is when nothing is entered: null, or an empty list where that is an answer of its own
 * @property {any} initial
 * @property {any} schema
 * @property {Record<string, any[]> | null} only while these fields have one of these values
 * @property {Field[]} [fields] of a group
 */

const LONG = 1000;

/**
 * @param {any} schema of an object
 * @param {string[]} [choices] the fields that the server offers choices for
 * @param {Record<string, any>} [given] what is known already
 * @param {string} [prefix]
 * @returns {Field[]}
 */
export function fields(schema, choices = [], given = {}, prefix = "") {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([key, each]) => {
    const name = `${prefix}${key}`;
    const known = given[key];
    const mayBeEmpty = each.type === "array" && !each.minItems;
    /** @type {Field} */
    const field = {
      name,
      label: each.title || spoken(key),
      description: each.description ?? "",
      control: control(each, choices.includes(name)),
      required: required.has(key) && !mayBeEmpty,
      empty: required.has(key) && mayBeEmpty ? [] : null,
      initial: known ?? each.default ?? each.const ?? null,
      only: each["x-for"] ?? null,
      schema: each,
    };
    if (field.control === "group") field.fields = fields(each, choices, known ?? {}, `${name}.`);
    return field;
  });
}

/**
 * All fields that hold a value, those of groups among them.
 * @param {Field[]} found
 * @returns {Field[]}
 */
export function flat(found) {
  return found.flatMap((each) => (each.fields ? flat(each.fields) : [each]));
}

/**
 * Whether a field is there with these values of the others; a field that the form does not have decides nothing.
 * @param {Field} field
 * @param {Map<string, any>} values by the fields' names
 */
export function applies({ only }, values) {
  return Object.entries(only ?? {}).every(([name, wanted]) => !values.has(name) || wanted.includes(values.get(name)));
}

/**
 * The input: nested as the schema has it, without what was left empty.
 * @param {Map<string, any>} values by the fields' names
 */
export function nested(values) {
  /** @type {Record<string, any>} */
  const found = {};
  for (const [name, value] of values) {
    if (value === null || value === undefined) continue;
    const path = name.split(".");
    const last = /** @type {string} */ (path.pop());
    let place = found;
    for (const each of path) place = place[each] ??= {};
    place[last] = value;
  }
  return found;
}

/**
 * The fields whose choices may differ once `name` has changed: those after it.
 * @param {Field[]} found
 * @param {string} name
 */
export function dependents(found, name) {
  const all = flat(found);
  const place = all.findIndex((each) => each.name === name);
  return all.slice(place + 1).filter((each) => each.control === "choice" || each.control === "choices");
}

function control(schema, offered) {
  const type = Array.isArray(schema.type) ? schema.type.find((each) => each !== "null") : schema.type;
  if (type === "array") return offered ? "choices" : schema.items?.enum ? "choices" : strings(schema) ? "list" : "json";
  if (offered) return "choice";
  if (schema.enum) return "select";
  switch (type) {
    case "boolean":
      return "boolean";
    case "integer":
    case "number":
      return schema["x-unit"] === "bytes" ? "bytes" : "number";
    case "object":
      if (schema.properties) return "group";
      return (schema.additionalProperties?.type ?? "string") === "string" ? "pairs" : "json";
    case "string":
      if (schema.writeOnly || schema.format === "password") return "password";
      return (schema.maxLength ?? 0) >= LONG ? "lines" : "text";
    default:
      return "json";
  }
}

function strings(schema) {
  return (schema.items?.type ?? "string") === "string";
}

function spoken(key) {
  const words = key.replaceAll("_", " ").replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
