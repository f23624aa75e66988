import assert from "node:assert/strict";
import { test } from "node:test";

import { Api, ApiError, persistently } from "../../../../ui_bridge/web/api.js";

const client = { credentials: async () => ({ "vmware-api-session-id": "token", "vmware-api-gateway-url": "https://vc/ui" }) };

function api(answer, place = { object: "urn:vmomi:Datastore:d:g" }) {
  const asked = [];
  const send = async (address, options) => {
    asked.push({ address: new URL(address), ...options });
    return answer();
  };
  return { asked, api: new Api(client, place, "de-DE", send) };
}

const reply = (status, body, headers = {}) => new Response(body, { status, headers });

test("a request says who asks, about what, in which language", async () => {
  const { asked, api: made } = api(() => reply(200, "{}"));
  await made.get("views/x", { after: "" });
  await made.at({ vcenter: "g2" }).post("actions/y", { input: {} });
  const [get, post] = asked;
  assert.equal(get.headers["vmware-api-session-id"], "token");
  assert.deepEqual([...get.address.searchParams], [["object", "urn:vmomi:Datastore:d:g"], ["locale", "de-DE"]]);
  assert.equal(get.address.pathname.endsWith("/api/views/x"), true);
  assert.equal(post.headers["Content-Type"], "application/json");
  assert.equal(post.body, '{"input":{}}');
  assert.equal(post.address.searchParams.get("vcenter"), "g2");
});

test("a refusal carries cause, cure, field and the number to ask about", async () => {
  const body = JSON.stringify({ code: "conflict", message: "Taken.", next_step: "Another.", request_id: "req-1", field: "input.name" });
  const { api: made } = api(() => reply(409, body));
  await assert.rejects(made.get("x"), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.message, error.cure, error.field, error.requestId], [409, "Taken.", "Another.", "name", "req-1"]);
    assert.equal(error.lost, false);
    return true;
  });
});

test("what a proxy answers instead of us, or what breaks off, is lost; what we answer is not", async () => {
  const lost = async (answer) => {
    const error = await api(answer).api.get("x").catch((reason) => reason);
    return error.lost;
  };
  assert.equal(await lost(() => reply(502, "<html>")), true);
  assert.equal(await lost(() => reply(200, '{"half')), true);
  assert.equal(await lost(() => Promise.reject(new TypeError("network"))), true);
  assert.equal(await lost(() => reply(502, '{"code":"storage","message":"x"}')), false);
  assert.equal(await lost(() => reply(404, "<html>")), false);
});

test("a session that has ended is told apart", async () => {
  const error = await api(() => reply(401, '{"code":"unauthenticated"}')).api.get("x").catch((reason) => reason);
  assert.equal(error.expired, true);
});

test("a lost answer is asked for again, a refusal is not", async () => {
  let asked = 0;
  const lostTwice = async () => {
    asked += 1;
    if (asked < 3) throw new ApiError(0, {});
    return "done";
  };
  assert.equal(await persistently(lostTwice, [0, 0, 0]), "done");
  assert.equal(asked, 3);
  asked = 0;
  const refused = async () => {
    asked += 1;
    throw new ApiError(409, { code: "conflict" });
  };
  await assert.rejects(persistently(refused, [0, 0]));
  assert.equal(asked, 1);
  asked = 0;
  const neverThere = async () => {
    asked += 1;
    throw new ApiError(0, {});
  };
  await assert.rejects(persistently(neverThere, [0, 0]), (error) => error.lost);
  assert.equal(asked, 3);
});

test("leaving off is no error of the server's", async () => {
  const stopper = new AbortController();
  const send = (address, { signal }) => new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const waiting = new Api(client, {}, "en", send).get("x", {}, { signal: stopper.signal });
  setTimeout(() => stopper.abort(), 1);
  await assert.rejects(waiting, (error) => !(error instanceof ApiError));
});
