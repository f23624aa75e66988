// The plug-in's pages: each in a frame of its own, which knows the client by messages alone.

import { choice, client, element, find, say } from "./client.js";
import { closeDialog, confirm, openDialog } from "./dialogs.js";

const frames = new Map();
const travelling = new Map();

export function frame(url, title, { contextObjects = [], navigationData = null, dialog = null } = {}) {
  const made = element("iframe", { title, sandbox: "allow-scripts allow-same-origin allow-forms allow-popups" });
  made.src = url;
  const about = { made, contextObjects, navigationData, dialog };
  frames.set(made, about);
  return made;
}

// What navigateTo gave along for a view, once.
export function brought(viewId) {
  const data = travelling.get(viewId);
  travelling.delete(viewId);
  return data === undefined ? null : data;
}

export function broadcast(event, content, changed = {}) {
  for (const [made] of frames) {
    if (!made.isConnected) frames.delete(made);
    else made.contentWindow.postMessage({ event, content, changed }, location.origin);
  }
}

const ANSWERS = {
  begin: (about) => ({
    contextObjects: about.contextObjects,
    navigationData: about.navigationData,
    clientInfo: { type: "HTML", version: client.session.release },
    locale: choice("locale"),
    theme: { name: choice("theme") },
    apiEndpoints: client.session.apiEndpoints,
    hourCycle: choice("hours"),
  }),
  session: () => ({ sessionToken: client.session.token }),
  backends: () => client.session.plugin.backends,
};

function navigate({ targetViewId, objectId, customData }) {
  if (targetViewId && customData !== undefined) travelling.set(targetViewId, customData);
  if (objectId && !find(objectId)) {
    say(`There is no object ${objectId}.`);
    return;
  }
  const place = objectId ? ["object", objectId] : ["plugin"];
  location.hash = `#/${[...place, ...(targetViewId ? [targetViewId] : [])].join("/")}`;
}

window.addEventListener("message", (message) => {
  const about = [...frames.values()].find((each) => each.made.contentWindow === message.source);
  if (!about || message.origin !== location.origin) return;
  const { toShell, number, ...given } = message.data || {};
  const answer = (content) => {
    if (about.made.isConnected) {
      about.made.contentWindow.postMessage({ answerTo: number, content }, location.origin);
    }
  };
  if (toShell in ANSWERS) answer(structuredClone(ANSWERS[toShell](about)));
  else if (toShell === "navigate") navigate(given.options);
  else if (toShell === "clientView") say(`The client shows its view ${given.options.targetViewId}.`);
  else if (toShell === "open") openDialog(given.config, answer);
  else if (toShell === "close" && about.dialog) closeDialog(about.dialog, given.data);
  else if (toShell === "confirm") confirm(given.config, answer);
});
