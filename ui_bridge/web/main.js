/** Begins the page that the shell says it is. */

import { Client, NoClient } from "./client.js";
import { Dialog } from "./dialog.js";
import { el, fill } from "./dom.js";
import { alert, failure } from "./failure.js";
import { Overview } from "./overview.js";
import { Page } from "./page.js";
import { Session } from "./session.js";
import * as theme from "./theme.js";

const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const [part, id, place] = (root.dataset.page ?? "").split(" ");
const query = new URL(location.href).searchParams;

document.body.classList.add(`part-${part}`, `place-${place}`);

async function begin() {
  const client = await Client.connect();
  theme.follow(client);
  const session = await Session.begin(client);
  if (part === "dialog") {
    if (!query.has("object") && client.objects.length > 1) {
      // Better nothing than something done to one of several that were chosen.
      fill(root, alert("warning", [el("strong", {}, session.say("ui.dialog.several"))]));
      return;
    }
    const object = query.get("object") ?? client.objects[0] ?? null;
    const at = object ? { object } : { vcenter: query.get("vcenter") ?? (await client.vcenters())[0] };
    const dialog = new Dialog(session.at(at), id, document.title, given());
    fill(root, dialog.element);
    await dialog.start();
  } else {
    const page =
      place === "global"
        ? new Overview(session, document.title)
        : new Page(session.at({ object: client.objects[0] }), id, { titled: place !== "summary" });
    fill(root, page.element);
    client.onRefresh(() => page.refresh());
    client.onDateTimeFormat(() => page.redraw());
    await page.start();
  }
}

/** What is known of the input already. */
function given() {
  try {
    const found = JSON.parse(query.get("given") ?? "{}");
    return found && typeof found === "object" && !Array.isArray(found) ? found : {};
  } catch {
    return {};
  }
}

/** Somebody opened the page by its address, or the client is not as it is documented. */
async function alone(error) {
  const unknown = { locale: navigator.language, dateTime: null, credentials: async () => ({}) };
  const session = await Session.begin(/** @type {any} */ (unknown));
  document.body.setAttribute("cds-theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const said =
    error instanceof NoClient
      ? alert("info", [
          el("strong", {}, session.say("ui.noclient")),
          el("p", { class: "cure" }, session.say("ui.noclient.cure")),
        ])
      : failure(session, error);
  fill(root, el("h1", {}, document.title), said);
}

begin().catch(alone);
