/** Rows that can be sorted, filtered and acted upon. */

import { button, el, fill } from "../dom.js";
import { menuButton } from "../menu.js";
import * as cells from "./cell.js";
import { sorted } from "./sort.js";

const FILTER_FROM = 8;
/** How long a name, and another cell's text, may be to stay on one line. */
const [NAME, WORD] = [36, 20];
const FIGURES = new Set(["number", "bytes", "percent", "milliseconds"]);

/**
 * @typedef {{column: string | null, descending: boolean, filter: string}} Kept what stays when the rows are read again
 * @typedef {object} Acts
 * @property {(id: string) => void} [operation] shows an operation
 * @property {() => Promise<import("../menu.js").Offered[]>} offered what can be done here
 * @property {(target: string) => Promise<import("../menu.js").Offered[]>} offeredOn what can be done to another object
 * @property {(action: {id: string, title: string}, about: any) => void} act
 * @property {Map<string, Kept>} kept by the table's id
 * @property {boolean} [still] its rows have an order of their own, and are not to be sorted
 */

/** @param {import("../session.js").Session} session @param {any} block @param {Acts} acts */
export function draw(session, block, acts) {
  const kept = acts.kept.get(block.id) ?? { column: null, descending: false, filter: "" };
  acts.kept.set(block.id, kept);
  const body = el("tbody");
  const count = el("span", { class: "count", role: "status" });
  const head = el("tr");
  const withActions = block.rows.some((row) => row.actions.length);

  function redraw() {
    fill(head, block.columns.map(heading), withActions && el("th", { scope: "col", class: "right" }, said("ui.table.actions")));
    const rows = kept.column ? sorted(block.rows, kept.column, kept.descending, session.format.locale) : block.rows;
    const shown = rows.filter((row) => matches(session, row, kept.filter));
    fill(body, shown.map(line));
    count.textContent =
      shown.length === block.rows.length ? "" : session.say("ui.table.shown", { shown: shown.length, of: rows.length });
  }

  function said(key) {
    return el("span", { class: "clr-sr-only" }, session.say(key));
  }

  function heading({ id, label }) {
    const now = kept.column === id;
    const order = now ? (kept.descending ? "descending" : "ascending") : "none";
    const sort = () => {
      kept.descending = now && !kept.descending;
      kept.column = id;
      redraw();
      /** @type {HTMLElement | null} */ (head.querySelector(`[data-column="${CSS.escape(id)}"]`))?.focus();
    };
    const side = figures(block, id) ? "right" : "left";
    if (acts.still) return el("th", { scope: "col", class: side }, label);
    return el(
      "th",
      { scope: "col", "aria-sort": order, class: side },
      button(label, sort, { class: "sort", "data-column": id, "data-key": `sort ${block.id} ${id}` }),
    );
  }

  function line(row) {
    return el(
      "tr",
      {},
      block.columns.map(({ id }, index) => {
        const cell = cells.draw(session, row.cells[id], acts);
        const side = figures(block, id) ? "right" : "left";
        const length = (cell.textContent ?? "").length;
        if (index > 0) return el("td", { class: [side, length <= WORD && "short"] }, cell);
        return el("th", { scope: "row", class: [side, length <= NAME && "short"] }, cell);
      }),
      withActions && el("td", { class: "right row-actions" }, row.actions.length ? rowMenu(session, block, row, acts) : null),
    );
  }

  redraw();
  return el(
    "section",
    { class: "block" },
    el(
      "div",
      { class: "table-head" },
      block.title && el("h3", {}, block.title),
      count,
      !acts.still && block.rows.length > FILTER_FROM && filter(session, block, kept, redraw),
      tableActions(session, block, acts),
    ),
    block.rows.length
      ? el(
          "div",
          { class: "table-scroll" },
          el(
            "table",
            { class: "table table-compact" },
            el("caption", { class: "clr-sr-only" }, block.title),
            el("thead", {}, head),
            body,
          ),
        )
      : el("p", { class: "empty" }, block.empty),
    block.more && el("p", { class: "more" }, session.say("ui.table.more", { count: block.rows.length })),
  );
}

function filter(session, block, kept, redraw) {
  return el("input", {
    type: "search",
    class: "clr-input filter",
    "aria-label": session.say("ui.table.filter"),
    placeholder: session.say("ui.table.filter"),
    value: kept.filter,
    "data-key": `filter ${block.id}`,
    oninput: (event) => {
      kept.filter = event.target.value;
      redraw();
    },
  });
}

function rowMenu(session, block, row, acts) {
  const name = plain(session, row.cells[block.columns[0].id]);
  return menuButton(session, {
    label: session.say("ui.table.actions-of", { name }),
    key: `menu ${block.id} ${row.id}`,
    find: async () => {
      const offered = await (row.target ? acts.offeredOn(row.target) : acts.offered());
      return offered.filter((each) => row.actions.includes(each.id));
    },
    choose: (action) => acts.act(action, { target: row.target, given: row.given }),
  });
}

function tableActions(session, block, acts) {
  if (!block.actions.length) return null;
  const place = el("div", { class: "table-actions" });
  acts.offered().then(
    (offered) =>
      fill(
        place,
        offered
          .filter((each) => block.actions.includes(each.id))
          .map((each) =>
            button(each.title, () => acts.act(each, {}), {
              class: "btn btn-sm btn-outline",
              "data-key": `do ${block.id} ${each.id}`,
              title: each.available ? null : each.reason,
            }),
          ),
      ),
    () => {}, // The page itself says what is wrong.
  );
  return place;
}

function figures(block, column) {
  return block.rows.some((row) => FIGURES.has(row.cells[column]?.kind));
}

function matches(session, row, filter) {
  const wanted = filter.trim().toLocaleLowerCase(session.format.locale);
  if (!wanted) return true;
  return Object.values(row.cells).some((cell) =>
    plain(session, cell).toLocaleLowerCase(session.format.locale).includes(wanted),
  );
}

function plain(session, cell) {
  return cells.draw(session, cell).textContent ?? "";
}
