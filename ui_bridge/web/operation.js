/** An operation: its steps as they go, what it came to, and what can be done about it. */

import { ApiError } from "./api.js";
import { Blocks } from "./blocks/blocks.js";
import { button, el, fill, fresh } from "./dom.js";
import { alert, failure } from "./failure.js";

const WAIT_SECONDS = 20;
const PAUSE_MS = 1000;
const LONG_PAUSE_MS = 5000;
const OVER = new Set(["done", "failed", "cancelled", "abandoned"]);
const SIGNS = { done: "✓", running: "", waiting: "…", undone: "↺", failed: "✗", pending: "" };

/** Whether it goes on no more by itself. @param {any} operation */
export function rests(operation) {
  return OVER.has(operation.state) || operation.state === "needs_attention";
}

/** The level of a state. @param {string} state */
export function level(state) {
  if (state === "done") return "ok";
  if (state === "failed" || state === "needs_attention") return "error";
  return state === "cancelled" || state === "abandoned" ? "warning" : "info";
}

/**
 * Tells of every change until the operation rests. What fails on the way is told and tried again, unless it will not
 * come right by itself.
 * @param {import("./api.js").Api} api
 * @param {any} operation
 * @param {(operation: any) => void} show
 * @param {(error: unknown | null) => void} trouble null when it is over
 * @param {AbortSignal} signal
 */
export async function follow(api, operation, show, trouble, signal) {
  let current = operation;
  while (!rests(current) && !signal.aborted) {
    try {
      const query = { after: current.version ?? current.updated_at, wait: WAIT_SECONDS };
      const next = await api.get(`operations/${current.id}`, query, { signal });
      if (signal.aborted) return;
      trouble(null);
      const same = next.version === current.version && next.updated_at === current.updated_at;
      current = next;
      show(current);
      if (same) await pause(PAUSE_MS);
    } catch (error) {
      if (signal.aborted) return;
      trouble(error);
      if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return;
      await pause(LONG_PAUSE_MS);
    }
  }
}

export class OperationView {
  /**
   * @param {import("./session.js").Session} session
   * @param {any} operation
   * @param {(operation: any) => void} [changed]
   */
  constructor(session, operation, changed = () => {}) {
    this.session = session;
    this.operation = operation;
    this.changed = changed;
    this.stopper = new AbortController();
    this.asking = false;
    this.sure = false;
    const bar = fresh("progress");
    this.heading = el("p", { class: "operation-now", id: bar });
    this.bar = /** @type {HTMLProgressElement} */ (el("progress", { max: "1", value: "0", "aria-labelledby": bar }));
    this.percent = el("span", { class: "operation-percent", "aria-hidden": "true" });
    this.steps = el("ol", { class: "steps" });
    this.outcome = el("div", { class: "operation-outcome", tabindex: "-1" });
    this.trouble = el("div");
    this.buttons = el("div", { class: "operation-buttons" });
    this.live = el("div", { class: "clr-sr-only", role: "status" });
    this.explained = new Blocks(session, quiet());
    this.why = el("details", { class: "explained" }, el("summary", {}, session.say("ui.explain")), this.explained.element);
    this.measure = el("div", { class: "operation-bar" }, this.bar, this.percent);
    this.element = el(
      "div",
      { class: "operation" },
      this.heading,
      this.measure,
      this.steps,
      this.outcome,
      this.trouble,
      this.buttons,
      this.why,
      this.live,
    );
    this.show(operation);
  }

  /** Follows it until it rests or `stop` is called. */
  async start() {
    const show = (operation) => this.show(operation);
    const trouble = (error) => {
      if (error) fill(this.trouble, failure(this.session, error));
      else fill(this.trouble);
    };
    await follow(this.session.api, this.operation, show, trouble, this.stopper.signal);
  }

  stop() {
    this.stopper.abort();
  }

  /** @param {any} operation */
  show(operation) {
    const before = this.operation;
    this.operation = operation;
    const now = this.#now();
    if (this.heading.textContent !== now) {
      this.heading.textContent = now;
      this.live.textContent = now;
    }
    // What is done says so below; a heading would say it twice.
    this.heading.hidden = operation.state === "done";
    this.bar.value = operation.progress;
    this.measure.hidden = rests(operation);
    this.percent.textContent = this.session.format.percent(Math.round(operation.progress * 100));
    this.#showSteps();
    if (rests(operation)) this.#showOutcome();
    else fill(this.outcome);
    this.#showButtons();
    this.explained.show(operation.explanation_blocks ?? []);
    this.why.hidden = !operation.explanation_blocks?.length;
    if (before.state !== operation.state || before === operation) this.changed(operation);
  }

  #now() {
    const { operation, session } = this;
    if (rests(operation)) return session.say(`ui.state.${operation.state}`);
    if (operation.undoing) return session.say("ui.operation.undoing");
    if (operation.cancel_requested) return session.say("ui.operation.cancelling");
    const step = operation.steps.find((each) => each.state === "running" || each.state === "waiting");
    return step ? step.label : session.say(`ui.state.${operation.state}`);
  }

  #showSteps() {
    const { steps } = this.operation;
    while (this.steps.children.length > steps.length) this.steps.lastElementChild?.remove();
    for (const [index, step] of steps.entries()) {
      const known = this.steps.children[index];
      if (known?.getAttribute("data-state") === step.state && known.getAttribute("data-step") === step.id) continue;
      const line = el(
        "li",
        {
          class: `step step-${step.state}`,
          "data-state": step.state,
          "data-step": step.id,
          "aria-current": step.state === "running" ? "step" : null,
        },
        el("span", { class: "step-sign", "aria-hidden": "true" }, SIGNS[step.state]),
        el("span", { class: "step-label" }, step.label),
        el("span", { class: "step-state" }, this.session.say(`ui.step.${step.state}`)),
      );
      if (known) known.replaceWith(line);
      else this.steps.append(line);
    }
  }

  #showOutcome() {
    const { operation, session } = this;
    const { error } = operation;
    const key = `ui.outcome.${operation.state}`;
    fill(
      this.outcome,
      alert(level(operation.state), [
        el("strong", {}, error?.message ?? session.say(key)),
        error?.next_step && el("p", { class: "cure" }, error.next_step),
        error && el("p", {}, operation.left || session.say(key)),
        operation.note && el("p", {}, operation.note),
        operation.state !== "done" &&
          el("p", { class: "request-id" }, `${session.say("ui.error.request")} `, el("code", {}, operation.request_id)),
      ]),
    );
  }

  #showButtons() {
    const { session, operation } = this;
    const can = new Set(operation.can);
    const small = { class: "btn btn-sm btn-outline" };
    if (this.sure && can.has("abandon")) {
      fill(
        this.buttons,
        el("p", {}, session.say("ui.operation.abandon.sure")),
        button(session.say("ui.operation.abandon"), () => this.#steer("abandon"), { class: "btn btn-sm btn-danger" }),
        button(session.say("ui.back"), () => this.#ask(false), small),
      );
      return;
    }
    fill(
      this.buttons,
      can.has("cancel") &&
        !operation.cancel_requested &&
        button(session.say("ui.operation.cancel"), () => this.#steer("cancel"), { ...small, "data-verb": "cancel" }),
      can.has("retry") && button(session.say("ui.operation.retry"), () => this.#steer("retry"), small),
      can.has("abandon") && button(session.say("ui.operation.abandon"), () => this.#ask(true), small),
    );
  }

  #ask(sure) {
    this.sure = sure;
    this.#showButtons();
    this.buttons.querySelector("button")?.focus();
  }

  async #steer(verb) {
    if (this.asking) return;
    this.asking = true;
    this.sure = false;
    try {
      const before = rests(this.operation);
      this.show(await this.session.api.post(`operations/${this.operation.id}/${verb}`, {}));
      this.outcome.focus();
      fill(this.trouble);
      if (before && !rests(this.operation)) this.start();
    } catch (error) {
      fill(this.trouble, failure(this.session, error));
    } finally {
      this.asking = false;
    }
  }
}

/** Shows an operation above the page. @param {import("./session.js").Session} session @param {string} id */
export async function showOperation(session, id) {
  const title = fresh("operation");
  const heading = el("h2", { id: title }, session.say("ui.loading"));
  const body = el("div", { class: "over-body" });
  const dialog = /** @type {HTMLDialogElement} */ (
    el(
      "dialog",
      { class: "over", "aria-labelledby": title },
      heading,
      body,
      el("div", { class: "over-foot" }, button(session.say("ui.close"), () => dialog.close(), { class: "btn btn-primary" })),
    )
  );
  /** @type {OperationView | null} */
  let view = null;
  dialog.addEventListener("close", () => {
    view?.stop();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  try {
    const operation = await session.api.get(`operations/${id}`);
    view = new OperationView(session, operation);
    heading.textContent = operation.object?.name ? `${operation.title}: ${operation.object.name}` : operation.title;
    fill(body, about(session, operation), view.element);
    if (dialog.open) view.start();
  } catch (error) {
    heading.textContent = session.say("ui.error.title");
    fill(body, failure(session, error));
  }
}

function about(session, operation) {
  const said = session.say("ui.operation.begun", {
    user: operation.user,
    time: session.format.time(operation.created_at),
  });
  return el("p", { class: "operation-about" }, said);
}

/** For blocks that are only read, as a plan or an explanation is. @returns {import("./blocks/table.js").Acts} */
export function quiet() {
  return { offered: async () => [], offeredOn: async () => [], act: () => {}, kept: new Map(), still: true };
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
