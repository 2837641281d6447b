/** The experiments on switching as a page, with their charts: ticks on a time axis, and bars. */

import * as Plot from "@observablehq/plot";
import type { SwitchFile, TickRow, WhoLetsGo } from "../../switching/switch_result.ts";
import { formatDuration } from "../../text/format.ts";
import { codeBlock, figure } from "../html/figure.ts";
import { markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { type Bar, drawBars, isWide, rowChart } from "../html/plot.ts";
import { modelColour } from "../html/style.ts";
import { cameText, type Experiment, experimentsOf, QUESTIONS, tickLabel } from "./switch_words.ts";

/** What a page calls the sections of experiments, and their charts. */
const IDS: { readonly [Name in Experiment["name"]]: readonly [section: string, figure: string] } = {
  whoLetsGo: ["who-lets-go", "ticks"],
  whoseTurn: ["whose-turn", "lost"],
  whoseSession: ["whose-session", "connections"],
  whoIsServed: ["who-is-served", "answers"],
};

function draw({ name, bars }: Experiment, { whoLetsGo }: SwitchFile, width: number): string {
  if (name === "whoLetsGo") return drawTicks(whoLetsGo!, TICK_WORDS, width);
  const coloured = bars.map(([name, value, words, isBad]): Bar => (
    { name, value, words, colour: isBad ? "var(--bad)" : modelColour("workers") }
  ));
  return drawBars(coloured, { title: QUESTIONS[name].heading, width });
}

/** The experiments as a part of a page: a section each, of those that were run. */
export function switchPart(file: SwitchFile, { id }: PartPlace): PagePart {
  const sections = experimentsOf(file).map((experiment) => {
    const { name, table, code, words } = experiment;
    const { title, about, heading, caption } = QUESTIONS[name];
    const [section, chart] = IDS[name];
    const drawn = figure({
      id: `${id}-${chart}`,
      title: heading,
      lead: about,
      note: name === "whoLetsGo" &&
        `A dot is a tick, due every ${
            formatDuration(file.whoLetsGo!.periodMs)
          }; the bar behind is ` +
          "the time in which the task computed.",
      draw: (width) => draw(experiment, file, width),
      table: table.html(caption),
    });
    return {
      id: `${id}-${section}`,
      title,
      html: markup`<p class="verdict">${words}</p>${drawn}${
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
        updates; connections are counted by the test site, in a process of its own; clients of the server are a thread of
        their own.</p>`,
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
  title: QUESTIONS.whoLetsGo.heading,
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
        insetTop: 17,
        title: ({ name, came }) => `${name}: ${came}`,
      }),
      Plot.dot(ticks, {
        y: "name",
        x: "atMs",
        r: 2.2,
        dy: 8.5,
        fill: "colour",
        title: "title",
      }),
      Plot.text(named, { y: "name", x: 0, text: "name", dy: -12, textAnchor: "start" }),
    ],
  }, {
    title: words.title,
    description: named.map(({ name, came }) => `${name}: ${came}`).join("; "),
  });
}
