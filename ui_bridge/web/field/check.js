/** What is wrong with a value before it is sent; the server checks all of it again. */

/**
 * @typedef {{key: string, values: Record<string, any>}} Fault a text and what is filled into it; sizes as `bytes…`
 */

/**
 * @param {import("./model.js").Field} field
 * @param {any} value null when nothing was entered
 * @returns {Fault | null}
 */
export function fault(field, value) {
  const { schema } = field;
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) {
    return field.required ? { key: "ui.fault.required", values: {} } : null;
  }
  if (typeof value === "number") return ofNumber(value, schema);
  if (typeof value === "string") return ofText(value, schema);
  if (Array.isArray(value)) return ofList(value, schema);
  return null;
}

function ofNumber(value, schema) {
  if (schema.type === "integer" && !Number.isInteger(value)) return { key: "ui.fault.integer", values: {} };
  if (schema.minimum !== undefined && value < schema.minimum) {
    return { key: "ui.fault.minimum", values: { minimum: schema.minimum } };
  }
  if (schema.maximum !== undefined && value > schema.maximum) {
    return { key: "ui.fault.maximum", values: { maximum: schema.maximum } };
  }
  return null;
}

function ofText(value, schema) {
  const length = [...value].length;
  if (schema.minLength !== undefined && length < schema.minLength) {
    return { key: "ui.fault.short", values: { count: schema.minLength } };
  }
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    return { key: "ui.fault.long", values: { count: schema.maxLength } };
  }
  const pattern = compiled(schema.pattern);
  return pattern && !pattern.test(value) ? { key: "ui.fault.pattern", values: {} } : null;
}

function ofList(value, schema) {
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    return { key: "ui.fault.few", values: { count: schema.minItems } };
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    return { key: "ui.fault.many", values: { count: schema.maxItems } };
  }
  return null;
}

function compiled(pattern) {
  if (!pattern) return null;
  try {
    return new RegExp(pattern, "u");
  } catch {
    // A pattern in another dialect is left to the server.
    return null;
  }
}
