/** An error as the reader sees it: what happened, what to do, and the number to ask about. */

import { ApiError } from "./api.js";
import { button, el } from "./dom.js";

/**
 * @param {import("./session.js").Session} session
 * @param {unknown} error
 * @param {(() => void) | null} [again]
 */
export function failure(session, error, again = null) {
  const { message, cure, requestId } = told(session, error);
  return alert("error", [
    el("strong", {}, message),
    cure && el("p", { class: "cure" }, cure),
    requestId && el("p", { class: "request-id" }, `${session.say("ui.error.request")} `, el("code", {}, requestId)),
    again && button(session.say("ui.again"), again, { class: "btn btn-sm btn-outline", "data-key": "again" }),
  ]);
}

/**
 * @param {import("./session.js").Session} session
 * @param {unknown} error
 * @returns {{message: string, cure: string, requestId: string}}
 */
export function told(session, error) {
  if (!(error instanceof ApiError)) {
    return { message: session.say("ui.error.title"), cure: error instanceof Error ? error.message : "", requestId: "" };
  }
  if (error.expired) {
    return {
      message: session.say("ui.error.session"),
      cure: session.say("ui.error.session.cure"),
      requestId: error.requestId,
    };
  }
  return {
    message: error.message || session.say("ui.error.unreachable"),
    cure: error.cure || (error.message ? "" : session.say("ui.error.unreachable.cure")),
    requestId: error.requestId,
  };
}

const SIGNS = { error: "!", warning: "!", info: "i", ok: "✓" };

/**
 * A box that stands out.
 * @param {"error" | "warning" | "info" | "ok"} level
 * @param {import("./dom.js").Child[]} children
 * @param {import("./dom.js").Attributes} [attributes]
 */
export function alert(level, children, attributes = {}) {
  return el(
    "div",
    { class: `notice notice-${level}`, role: level === "error" ? "alert" : null, ...attributes },
    el("span", { class: "notice-sign", "aria-hidden": "true" }, SIGNS[level]),
    el("div", { class: "notice-text" }, ...children),
  );
}
