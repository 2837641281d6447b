/** The experiments on switching as a page, with their charts: ticks on a time axis, and bars. */

import * as Plot from "@observablehq/plot";
import type { SwitchFile, TickRow, WhoLetsGo } from "../../switching/switch_result.ts";
import { formatCount, formatDuration } from "../../text/format.ts";
import { codeBlock, figure } from "../html/figure.ts";
import { markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { type Bar, drawBars, isWide, rowChart } from "../html/plot.ts";
import { modelColour } from "../html/style.ts";
import {
  cameText,
  type Experiment,
  experimentsOf,
  mostLost,
  QUESTIONS,
  sessionLabel,
  tickLabel,
  TURN_WAYS,
} from "./switch_words.ts";

/** An experiment's chart: the end of its section's id and its own, its heading, and how it is drawn. */
interface Chart {
  readonly ids: readonly [section: string, figure: string];
  readonly heading: string;
  readonly caption: string;
  readonly note?: string;
  readonly draw: (width: number) => string;
}

const CHARTS: { readonly [Name in Experiment["name"]]: (file: SwitchFile) => Chart } = {
  whoLetsGo: ({ whoLetsGo }) => ({
    ids: ["who-lets-go", "ticks"],
    heading: "When the ticker had its turn",
    caption: "Ticks while the task computed",
    note:
      `A dot is a tick, due every ${formatDuration(whoLetsGo!.periodMs)}; the bar behind is the ` +
      "time in which the task computed.",
    draw: (width) => drawTicks(whoLetsGo!, TICK_WORDS, width),
  }),
  whoseTurn: ({ whoseTurn }) => {
    const { rows, updates } = whoseTurn!;
    const bars = rows.map((row) =>
      barOf(
        `${TURN_WAYS[row.way].name}, ${TURN_WAYS[row.way].code}`,
        mostLost(row),
        mostLost(row) > 0,
      )
    );
    const heading = `Lost of ${formatCount(updates)} updates, at most`;
    return {
      ids: ["whose-turn", "lost"],
      heading,
      caption: "Updates lost, and what one costs",
      draw: (width) => drawBars(bars, { title: heading, width }),
    };
  },
  whoseSession: ({ whoseSession }) => {
    const { rows, atOnce } = whoseSession!;
    const bars = rows.map((row) =>
      barOf(sessionLabel(row, atOnce), row.connections, row.keeping === "a client each request")
    );
    const heading = "Connections that the site counted";
    return {
      ids: ["whose-session", "connections"],
      heading,
      caption: "Clients and connections",
      draw: (width) => drawBars(bars, { title: heading, width }),
    };
  },
};

function barOf(name: string, value: number, bad: boolean): Bar {
  const colour = bad ? "var(--bad)" : modelColour("workers");
  return { name, value, words: formatCount(value), colour };
}

/** The experiments as a part of a page: a section each, of those that were run. */
export function switchPart(file: SwitchFile, { id }: PartPlace): PagePart {
  const sections = experimentsOf(file).map(({ name, table, code, words }) => {
    const { title, about } = QUESTIONS[name];
    const { ids, heading, caption, note, draw } = CHARTS[name](file);
    const chart = figure({
      id: `${id}-${ids[1]}`,
      title: heading,
      lead: about,
      note,
      draw,
      table: table.html(caption),
    });
    return {
      id: `${id}-${ids[0]}`,
      title,
      html: markup`<p class="verdict">${words}</p>${chart}${
        code.length > 0 && codeBlock("Where an update is lost", code.join("\n"))
      }`,
    };
  });
  return {
    title: "Who has its turn, and when",
    did: "watched",
    headlines: [],
    sections,
    environment: file.environment,
    jobs: sections.map(({ title }) => title),
    name: "Switching",
    partial: false,
    method: {
      name: "How switching is watched",
      html:
        markup`<p>Each experiment runs in this library’s own lanes: event loop and threads. Lanes are
        started and loops compiled before anything counts. The ticker notes when its turn was due and when it
        came; the counters run several times, and threads make sure that both have a core before each burst of
        updates; connections are counted by the test site, in a process of its own.</p>`,
    },
  };
}

/** What a chart of ticks says, in the page's language. */
export interface TickWords {
  readonly title: string;
  readonly axis: string;
  readonly name: (row: TickRow) => string;
  readonly came: (row: TickRow) => string;
  readonly tick: (atMs: number, lateMs: number) => string;
}

const TICK_WORDS: TickWords = {
  title: "When the ticker had its turn",
  axis: "milliseconds",
  name: tickLabel,
  came: (row) => `${cameText(row)} ticks came`,
  tick: (atMs, lateMs) => `a tick at ${formatDuration(atMs)}, ${formatDuration(lateMs)} late`,
};

/** Draws each tick as a dot, and the time in which the task computed as a bar behind. */
export function drawTicks(
  { rows, watchedMs }: Pick<WhoLetsGo, "watchedMs"> & { readonly rows: readonly TickRow[] },
  words: TickWords,
  width: number,
): string {
  const named = rows.map((row) => ({
    ...row,
    name: words.name(row),
    came: words.came(row),
    colour: modelColour(row.where === "thread" ? "workers" : "concurrent"),
  }));
  const ticks = named.flatMap(({ name, colour, ticks }) =>
    ticks.map(({ atMs, dueMs }) => ({
      name,
      colour,
      atMs,
      title: words.tick(atMs, Math.max(0, atMs - dueMs)),
    }))
  );
  return rowChart({
    width,
    rows: named.map(({ name }) => name),
    rowHeight: 54,
    padding: 0.3,
    margins: { top: 20, right: 14, bottom: 42, left: 10 },
    x: { domain: [0, watchedMs], label: words.axis, ticks: isWide(width) ? 8 : 4 },
    marks: [
      Plot.barX(named, {
        y: "name",
        x1: ({ computing }) => computing.fromMs,
        x2: ({ computing }) => computing.toMs,
        fill: "var(--line)",
        insetTop: 12,
        title: ({ name, came }) => `${name}: ${came}`,
      }),
      Plot.dot(ticks, {
        y: "name",
        x: "atMs",
        r: 2.2,
        dy: 6,
        fill: "colour",
        title: "title",
      }),
      Plot.text(named, { y: "name", x: 0, text: "name", dy: -19, textAnchor: "start" }),
    ],
  }, {
    title: words.title,
    description: named.map(({ name, came }) => `${name}: ${came}`).join("; "),
  });
}
