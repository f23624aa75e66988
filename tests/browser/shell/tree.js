// The inventory as a tree, by pointer and by keyboard.

import { by, element } from "./client.js";

const tree = by("tree");

export function draw(objects, selected, select) {
  const held = tree.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  tree.replaceChildren(...objects.map((each) => item(each, selected, select)));
  const items = [...tree.querySelectorAll('[role="treeitem"]')];
  const stop = items.find((each) => each.dataset.id === (held || selected)) || items[0];
  if (stop) stop.tabIndex = 0;
  if (held && stop) stop.focus();
}

function item(object, selected, select) {
  const made = element("li", {
    role: "treeitem", tabindex: "-1", "data-id": object.id, "aria-label": object.name,
    "aria-selected": String(object.id === selected), "aria-expanded": object.children.length ? "true" : null,
  }, element("span", {}, object.name));
  made.firstChild.addEventListener("click", () => {
    made.focus();
    select(object);
  });
  if (object.children.length) {
    made.append(element("ul", { role: "group" }, ...object.children.map((each) => item(each, selected, select))));
  }
  return made;
}

tree.addEventListener("keydown", (event) => {
  const items = [...tree.querySelectorAll('[role="treeitem"]')];
  const at = items.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
  if (event.key in moves) {
    const next = items[Math.min(Math.max(moves[event.key], 0), items.length - 1)];
    for (const each of items) each.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  } else if (event.key === "Enter" || event.key === " ") document.activeElement.querySelector("span").click();
  else return;
  event.preventDefault();
});
