/** What the pages ask our server: JSON both ways, for one object or one vCenter, in the reader's language. */

const ROOT = new URL("../../api/", import.meta.url);
const PATIENCE_MS = 60000;

/** An answer that is an error, or that did not come (`status` 0). */
export class ApiError extends Error {
  /** @param {number} status @param {any} document */
  constructor(status, document) {
    super(document.message ?? "");
    this.status = status;
    this.code = document.code ?? "";
    this.cure = document.next_step ?? "";
    this.field = (document.field ?? "").replace(/^input\./, "");
    this.requestId = document.request_id ?? "";
    /** @type {any[]} what explains it further */
    this.blocks = document.blocks ?? [];
  }

  /** Whether nobody knows if the server did what was asked: what it says itself has a code. */
  get lost() {
    return this.status === 0 || (this.status >= 500 && !this.code);
  }

  /** Whether the session at the vCenter has ended. */
  get expired() {
    return this.status === 401;
  }
}

export class Api {
  /**
   * @param {{credentials: () => Promise<Record<string, string>>}} client
   * @param {{object?: string | null, vcenter?: string | null}} place
   * @param {string} locale
   * @param {typeof fetch} [send]
   */
  constructor(client, place, locale, send = (...given) => fetch(...given)) {
    this.client = client;
    this.place = place;
    this.locale = locale;
    this.send = send;
  }

  /** The same for another object or vCenter. @param {{object?: string | null, vcenter?: string | null}} place */
  at(place) {
    return new Api(this.client, place, this.locale, this.send);
  }

  /** @param {string} path below `api/` @param {Record<string, any>} [query] @param {{signal?: AbortSignal, cache?: RequestCache}} [options] */
  get(path, query = {}, options = {}) {
    return this.#ask("GET", path, query, undefined, options);
  }

  /** @param {string} path @param {any} body @param {{signal?: AbortSignal}} [options] */
  post(path, body, options = {}) {
    return this.#ask("POST", path, {}, body, options);
  }

  async #ask(method, path, query, body, { signal, cache = "no-store" } = {}) {
    const headers = { Accept: "application/json", ...(await this.client.credentials()) };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    let answer;
    try {
      answer = await this.send(this.#address(path, query), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache,
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
    } catch (reason) {
      if (signal?.aborted) throw reason;
      throw new ApiError(0, {});
    }
    return this.#read(answer);
  }

  async #read(answer) {
    const request = answer.headers.get("X-Openstack-Request-Id") ?? "";
    let document;
    try {
      document = await answer.json();
    } catch {
      // Something between us and the server answered, or the answer broke off.
      throw new ApiError(answer.ok ? 0 : answer.status, { request_id: request });
    }
    if (!answer.ok) throw new ApiError(answer.status, { request_id: request, ...document });
    return document;
  }

  #address(path, query) {
    const address = new URL(path, ROOT);
    const { object, vcenter } = this.place;
    const all = object ? { object } : vcenter ? { vcenter } : {};
    for (const [name, value] of Object.entries({ ...all, locale: this.locale, ...query })) {
      if (value !== null && value !== undefined && value !== "") address.searchParams.set(name, String(value));
    }
    return address.href;
  }
}

/**
 * Asks until there is an answer that says yes or no: what was lost on the way is asked again, which is harmless
 * where the request carries a key. Raises the last ApiError.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {number[]} [pauses] milliseconds before each further try
 * @returns {Promise<T>}
 */
export async function persistently(ask, pauses = [500, 2000, 5000]) {
  for (const pause of pauses) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.lost) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return ask();
}
