/** Light or dark, as the client is. */

/** @param {import("./client.js").Client} client */
export function follow(client) {
  const show = (name) => document.body.setAttribute("cds-theme", name === "dark" ? "dark" : "light");
  show(client.theme);
  client.onTheme(show);
}
