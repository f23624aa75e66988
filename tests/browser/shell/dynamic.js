// Which entries a plug-in shows for an object: its server is asked as the client asks it, by the reverse proxy.

import { choice, client, proxied } from "./client.js";

export async function dynamicItems(place, id) {
  if (!place.dynamicUri) return new Map();
  const uri = typeof place.dynamicUri === "string" ? place.dynamicUri : place.dynamicUri.path;
  const answer = await fetch(proxied(uri), {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "Cache-Control": "no-cache",
      "vmware-api-session-id": client.session.token,
      "vmware-api-gateway-url": client.session.apiEndpoints.uiApiEndpoint.fullUrl,
    },
    body: JSON.stringify({
      apiVersion: client.session.plugin.manifest.manifestVersion,
      objectIds: [id],
      locale: choice("locale"),
    }),
  });
  const { items } = answer.ok ? await answer.json() : { items: [] };
  return new Map(items.map((item) => [item.id, { visible: true, relevant: true, ...item }]));
}
