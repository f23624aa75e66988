import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../../../ui_bridge/web/api.js";
import { follow, level, rests } from "../../../../ui_bridge/web/operation.js";

function api(...answers) {
  const asked = [];
  const get = async (path, query) => {
    asked.push(query.after);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, get };
}

const at = (version, state) => ({ id: "1", version, state });

async function followed(made, first = at("a", "running")) {
  const [seen, trouble] = [[], []];
  const signal = new AbortController().signal;
  await follow(made, first, (each) => seen.push(each.version), (error) => error && trouble.push(error.status), signal);
  return { seen, trouble };
}

test("an operation is followed by what was seen last, until it rests", async () => {
  const made = api(at("b", "running"), at("c", "done"));
  assert.deepEqual(await followed(made), { seen: ["b", "c"], trouble: [] });
  assert.deepEqual(made.asked, ["a", "b"]);
});

test("one that waits for a decision rests, and is followed no more", async () => {
  assert.deepEqual((await followed(api(at("b", "needs_attention")))).seen, ["b"]);
  assert.deepEqual((await followed(api(), at("a", "failed"))).seen, []);
  assert.equal(rests(at("a", "waiting")), false);
});

test("a session that has ended is told, and not asked again", async () => {
  const made = api(new ApiError(401, { code: "unauthenticated" }));
  assert.deepEqual(await followed(made), { seen: [], trouble: [401] });
  assert.equal(made.asked.length, 1);
});

test("every state has a level", () => {
  const states = ["pending", "running", "waiting", "done", "failed", "cancelled", "needs_attention", "abandoned"];
  assert.deepEqual(states.map(level), ["info", "info", "info", "ok", "error", "warning", "error", "warning"]);
});
