// What is shown of an object: its summary with the plug-in's card, and the plug-in's pages beside it.

import { by, client, element, proxied, text } from "./client.js";
import { dynamicItems } from "./dynamic.js";
import { brought, frame } from "./frames.js";
import { offer } from "./menu.js";

const tabs = by("tabs");
const content = by("content");
let drawing = 0;

export async function showObject(object, wanted) {
  const mine = (drawing += 1);
  by("name").textContent = object.name;
  content.setAttribute("aria-busy", "true");
  content.dataset.view = `${object.id}/${wanted || "summary"}`;
  const places = (client.session.plugin.manifest?.objects || {})[object.kind] || {};
  offer(places.menu);
  const pages = [...(await pagesOf(places.monitor, object)), ...(await pagesOf(places.configure, object))];
  if (mine !== drawing) return;
  const chosen = pages.find((each) => each.navigationId === wanted);
  const entries = [{ id: "summary", label: "Summary" }].concat(
    pages.map((each) => ({ id: each.navigationId, label: text(each.labelKey) })),
  );
  tabs.replaceChildren(...entries.map((each) => tab(each, object, chosen ? chosen.navigationId : "summary")));
  tabs.hidden = false;
  if (chosen) {
    content.replaceChildren(panel(frame(proxied(chosen.uri), text(chosen.labelKey), {
      contextObjects: [{ id: object.id }], navigationData: brought(chosen.navigationId),
    }), "view"));
    content.setAttribute("aria-busy", "false");
    return;
  }
  const summary = panel(facts(object), "summary");
  content.replaceChildren(summary);
  const place = places.summary;
  const items = place ? await dynamicItems(place.view.dynamicUri ? place.view : place, object.id) : new Map();
  if (mine !== drawing) return;
  if (place && [...items.values()].every((each) => each.visible)) summary.append(card(place.view, object));
  content.setAttribute("aria-busy", "false");
}

export function showPlugin() {
  drawing += 1;
  content.dataset.view = "plugin";
  content.setAttribute("aria-busy", "false");
  const { manifest } = client.session.plugin;
  by("name").textContent = text(manifest.configuration.nameKey);
  offer(null);
  tabs.hidden = true;
  const { view } = manifest.global;
  const made = frame(proxied(view.uri), text(manifest.configuration.nameKey), {
    navigationData: brought(view.navigationId),
  });
  content.replaceChildren(element("div", { class: "view" }, made));
}

async function pagesOf(place, object) {
  if (!place) return [];
  const items = await dynamicItems(place, object.id);
  return place.views.filter((each) => items.get(each.navigationId)?.visible !== false);
}

function tab({ id, label }, object, chosen) {
  const selected = id === chosen;
  const made = element("button", {
    role: "tab", type: "button", id: `tab-${id}`, "aria-selected": String(selected), "aria-controls": "panel",
    tabindex: selected ? "0" : "-1",
  }, label);
  made.addEventListener("click", () => {
    location.hash = `#/object/${object.id}/${id}`;
  });
  return made;
}

function panel(child, kind) {
  const chosen = tabs.querySelector('[aria-selected="true"]');
  return element("div", { role: "tabpanel", id: "panel", class: kind, "aria-labelledby": chosen.id }, child);
}

function facts(object) {
  return element("dl", { class: "facts" },
    element("dt", {}, "Kind"), element("dd", {}, object.kind), element("dt", {}, "Id"), element("dd", {}, object.id));
}

function card(view, object) {
  const name = text(client.session.plugin.manifest.configuration.nameKey);
  const made = frame(proxied(view.uri), name, { contextObjects: [{ id: object.id }] });
  if (view.size?.heightUnits) made.style.height = `${view.size.heightUnits * 6}rem`;
  return element("article", { class: "card", "aria-label": name }, element("h2", {}, name), made);
}

tabs.addEventListener("keydown", (event) => {
  const all = [...tabs.children];
  const at = all.indexOf(document.activeElement);
  const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 };
  if (event.key in moves) all[(moves[event.key] + all.length) % all.length].focus();
});
