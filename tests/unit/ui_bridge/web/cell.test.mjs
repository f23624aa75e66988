import assert from "node:assert/strict";
import { test } from "node:test";

import { draw } from "../../../../ui_bridge/web/blocks/cell.js";

/** As much of a page as a cell needs. */
globalThis.Node = class {
  constructor(text = "") {
    this.textContent = text;
  }
  setAttribute() {}
  append(...children) {
    this.textContent += children.map((child) => child.textContent ?? child).join("");
  }
};
globalThis.document = { createElement: () => new Node(), createTextNode: (text) => new Node(text) };

const session = { say: (key) => key, format: { of: (kind, value) => String(value) } };
const shown = (cell) => draw(session, cell).textContent;

test("what nobody knows is said to be unknown", () => {
  for (const cell of [undefined, { kind: "text", value: null }, { kind: "number", value: null }, { kind: "time", value: "" }]) {
    assert.equal(shown(cell), "–ui.unknown");
  }
});

test("where it is known that there is none, nothing is said", () => {
  assert.equal(shown({ kind: "text", value: "" }), "");
  assert.equal(shown({ kind: "text", value: "gold" }), "gold");
  assert.equal(shown({ kind: "number", value: 0 }), "0");
});
