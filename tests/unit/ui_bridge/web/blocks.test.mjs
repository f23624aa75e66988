import assert from "node:assert/strict";
import { test } from "node:test";

import { across, down, FRAME, moments, path, round, summary, timeAxis, valueAxis } from "../../../../ui_bridge/web/blocks/geometry.js";
import { sorted } from "../../../../ui_bridge/web/blocks/sort.js";

const at = (minute) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const series = (...values) => [{ label: "x", points: values.map((value, minute) => [at(minute), value]) }];

test("the axis of values begins at zero and ends above all of them", () => {
  const axis = valueAxis(series(3, 7, null), "milliseconds");
  assert.equal(axis.from, 0);
  assert.ok(axis.to >= 7);
  assert.deepEqual(axis.ticks, [0, 2, 4, 6, 8]);
  assert.deepEqual(valueAxis(series(0, 0), "number").from, 0);
  assert.ok(valueAxis(series(0), "number").to > 0);
  assert.equal(valueAxis(series(12), "percent").to, 100);
});

test("steps are round: in tens, for sizes in powers of two", () => {
  assert.equal(round(3, false), 5);
  assert.equal(round(0.0012, false), 0.002);
  assert.equal(round(100, false), 100);
  assert.equal(round(700, true), 1024);
});

test("a hole breaks the line, and a value alone is a dot", () => {
  const all = series(1, 2, null, 3, null, 4, 4);
  const drawn = path(all[0].points, timeAxis(all), valueAxis(all, "number"));
  assert.equal(drawn.match(/M/g).length, 3);
  assert.equal(drawn.match(/h0\.01/g).length, 1);
  assert.doesNotMatch(drawn, /NaN/);
});

test("the line stays within its frame", () => {
  const all = series(0, 10);
  const [time, values] = [timeAxis(all), valueAxis(all, "number")];
  assert.equal(across(time.from, time), FRAME.left);
  assert.equal(across(time.to, time), FRAME.width - FRAME.right);
  assert.equal(down(0, values), FRAME.height - FRAME.bottom);
  assert.equal(down(values.to, values), FRAME.top);
});

test("one moment alone, and none at all, can be drawn", () => {
  const one = series(5);
  assert.doesNotMatch(path(one[0].points, timeAxis(one), valueAxis(one, "number")), /NaN|Infinity/);
  assert.equal(timeAxis([{ label: "x", points: [] }]), null);
  assert.equal(summary([[at(0), null]]), null);
});

test("moments below are spread from end to end", () => {
  assert.deepEqual(moments({ from: 0, to: 30 }, 4), [0, 10, 20, 30]);
});

test("what a listener is told is the last, the least and the most", () => {
  assert.deepEqual(summary(series(4, 9, null, 2, 3, null)[0].points), { last: 3, least: 2, most: 9 });
});

const row = (id, cell) => ({ id, cells: { c: cell } });
const order = (cells, descending = false, locale = "en") =>
  sorted(cells.map((cell, index) => row(index, cell)), "c", descending, locale).map((each) => each.id);

test("numbers are sorted by value, words as people do", () => {
  assert.deepEqual(order([{ kind: "bytes", value: 10 }, { kind: "bytes", value: 9 }]), [1, 0]);
  assert.deepEqual(order([{ kind: "text", value: "vol-10" }, { kind: "text", value: "vol-9" }]), [1, 0]);
  assert.deepEqual(order([{ kind: "text", value: "zoo" }, { kind: "text", value: "Ähre" }], false, "de"), [1, 0]);
  assert.deepEqual(order([{ kind: "object", value: "urn:1", text: "b" }, { kind: "object", value: "urn:2", text: "a" }]), [1, 0]);
  assert.deepEqual(order([{ kind: "time", value: "2026-02-01T00:00:00Z" }, { kind: "time", value: "2026-01-01T00:00:00Z" }]), [1, 0]);
});

test("states are sorted by how bad they are, bars by how full", () => {
  const state = (value) => ({ kind: "state", value, text: value });
  assert.deepEqual(order([state("ok"), state("warning"), state("error")]), [2, 1, 0]);
  assert.deepEqual(order([{ kind: "bar", value: 5, of: 10 }, { kind: "bar", value: 6, of: 100 }]), [1, 0]);
});

test("what is unknown comes last both ways, and equals keep their order", () => {
  const cells = [{ kind: "number", value: null }, { kind: "number", value: 2 }, undefined, { kind: "number", value: 1 }];
  assert.deepEqual(order(cells), [3, 1, 0, 2]);
  assert.deepEqual(order(cells, true), [1, 3, 0, 2]);
  assert.deepEqual(order([{ kind: "number", value: 1 }, { kind: "number", value: 1 }], true), [0, 1]);
});
