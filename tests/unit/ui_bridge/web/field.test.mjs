import assert from "node:assert/strict";
import { test } from "node:test";

import { joined, split } from "../../../../ui_bridge/web/field/bytes.js";
import { fault } from "../../../../ui_bridge/web/field/check.js";
import { applies, dependents, fields, flat, nested } from "../../../../ui_bridge/web/field/model.js";

const SCHEMA = {
  type: "object",
  required: ["name", "size"],
  properties: {
    name: { type: "string", title: "Name", maxLength: 42, pattern: "^[^/\\\\%]*[^/\\\\% ]$" },
    size: { type: "integer", minimum: 1024, "x-unit": "bytes" },
    system: { type: "string", default: "local" },
    pool: { type: "string" },
    hosts: { type: "array", items: { type: "string" }, minItems: 1 },
    aliases: { type: "array", items: { type: "string" } },
    protocols: { type: "array", items: { enum: ["iscsi", "nbd"] } },
    thin: { type: "boolean" },
    mode: { enum: ["fast", "safe"] },
    count: { type: ["integer", "null"] },
    secret: { type: "string", writeOnly: true },
    certificate: { type: "string", maxLength: 9000 },
    labels: { type: "object" },
    odd: { type: "array", items: { type: "object" } },
    login: { type: "object", required: ["user"], properties: { user: { type: "string" }, with_mfa: { type: "boolean" } } },
  },
};

const made = fields(SCHEMA, ["system", "pool", "hosts"], { pool: "p1", login: { user: "anna" } });
const byName = new Map(flat(made).map((each) => [each.name, each]));

test("every part of a schema has a control that fits", () => {
  const controls = Object.fromEntries(made.map((each) => [each.name, each.control]));
  assert.deepEqual(controls, {
    name: "text",
    size: "bytes",
    system: "choice",
    pool: "choice",
    hosts: "choices",
    aliases: "list",
    protocols: "choices",
    thin: "boolean",
    mode: "select",
    count: "number",
    secret: "password",
    certificate: "lines",
    labels: "pairs",
    odd: "json",
    login: "group",
  });
});

test("labels, what is required, and what is known already", () => {
  assert.equal(byName.get("name").label, "Name");
  assert.equal(byName.get("login.with_mfa").label, "With mfa");
  assert.equal(byName.get("name").required, true);
  assert.equal(byName.get("pool").required, false);
  assert.equal(byName.get("system").initial, "local");
  assert.equal(byName.get("pool").initial, "p1");
  assert.equal(byName.get("login.user").initial, "anna");
  assert.equal(byName.get("login.user").required, true);
});

test("the input is nested as the schema is, without what was left empty", () => {
  const values = new Map([["name", "x"], ["pool", null], ["thin", false], ["login.user", "anna"], ["login.with_mfa", null]]);
  assert.deepEqual(nested(values), { name: "x", thin: false, login: { user: "anna" } });
});

test("what is chosen from depends on the fields before it", () => {
  assert.deepEqual(dependents(made, "size").map((each) => each.name), ["system", "pool", "hosts", "protocols"]);
  assert.deepEqual(dependents(made, "pool").map((each) => each.name), ["hosts", "protocols"]);
});

test("what is wrong is said before it is sent", () => {
  const wrong = (name, value) => fault(byName.get(name), value)?.key ?? null;
  assert.equal(wrong("name", null), "ui.fault.required");
  assert.equal(wrong("pool", null), null);
  assert.equal(wrong("name", "a/b"), "ui.fault.pattern");
  assert.equal(wrong("name", "a".repeat(43)), "ui.fault.long");
  assert.equal(wrong("name", "plain"), null);
  assert.equal(wrong("size", 1023), "ui.fault.minimum");
  assert.equal(wrong("size", 1024.5), "ui.fault.integer");
  assert.equal(wrong("size", 1024), null);
  assert.equal(wrong("thin", false), null);
});

test("a length is counted in characters, not in halves of them", () => {
  const field = { ...byName.get("name"), schema: { type: "string", maxLength: 2 } };
  assert.equal(fault(field, "😀😀"), null);
});

test("a pattern of another dialect is left to the server", () => {
  assert.equal(fault({ ...byName.get("name"), schema: { pattern: "(?P<x>a)" } }, "b"), null);
});

test("a size is entered as a number and a unit, and comes out in bytes", () => {
  assert.equal(joined("1.5", "TiB"), 1.5 * 2 ** 40);
  assert.equal(joined("1400", "MiB"), 1400 * 2 ** 20);
  assert.equal(joined("0.1", "GiB"), Math.round(0.1 * 2 ** 30));
  assert.equal(joined(" ", "GiB"), null);
  assert.equal(joined("ten", "GiB"), null);
});

test("a size that is known is shown as it would be entered", () => {
  assert.deepEqual(split(2 ** 41), { number: "2", unit: "TiB" });
  assert.deepEqual(split(1.25 * 2 ** 40), { number: "1.25", unit: "TiB" });
  assert.deepEqual(split(1400 * 2 ** 20), { number: "1400", unit: "MiB" });
  assert.deepEqual(split(null), { number: "", unit: "GiB" });
  for (const bytes of [2 ** 20, 3 * 2 ** 30, 5000 * 2 ** 20 + 4096]) {
    const { number, unit } = split(bytes);
    assert.equal(joined(number, unit), bytes);
  }
});

test("a field of one adapter is there while that adapter is chosen", () => {
  const [, token] = fields({ properties: { adapter: {}, token: { "x-for": { adapter: ["remote", "swordfish"] } } } });
  assert.equal(applies(token, new Map([["adapter", "remote"]])), true);
  assert.equal(applies(token, new Map([["adapter", null]])), false);
  assert.equal(applies(token, new Map([["system", "s1"]])), true);
});

test("an empty list is an answer where the schema demands a list and lets it be empty", () => {
  const list = { type: "array", items: { type: "string" } };
  const [all, some, left] = fields({ required: ["all", "some"], properties: { all: list, some: { ...list, minItems: 1 }, left: list } });
  assert.deepEqual([all.required, all.empty], [false, []]);
  assert.deepEqual([some.required, some.empty], [true, null]);
  assert.deepEqual([left.required, left.empty], [false, null]);
  assert.equal(fault(all, []), null);
  assert.deepEqual(nested(new Map([["all", []]])), { all: [] });
});
