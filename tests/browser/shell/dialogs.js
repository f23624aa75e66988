// Modal dialogs: pages of the plug-in with a title, a size and a close button, and plain questions.

import { element } from "./client.js";
import { frame } from "./frames.js";

const after = new WeakMap();

export function openDialog(config, closed = () => {}) {
  const { url, title = "", accessibilityTitle, closable = true, size = {}, contextObjects = [], customData } = config;
  const dialog = shown(title || accessibilityTitle || "", title !== "", closable, closed);
  const page = frame(url, title || accessibilityTitle || "", {
    contextObjects, navigationData: customData === undefined ? null : customData, dialog,
  });
  page.style.width = `min(${size.width || 576}px, 94vw)`;
  page.style.height = `min(${size.height || 400}px, 82vh)`;
  dialog.append(page);
  dialog.showModal();
}

export function closeDialog(dialog, data) {
  const closed = after.get(dialog);
  after.delete(dialog);
  dialog.close();
  dialog.remove();
  if (closed) closed(data);
}

export function confirm({ title = "", content = "", buttons = [], closable = true }, closed) {
  const dialog = shown(title, true, closable, closed);
  const footer = element("footer");
  for (const [place, each] of buttons.entries()) {
    const button = element("button", { type: "button" }, each.label);
    button.addEventListener("click", () => closeDialog(dialog, { clickedButtonIndex: place }));
    footer.append(button);
  }
  dialog.append(element("p", { class: "words" }, content), footer);
  dialog.showModal();
}

function shown(name, titled, closable, closed) {
  const dialog = element("dialog", { "aria-label": name });
  after.set(dialog, closed);
  const header = element("header");
  if (titled) header.append(element("h2", {}, name));
  if (closable) {
    const button = element("button", { type: "button", "aria-label": "Close" }, "✕");
    button.addEventListener("click", () => closeDialog(dialog, undefined));
    header.append(button);
  }
  dialog.append(header);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (closable) closeDialog(dialog, undefined);
  });
  document.body.append(dialog);
  return dialog;
}
