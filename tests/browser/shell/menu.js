// The menu of an object: the plug-in's actions as its manifest lists them, greyed or left out as its server says.

import { by, choice, client, element, proxied, released, say, text } from "./client.js";
import { openDialog } from "./dialogs.js";
import { dynamicItems } from "./dynamic.js";

const menu = by("menu");
const button = by("actions");

export function offer(place) {
  button.hidden = !place;
  hide();
}

async function show() {
  const { selected, session } = client;
  const place = (session.plugin.manifest.objects || {})[selected.kind]?.menu;
  if (!place) return;
  menu.replaceChildren(element("li", { role: "presentation" }, `${text(session.plugin.manifest.configuration.nameKey)} …`));
  menu.hidden = false;
  button.setAttribute("aria-expanded", "true");
  const items = await dynamicItems(place, selected.id);
  if (menu.hidden || client.selected !== selected) return;
  const entries = place.actions.map((action) => entry(action, items.get(action.id))).filter(Boolean);
  menu.replaceChildren(
    element("li", { role: "presentation" }, text(session.plugin.manifest.configuration.nameKey)), ...entries,
  );
  focusAt(0);
}

function entry(action, item = { visible: true, relevant: true }) {
  if (action.type === "separator") return element("li", { role: "separator" });
  const three = released(8, 0, 3);
  if (three ? !item.relevant && !item.visible : !item.visible) return null;
  const made = element("li", { role: "menuitem", tabindex: "-1", "data-action": action.id });
  if (action.icon) made.append(icon(action.icon.name));
  made.append(text(action.labelKey));
  if (!item.visible) {
    made.setAttribute("aria-disabled", "true");
    if (item.reason) {
      made.title = item.reason;
      made.setAttribute("aria-description", item.reason);
    }
  }
  made.addEventListener("click", () => use(made, action));
  return made;
}

function use(made, action) {
  if (made.getAttribute("aria-disabled") === "true") return;
  hide();
  button.focus();
  const { trigger } = action;
  const context = [{ id: client.selected.id }];
  if (trigger.type === "navigation") {
    location.hash = `#/object/${client.selected.id}/${trigger.targetViewId}`;
    return;
  }
  openDialog({
    url: proxied(trigger.uri), title: trigger.titleKey ? text(trigger.titleKey) : "", contextObjects: context,
    accessibilityTitle: trigger.accessibilityTitleKey ? text(trigger.accessibilityTitleKey) : "", size: trigger.size,
  });
}

export function icon(name) {
  const { iconSpriteSheet } = client.session.plugin.manifest.definitions;
  const sheet = { ...iconSpriteSheet, ...(iconSpriteSheet.themeOverrides || {})[choice("theme")] };
  const made = element("span", { class: "icon", "aria-hidden": "true" });
  const { x = 0, y = 0 } = sheet.definitions[name] || {};
  made.style.background = `url("${proxied(sheet.uri)}") -${x}px -${y}px no-repeat`;
  return made;
}

function hide() {
  menu.hidden = true;
  button.setAttribute("aria-expanded", "false");
}

function focusAt(place) {
  const entries = [...menu.querySelectorAll('[role="menuitem"]')];
  if (entries.length) entries[(place + entries.length) % entries.length].focus();
}

button.addEventListener("click", () => (menu.hidden ? show() : hide()));
button.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") {
    event.preventDefault();
    show();
  }
});
menu.addEventListener("keydown", (event) => {
  const entries = [...menu.querySelectorAll('[role="menuitem"]')];
  const at = entries.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key in moves) focusAt(moves[event.key]);
  else if (event.key === "Enter" || event.key === " ") document.activeElement.click();
  else if (event.key === "Escape" || event.key === "Tab") {
    hide();
    button.focus();
  } else return;
  if (event.key !== "Tab") event.preventDefault();
});
document.addEventListener("pointerdown", (event) => {
  if (!menu.hidden && !menu.contains(event.target) && event.target !== button) hide();
});
