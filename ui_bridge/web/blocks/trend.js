/** Values over time, as lines; and as a table, for whoever does not see them. */

import { el, fresh, svg } from "../dom.js";
import { FRAME, across, down, moments, path, summary, timeAxis, valueAxis } from "./geometry.js";

const MOST_ROWS = 60;
const DAY_MS = 86400000;

/** @param {import("../session.js").Session} session @param {any} block */
export function draw(session, block) {
  const time = timeAxis(block.series);
  const known = block.series.some((each) => summary(each.points));
  return el(
    "section",
    { class: "block trend" },
    block.title && el("h3", {}, block.title),
    time && known ? chart(session, block, time) : el("p", { class: "empty" }, block.empty),
  );
}

function chart(session, block, time) {
  const values = valueAxis(block.series, block.unit);
  const [name, told] = [fresh("trend"), fresh("trend")];
  const day = time.to - time.from > DAY_MS;
  const when = (at) => {
    const moment = new Date(at).toISOString();
    return day ? session.format.dayAndClock(moment) : session.format.clock(moment);
  };
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, role: "img", "aria-labelledby": `${name} ${told}` },
    svg("title", { id: name }, block.title),
    svg("desc", { id: told }, block.series.map((each) => sentence(session, block, each)).join(" ")),
    values.ticks.map((tick) => {
      const y = down(tick, values);
      return [
        svg("line", { class: "grid", x1: FRAME.left, x2: FRAME.width - FRAME.right, y1: y, y2: y }),
        svg("text", { class: "tick", x: FRAME.left - 8, y: y + 4, "text-anchor": "end" }, session.format.of(block.unit, tick)),
      ];
    }),
    moments(time, 4).map((at, index, all) =>
      svg(
        "text",
        {
          class: "tick",
          x: across(at, time),
          y: FRAME.height - 6,
          "text-anchor": index === 0 ? "start" : index === all.length - 1 ? "end" : "middle",
        },
        when(at),
      ),
    ),
    block.series.map((each, index) => svg("path", { class: `line line-${index % 5}`, d: path(each.points, time, values) })),
  );
  return [el("figure", {}, drawing, legend(session, block)), table(session, block)];
}

function legend(session, block) {
  return el(
    "figcaption",
    { class: "legend", "aria-hidden": "true" },
    block.series.map((each, index) => {
      const found = summary(each.points);
      return el(
        "span",
        { class: "legend-entry" },
        svg("svg", { viewBox: "0 0 24 8", class: "legend-line" }, svg("path", { class: `line line-${index % 5}`, d: "M0 4H24" })),
        each.label,
        found && el("strong", {}, session.format.of(block.unit, found.last)),
      );
    }),
  );
}

function sentence(session, block, series) {
  const found = summary(series.points);
  if (!found) return `${series.label}: ${session.say("ui.unknown")}.`;
  const say = (value) => session.format.of(block.unit, value);
  return session.say("ui.trend.summary", {
    label: series.label,
    last: say(found.last),
    least: say(found.least),
    most: say(found.most),
  });
}

function table(session, block) {
  const rows = new Map();
  for (const [index, each] of block.series.entries()) {
    for (const [at, value] of each.points.slice(-MOST_ROWS)) {
      if (!rows.has(at)) rows.set(at, []);
      rows.get(at)[index] = value;
    }
  }
  const show = (value) => (value === null || value === undefined ? "–" : session.format.of(block.unit, value));
  return el(
    "details",
    { class: "trend-values" },
    el("summary", {}, session.say("ui.trend.values")),
    el(
      "table",
      { class: "table table-compact" },
      el("caption", { class: "clr-sr-only" }, block.title),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, session.say("ui.trend.time")),
          block.series.map((each) => el("th", { scope: "col", class: "right" }, each.label)),
        ),
      ),
      el(
        "tbody",
        {},
        [...rows.keys()]
          .sort()
          .reverse()
          .slice(0, MOST_ROWS)
          .map((at) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, session.format.time(at)),
              block.series.map((_, index) => el("td", { class: "right" }, show(rows.get(at)[index]))),
            ),
          ),
      ),
    ),
  );
}
