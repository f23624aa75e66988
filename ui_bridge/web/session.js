/** What everything on a page needs: the client around it, our server, words and formats. */

import { Api } from "./api.js";
import { Format } from "./format.js";
import { Texts } from "./texts.js";

export class Session {
  /**
   * @param {import("./client.js").Client} client
   * @param {Api} api
   * @param {Texts} texts
   * @param {Format} format
   */
  constructor(client, api, texts, format) {
    this.client = client;
    this.api = api;
    this.texts = texts;
    this.format = format;
  }

  /** Learns the reader's language, and our words in it. @param {import("./client.js").Client} client */
  static async begin(client) {
    const api = new Api(client, {}, client.locale);
    /** @type {{locale: string, texts: Record<string, string>}} */
    let found = { locale: "en-US", texts: {} };
    try {
      found = await api.get("texts", {}, { cache: "default" });
    } catch {
      // The page says by itself that the server does not answer.
    }
    document.documentElement.lang = found.locale;
    return new Session(client, api, new Texts(found.texts), new Format(client.locale, client.dateTime));
  }

  /** The same for another object or vCenter. @param {{object?: string | null, vcenter?: string | null}} place */
  at(place) {
    return new Session(this.client, this.api.at(place), this.texts, this.format);
  }

  /** @param {string} key @param {Record<string, string | number>} [values] */
  say(key, values = {}) {
    return this.texts.get(key, values);
  }

  /**
   * Opens the dialog of an action.
   * @param {{id: string, title: string}} action
   * @param {{target?: string | null, given?: Record<string, any>, closed?: () => void}} [about]
   */
  open(action, { target = null, given = {}, closed = () => {} } = {}) {
    const object = target ?? this.api.place.object ?? null;
    const address = new URL(`../../dialog/${encodeURIComponent(action.id)}.html`, import.meta.url);
    address.searchParams.set("locale", this.api.locale);
    if (object) address.searchParams.set("object", object);
    else if (this.api.place.vcenter) address.searchParams.set("vcenter", this.api.place.vcenter);
    if (Object.keys(given).length) address.searchParams.set("given", JSON.stringify(given));
    this.client.open({ url: address.href, title: action.title, object, closed });
  }
}
