// Shows openapi.json: operations by tag, with parameters, schemas as trees and commands to try.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEEPEST = 6;
const LIMITS = [
  ["minimum", "≥ "], ["exclusiveMinimum", "> "], ["maximum", "≤ "], ["exclusiveMaximum", "< "],
  ["minLength", "length ≥ "], ["maxLength", "length ≤ "], ["minItems", "items ≥ "], ["maxItems", "items ≤ "],
  ["maxProperties", "entries ≤ "], ["pattern", "matches "], ["default", "default "],
];

let api = null;

function make(kind, about, ...children) {
  const element = document.createElement(kind);
  for (const [name, value] of Object.entries(about || {})) {
    element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Text with `code` in it.
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

function refer(schema) {
  if (!schema || !schema.$ref) {
    return [schema, null];
  }
  const name = schema.$ref.split("/").pop();
  return [api.components.schemas[name], name];
}

function typeOf(schema) {
  const [found, name] = refer(schema);
  if (name) {
    return name;
  }
  if ("const" in found) {
    return JSON.stringify(found.const);
  }
  if (found.enum) {
    return found.enum.map((value) => JSON.stringify(value)).join(" | ");
  }
  const types = [].concat(found.type || "anything");
  return types.map((type) => (type === "array" && found.items ? typeOf(found.items) + "[]" : type)).join(" | ")
    + (found.format ? " (" + found.format + ")" : "");
}

function limitsOf(schema) {
  const told = LIMITS.filter(([key]) => key in schema && !(key === "minimum" && schema[key] === 0 && !("maximum" in schema)));
  return told.map(([key, word]) => word + (key === "pattern" ? schema[key] : plain(schema[key]))).join(", ");
}

// JavaScript cannot write large numbers exactly; those that are limits here are powers of two.
function plain(value) {
  const power = typeof value === "number" ? Math.log2(value) : 0;
  return power > 40 && Number.isInteger(power) ? "2^" + power : JSON.stringify(value);
}

// What lies below a schema: its properties, those of its items, or those of what it refers to.
function below(schema) {
  const [found] = refer(schema);
  if (found.properties) {
    return found;
  }
  return found.items ? below(found.items) : null;
}

function tree(schema, depth) {
  const [found] = refer(schema);
  const holder = below(schema);
  if (!holder) {
    return make("p", { class: "limits" }, typeOf(found));
  }
  const required = new Set(holder.required || []);
  const list = make("ul", { class: "tree" });
  for (const [name, property] of Object.entries(holder.properties)) {
    const [part] = refer(property);
    const line = make("li", {},
      make("span", { class: "name" }, name), " ",
      make("span", { class: "kind" }, typeOf(property)), " ",
      required.has(name) ? make("span", { class: "must" }, "required") : null, " ",
      ...prose(property.description || part.description || ""), " ",
      make("span", { class: "limits" }, limitsOf(part)));
    const inner = below(property);
    if (inner && depth < DEEPEST) {
      const open = make("details", {}, make("summary", {}, "its parts"));
      open.addEventListener("toggle", () => {
        if (open.childElementCount === 1) {
          open.append(tree(property, depth + 1));
        }
      });
      line.append(open);
    }
    list.append(line);
  }
  return list;
}

function parametersOf(operation) {
  const rows = operation.parameters.map((parameter) => make("tr", {},
    make("td", {}, make("span", { class: "name" }, parameter.name), " ",
      parameter.required ? make("span", { class: "must" }, "required") : null),
    make("td", {}, parameter.in),
    make("td", {}, make("span", { class: "kind" }, typeOf(parameter.schema)), " ",
      make("span", { class: "limits" }, limitsOf(parameter.schema))),
    make("td", {}, ...prose(parameter.description || ""))));
  const heads = ["Name", "In", "Type", "Meaning"].map((text) => make("th", { scope: "col" }, text));
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

function bodyOf(content) {
  return Object.entries(content || {})[0] || [null, null];
}

// A value that satisfies the schema, where its author gave none.
function sample(schema) {
  const [found] = refer(schema);
  if (found.examples) {
    return found.examples[0];
  }
  const needed = (found.required || []).map((name) => [name, value(found.properties[name])]);
  return Object.fromEntries(needed);
}

function value(schema) {
  const [found] = refer(schema);
  if (found.enum) {
    return found.enum[0];
  }
  const type = [].concat(found.type)[0];
  return { string: "…", integer: found.minimum || 1, number: 1, boolean: true, array: [], object: {} }[type] ?? null;
}

function command(path, method, operation) {
  const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
  const lines = ["curl --cacert ca.pem"];
  if (!(operation.security && operation.security.length === 0)) {
    lines.push('-H "Authorization: Bearer $ISTHMUS_TOKEN"');
  }
  if (method !== "get") {
    lines.push("-X " + method.toUpperCase());
  }
  if (operation.parameters.some((parameter) => parameter.name === "Idempotency-Key")) {
    lines.push('-H "Idempotency-Key: $(uuidgen)"');
  }
  if (operation.requestBody) {
    const [, media] = bodyOf(operation.requestBody.content);
    lines.push("--json " + quoted(JSON.stringify(sample(media.schema))));
  }
  if (Object.values(operation.responses).some((answer) => "text/event-stream" in (answer.content || {}))) {
    lines.push("-N");
  }
  const query = operation.parameters.some((parameter) => parameter.name === "wait") ? "?wait=30" : "";
  lines.push(quoted(location.origin + path.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase()) + query));
  return lines.join(" \\\n  ");
}

function example(text) {
  const button = make("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy";
    }
  });
  return make("div", { class: "example" }, make("pre", { tabindex: "0" }, text), button);
}

function answersOf(operation) {
  const good = [];
  const bad = [];
  for (const [status, answer] of Object.entries(operation.responses).sort()) {
    if (status >= "400" && "application/problem+json" in (answer.content || {})) {
      bad.push(status + " " + answer.description);
      continue;
    }
    const [kind, media] = bodyOf(answer.content);
    const headers = Object.keys(answer.headers || {}).filter((name) => !name.startsWith("X-"));
    good.push(make("p", {}, make("strong", {}, status), " ", ...prose(answer.description), " ",
      kind ? make("span", { class: "mark" }, kind) : null, " ",
      headers.length ? make("span", { class: "limits" }, "with " + headers.join(", ")) : null));
    if (media && kind === "application/json") {
      good.push(folded(refer(media.schema)[1] || "what is in it", () => tree(media.schema, 0)));
    }
  }
  const problems = bad.length ? make("p", { class: "limits" }, "Problems: " + bad.join(" · ") + ".") : null;
  return [...good, problems];
}

// A tree that is built when it is looked at for the first time.
function folded(title, build) {
  const details = make("details", {}, make("summary", {}, title));
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) {
      details.append(build());
    }
  });
  return make("div", { class: "tree" }, details);
}

function showOperation(path, method, operation) {
  const open = operation.security && operation.security.length === 0;
  const details = make("details", { class: "operation", id: operation.operationId },
    make("summary", {},
      make("span", { class: "method " + method }, method.toUpperCase()),
      make("span", { class: "path" }, path),
      make("span", { class: "what" }, operation.summary),
      open ? make("span", { class: "mark" }, "no credentials") : null));
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) {
      return;
    }
    const inside = make("div", { class: "inside" });
    if (operation.parameters.length) {
      inside.append(make("h3", {}, "Parameters"), parametersOf(operation));
    }
    if (operation.requestBody) {
      const [, media] = bodyOf(operation.requestBody.content);
      inside.append(make("h3", {}, "Body: " + typeOf(media.schema)), tree(media.schema, 0));
    }
    inside.append(make("h3", {}, "Answers"), ...answersOf(operation).filter(Boolean));
    inside.append(make("h3", {}, "Try it"), example(command(path, method, operation)));
    details.append(inside);
  });
  const words = [method, path, operation.summary, operation.operationId, ...operation.tags,
    ...operation.parameters.map((parameter) => parameter.name)];
  if (operation.requestBody) {
    const [, media] = bodyOf(operation.requestBody.content);
    words.push(...Object.keys((below(media.schema) || {}).properties || {}));
  }
  details.dataset.words = words.join(" ").toLowerCase();
  return details;
}

function showSchema(name, schema) {
  const details = make("details", { class: "schema", id: "schema-" + name, "data-words": "schema " + name },
    make("summary", {}, make("span", { class: "path" }, name),
      make("span", { class: "what" }, ...prose(schema.description || schema.title || ""))));
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) {
      details.append(make("div", { class: "inside" }, tree(schema, 0)));
    }
  });
  return details;
}

function section(name, about, entries) {
  return make("section", { id: "tag-" + name, "aria-label": name },
    make("h2", {}, name), make("p", {}, ...prose(about)), ...entries);
}

function contents(name, links) {
  return make("ul", {},
    make("li", { class: "tag" }, make("a", { href: "#tag-" + name }, name)),
    ...links.map(([href, text]) => make("li", { class: "leaf" }, make("a", { href }, text))));
}

function show(found) {
  api = found;
  document.getElementById("version").textContent = api.info.version;
  const main = document.getElementById("content");
  const nav = document.getElementById("contents");
  main.replaceChildren(...api.info.description.split("\n\n").map((text) => make("p", { class: "about" }, ...prose(text))));
  for (const tag of api.tags) {
    const entries = [];
    const links = [];
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const method of METHODS) {
        const operation = methods[method];
        if (operation && operation.tags[0] === tag.name) {
          entries.push(showOperation(path, method, operation));
          links.push(["#" + operation.operationId, operation.operationId.replaceAll("_", " ")]);
        }
      }
    }
    main.append(section(tag.name, tag.description, entries));
    nav.append(contents(tag.name, links));
  }
  const schemas = Object.entries(api.components.schemas);
  main.append(section("schemas", "What bodies are made of.", schemas.map(([name, schema]) => showSchema(name, schema))));
  nav.append(contents("schemas", []));
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of document.querySelectorAll("[data-words]")) {
    entry.classList.toggle("filtered", !words.every((word) => entry.dataset.words.includes(word)));
  }
  for (const part of document.querySelectorAll("main > section")) {
    const left = part.querySelector("details[data-words]:not(.filtered)");
    part.classList.toggle("filtered", left === null);
  }
  for (const link of document.querySelectorAll("nav a")) {
    const there = document.getElementById(link.hash.slice(1));
    link.parentElement.classList.toggle("filtered", there === null || there.classList.contains("filtered"));
  }
}

function openNamed() {
  const there = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (there && there.tagName === "DETAILS") {
    there.open = true;
    there.querySelector("summary").focus({ preventScroll: true });
    there.scrollIntoView();
  }
}

async function begin() {
  const state = document.getElementById("state");
  try {
    const answer = await fetch("openapi.json");
    if (!answer.ok) {
      throw new Error("the server answered " + answer.status);
    }
    show(await answer.json());
  } catch (error) {
    state.textContent = "The document cannot be shown: " + error.message;
    return;
  }
  const field = document.getElementById("filter");
  const all = document.getElementById("all");
  field.addEventListener("input", () => filter(field.value));
  all.addEventListener("click", () => {
    const open = all.getAttribute("aria-pressed") !== "true";
    all.setAttribute("aria-pressed", String(open));
    all.textContent = open ? "Close all" : "Open all";
    for (const entry of document.querySelectorAll("details.operation:not(.filtered)")) {
      entry.open = open;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && document.activeElement === field) {
      field.value = "";
      filter("");
    }
  });
  window.addEventListener("hashchange", openNamed);
  openNamed();
}

begin();
