import assert from "node:assert/strict";
import { test } from "node:test";

import { Format } from "../../../../ui_bridge/web/format.js";
import { Texts } from "../../../../ui_bridge/web/texts.js";

const english = new Format("en-US");
const german = new Format("de-DE");

test("sizes are in the largest unit, in the reader's manner", () => {
  assert.equal(english.size(0), "0 B");
  assert.equal(english.size(1023), "1,023 B");
  assert.equal(english.size(1536), "1.5 KiB");
  assert.equal(german.size(1.5 * 2 ** 40), "1,5 TiB");
  assert.equal(english.size(2 ** 60), "1,024 PiB");
});

test("a bound is said exactly, not rounded to what would be refused", () => {
  assert.equal(english.exactSize(1400 * 2 ** 20), "1,400 MiB");
  assert.equal(german.exactSize(2 ** 31), "2 GiB");
  assert.equal(english.exactSize(1025), "1,025 B");
});

test("other numbers have their units", () => {
  assert.equal(english.of("percent", 91.4), "91%");
  assert.equal(german.of("percent", 0.5).replace(/\s/u, " "), "0,5 %");
  assert.equal(english.of("milliseconds", 0.842), "0.84 ms");
  assert.equal(english.of("per_second", 1520.4), "1,520/s");
  assert.equal(english.of("number", 3), "3");
});

test("times are written as the client does, and by us where it does not", () => {
  const moment = "2026-03-01T10:00:00+00:00";
  assert.equal(new Format("en-US", () => "as the client says").time(moment), "as the client says");
  const broken = new Format("en-US", () => {
    throw new TypeError("no");
  });
  assert.match(broken.time(moment), /2026/);
  assert.equal(english.time("no time"), "no time");
});

test("a moment is told by its distance", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  assert.equal(english.ago("2026-03-01T10:30:00Z", now), "1 hour ago");
  assert.equal(german.ago("2026-02-27T12:00:00Z", now), "vorgestern");
});

test("a locale that there is not does no harm", () => {
  assert.equal(new Format("not_a_locale!").size(2048), "2 KiB");
  assert.equal(new Format("de_DE").number(1.5), "1,5");
});

test("texts take values, and nothing else in braces is touched", () => {
  const texts = new Texts({ "ui.x": "{a} of {b} {c}" });
  assert.equal(texts.get("ui.x", { a: 1, b: "{a}" }), "1 of {a} {c}");
  assert.equal(texts.get("ui.none"), "ui.none");
});
