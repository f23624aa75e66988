/** The pages' own words, in the reader's language. */

/** What is said when even the texts cannot be had. */
const LAST_RESORT = {
  "ui.error.unreachable": "The storage plug-in's server does not answer.",
  "ui.error.unreachable.cure": "Try again in a moment; if it stays so, see whether the server runs.",
  "ui.again": "Try again",
  "ui.error.title": "This did not work",
};

export class Texts {
  /** @param {Record<string, string>} [texts] */
  constructor(texts = {}) {
    this.texts = { ...LAST_RESORT, ...texts };
  }

  /**
   * The text with `{name}` filled in; the key itself where there is none.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   * @returns {string}
   */
  get(key, values = {}) {
    const text = this.texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  /** @param {string} key */
  has(key) {
    return key in this.texts;
  }
}
