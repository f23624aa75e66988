// What the client knows: who is logged in, the plug-in as it was read, and how the reader wants to see things.

export const client = { session: null, tree: [], selected: null };
const CHOICES = { theme: "light", locale: "", hours: "h23" };

export function choice(name) {
  return localStorage.getItem(name) || CHOICES[name] || spoken();
}

export function choose(name, value) {
  localStorage.setItem(name, value);
}

// The reader's language, in the nearest locale that the client has.
function spoken() {
  const language = navigator.language.split("-")[0];
  return client.session.locales.find((each) => each.startsWith(`${language}-`)) || "en-US";
}

export async function ask(path, given) {
  const options = given === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given),
  };
  const answer = await fetch(path, options);
  return answer.ok && answer.status !== 204 ? answer.json() : null;
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export function by(id) {
  return document.getElementById(id);
}

export function say(sentence) {
  by("said").textContent = sentence;
}

// A text of the plug-in in the client's language, as its manifest gives it.
export function text(key) {
  const texts = client.session.plugin.manifest.definitions.i18n.definitions[key] || {};
  return texts[choice("locale")] || texts["en-US"] || key;
}

// An address in the manifest, as the proxy serves it: it counts from the manifest's folder.
export function proxied(uri) {
  return new URL(uri, new URL(client.session.plugin.folder, location.origin)).href;
}

export function find(id, among = client.tree) {
  for (const each of among) {
    const found = each.id === id ? each : find(id, each.children);
    if (found) return found;
  }
  return null;
}

export function released(...least) {
  const numbers = client.session.release.split(".").map(Number);
  for (const [at, number] of least.entries()) {
    if (numbers[at] !== number) return numbers[at] > number;
  }
  return true;
}
