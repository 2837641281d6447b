/** The experiments on switching as a page, with their charts: ticks on a time axis, and bars. */

import type { SwitchFile, TickRow, WhoLetsGo } from "../../switching/switch_result.ts";
import { formatDuration } from "../../text/format.ts";
import { codeBlock, figure, type Html, markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import * as chart from "../html/svg.ts";
import { modelColour } from "../html/style.ts";
import { cameText, type Experiment, experimentsOf, QUESTIONS, tickLabel } from "./switch_report.ts";

/** What a page calls the sections of experiments, and their charts. */
const IDS: { readonly [Name in Experiment["name"]]: readonly [section: string, figure: string] } = {
  whoLetsGo: ["who-lets-go", "ticks"],
  whoseTurn: ["whose-turn", "lost"],
  whoseSession: ["whose-session", "connections"],
  whoIsServed: ["who-is-served", "answers"],
};

function draw({ name, bars }: Experiment, { whoLetsGo }: SwitchFile, width: number): Html {
  if (name === "whoLetsGo") return drawTicks(whoLetsGo!, TICK_WORDS, width);
  const coloured = bars.map(([name, value, words, isBad]): chart.Bar => (
    { name, value, words, colour: isBad ? "var(--bad)" : modelColour("workers") }
  ));
  return chart.drawBars(coloured, { title: QUESTIONS[name].heading, width });
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
): Html {
  const height = 54;
  const x = chart.scale([0, watchedMs], [10, width - 14]);
  const bottom = 20 + rows.length * height;
  const named = rows.map((row, i) => ({
    ...{ row, name: words.name(row), came: words.came(row), top: 20 + i * height },
    colour: modelColour(row.where === "thread" ? "workers" : "concurrent"),
  }));
  return chart.svg(width, bottom + 42, {
    title: words.title,
    description: named.map(({ name, came }) => `${name}: ${came}`).join("; "),
  }, [
    chart.axis(x, bottom, chart.linearTicks(watchedMs, chart.isWide(width) ? 8 : 4), String),
    chart.text(`${words.axis} →`, width - 14, bottom + 34, { textAnchor: "end" }),
    named.map(({ row: { computing, ticks }, name, came, colour, top }) => [
      chart.text(name, x(0), top + 15),
      chart.group(
        "computing",
        chart.rect(x(computing.fromMs), top + 25, x(computing.toMs), top + 46, {
          fill: "var(--line)",
          title: `${name}: ${came}`,
        }),
      ),
      chart.group(
        "tick",
        ticks.map(({ atMs, dueMs }) =>
          chart.dot(x(atMs), top + 35.5, 2.2, {
            fill: colour,
            title: words.tick(atMs, Math.max(0, atMs - dueMs)),
          })
        ),
      ),
    ]),
  ]);
}
