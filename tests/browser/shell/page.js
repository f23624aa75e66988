// The client's window: log in, choose an object, see what a plug-in shows of it. It knows no plug-in by name.

import { ask, by, choice, choose, client, element, find, say, text } from "./client.js";
import { broadcast } from "./frames.js";
import { icon } from "./menu.js";
import { draw } from "./tree.js";
import { showObject, showPlugin } from "./views.js";

const POLL_MILLISECONDS = 1000;

async function begin() {
  client.session = await ask("/shell/session");
  by("login").hidden = client.session !== null;
  by("client").hidden = client.session === null;
  if (client.session === null) return;
  const { session } = client;
  by("user").textContent = session.user;
  by("locale").replaceChildren(...session.locales.map((each) => element("option", { value: each }, each)));
  for (const name of ["theme", "locale", "hours"]) by(name).value = choice(name);
  document.documentElement.dataset.theme = choice("theme");
  if (session.plugin.reason) say(`The plug-in was not loaded: ${session.plugin.reason}`);
  await look();
  drawPlugins();
  follow();
  setInterval(tasks, POLL_MILLISECONDS);
  await tasks();
}

function drawPlugins() {
  const { manifest } = client.session.plugin;
  if (!manifest?.global?.view?.navigationVisible) return;
  const link = element("a", { href: "#/plugin" }, text(manifest.configuration.nameKey));
  by("plugins").replaceChildren(icon(manifest.configuration.icon.name), link);
}

async function look() {
  client.tree = (await ask("/shell/tree")) || [];
  draw(client.tree, client.selected?.id, select);
}

function select(object) {
  const place = `#/object/${object.id}`;
  if (location.hash === place) follow();
  else location.hash = place;
}

function follow() {
  const [, where, ...rest] = location.hash.split("/").map(decodeURIComponent);
  if (where === "plugin" && client.session.plugin.manifest?.global) {
    client.selected = null;
    draw(client.tree, null, select);
    showPlugin();
    return;
  }
  const object = find(rest[0]) || client.tree[0];
  if (!object) return;
  client.selected = object;
  draw(client.tree, object.id, select);
  showObject(object, rest[1]);
}

async function tasks() {
  const rows = (await ask(`/shell/tasks?locale=${choice("locale")}`)) || [];
  const made = rows.map((each) => element("tr", {},
    element("td", {}, each.name), element("td", {}, each.entity), element("td", {}, status(each)),
    element("td", {}, each.user)));
  by("tasks").replaceChildren(...made);
  const seen = JSON.stringify(client.tree);
  const tree = (await ask("/shell/tree")) || [];
  if (JSON.stringify(tree) === seen) return;
  client.tree = tree;
  draw(client.tree, client.selected?.id, select);
}

function status({ state, progress, error }) {
  if (state === "running" && progress !== null) return `${progress} %`;
  return { queued: "Queued", running: "Running", success: "Completed", error: error || "Failed" }[state];
}

by("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  if (await ask("/shell/login", given)) location.reload();
  else by("refused").textContent = "The user or the password is wrong.";
});
by("logout").addEventListener("click", async () => {
  await ask("/shell/logout", {});
  location.reload();
});
by("theme").addEventListener("change", (event) => {
  choose("theme", event.target.value);
  document.documentElement.dataset.theme = event.target.value;
  const theme = { name: event.target.value };
  broadcast("theme", theme, { theme });
  drawPlugins();
});
by("locale").addEventListener("change", (event) => {
  choose("locale", event.target.value);
  location.reload();
});
by("hours").addEventListener("change", (event) => {
  choose("hours", event.target.value);
  broadcast("dateTimeFormat", undefined, { hourCycle: event.target.value });
});
by("refresh").addEventListener("click", async () => {
  await look();
  broadcast("refresh");
});
window.addEventListener("hashchange", follow);

await begin();
