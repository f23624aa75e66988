/** A button that opens a list of actions, and why some of them cannot be used now. */

import { el, fill, fresh, waiting } from "./dom.js";
import { told } from "./failure.js";

const MARGIN = 8;

/**
 * @typedef {{id: string, title: string, available: boolean, reason: string, cure: string}} Offered
 */

/**
 * @param {import("./session.js").Session} session
 * @param {{label: string, key: string, find: () => Promise<Offered[]>, choose: (action: Offered) => void}} about
 */
export function menuButton(session, { label, key, find, choose }) {
  const id = fresh("menu");
  const opener = el(
    "button",
    {
      type: "button",
      class: "btn btn-icon btn-link menu-button",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": label,
      "data-key": key,
      title: label,
      onclick: () => (menu ? close() : open()),
      onkeydown: (event) => {
        if (event.key === "ArrowDown" && !menu) {
          event.preventDefault();
          open();
        }
      },
    },
    el("span", { "aria-hidden": "true" }, "⋮"),
  );
  /** @type {HTMLElement | null} */
  let menu = null;

  async function open() {
    menu = el("div", { id, class: "menu", role: "menu", "aria-label": label, tabindex: "-1", onkeydown: steer });
    fill(menu, waiting(session.say("ui.loading")));
    // The page may be redrawn under an open menu, so it does not lie in what is redrawn.
    document.body.append(menu);
    opener.setAttribute("aria-expanded", "true");
    opener.setAttribute("aria-controls", id);
    place();
    menu.focus();
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("resize", leave);
    window.addEventListener("scroll", leave, true);
    try {
      const found = await find();
      if (!menu) return;
      fill(menu, found.length ? found.map(item) : el("p", { class: "menu-said" }, session.say("ui.menu.empty")));
    } catch (error) {
      if (!menu) return;
      const { message, cure } = told(session, error);
      fill(menu, el("p", { class: "menu-said", role: "alert" }, `${message} ${cure}`));
    }
    place();
    entries()[0]?.focus();
  }

  function item(action) {
    const why = action.available ? "" : [action.reason, action.cure].filter(Boolean).join(" ");
    return el(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: "-1",
        class: "menu-item",
        "aria-disabled": action.available ? null : "true",
        onclick: () => {
          if (!action.available) return;
          close();
          choose(action);
        },
      },
      action.title,
      why && el("span", { class: "menu-why" }, why),
    );
  }

  function entries() {
    return /** @type {HTMLElement[]} */ ([...(menu?.querySelectorAll("[role=menuitem]") ?? [])]);
  }

  function steer(event) {
    const all = entries();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined && all.length) {
      event.preventDefault();
      all[(to + all.length) % all.length].focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") {
      close();
    }
  }

  function place() {
    const from = opener.getBoundingClientRect();
    // At the edge it would be measured narrower than it is going to be.
    menu?.style.setProperty("left", "0");
    const { offsetWidth: width, offsetHeight: height } = /** @type {HTMLElement} */ (menu);
    const room = window.innerHeight - height - MARGIN;
    const top = from.bottom <= room ? from.bottom : from.top >= height + MARGIN ? from.top - height : room;
    const left = Math.max(MARGIN, Math.min(from.right - width, window.innerWidth - width - MARGIN));
    menu?.style.setProperty("left", `${left}px`);
    menu?.style.setProperty("top", `${Math.max(MARGIN, top)}px`);
  }

  function outside(event) {
    if (!menu?.contains(event.target) && !opener.contains(event.target)) remove();
  }

  function leave(event) {
    if (!menu?.contains(event.target)) remove();
  }

  function close() {
    remove();
    // It may have been redrawn meanwhile.
    const again = opener.isConnected ? opener : document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    /** @type {HTMLElement | null} */ (again)?.focus();
  }

  function remove() {
    menu?.remove();
    menu = null;
    opener.setAttribute("aria-expanded", "false");
    opener.removeAttribute("aria-controls");
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", leave);
    window.removeEventListener("scroll", leave, true);
  }

  return opener;
}
