/**
 * The experiments on switching as a page, with their charts: ticks on a time axis, and bars.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import type { PagePart, PartPlace, Section } from "../html/page.ts";
import { codeBlock, figure, table } from "../html/figure.ts";
import { markup } from "../html/markup.ts";
import { drawBars, plotToSvg } from "../html/plot.ts";
import { modelColour } from "../html/style.ts";
import { sanitized } from "../html/sanitize.ts";
import {
  BETWEEN,
  cameText,
  lostText,
  QUESTIONS,
  sessionLabel,
  tickLabel,
  TURN_WAYS,
  whole,
  whoLetsGoWords,
  whoseSessionWords,
  whoseTurnWords,
} from "./switch_words.ts";
import type {
  SwitchFile,
  TickRow,
  WhoLetsGo,
  WhoseSession,
  WhoseTurn,
} from "../../switching/switch_result.ts";
import { formatDuration, formatNumber, middle } from "../../text/format.ts";

const TICK_WORDS: TickWords = {
  title: "When the ticker had its turn",
  axis: "milliseconds",
  name: tickLabel,
  came: (row) => `${cameText(row)} ticks came`,
  tick: (atMs, lateMs) => `a tick at ${formatDuration(atMs)}, ${formatDuration(lateMs)} late`,
};

function whoLetsGoSection(found: WhoLetsGo, id: string): Section {
  const { title, about } = QUESTIONS.whoLetsGo;
  const { rows, periodMs } = found;
  return {
    id: `${id}-who-lets-go`,
    title,
    html: markup`<p class="verdict">${whoLetsGoWords(found)}</p>${
      figure({
        id: `${id}-ticks`,
        title: "When the ticker had its turn",
        lead: `${about} It wants one every ${formatDuration(periodMs)}.`,
        note: "A dot is a tick; the bar behind is the time in which the task computed.",
        draw: (width) => drawTicks(found, TICK_WORDS, width),
        table: table(
          "Ticks while the task computed",
          [
            { name: "the task" },
            { name: "ticks that came", figures: true },
            { name: "late, typically", figures: true },
            { name: "late, at worst", figures: true },
          ],
          rows.map((row) => [
            tickLabel(row),
            cameText(row),
            formatDuration(row.typicalLateMs),
            formatDuration(row.worstLateMs),
          ]),
        ),
      })
    }`.text,
  };
}

function whoseTurnSection(found: WhoseTurn, id: string): Section {
  const { title, about } = QUESTIONS.whoseTurn;
  const { rows, updates } = found;
  const name = ({ way }: WhoseTurn["rows"][number]) =>
    `${TURN_WAYS[way].name}, ${TURN_WAYS[way].code}`;
  const heading = `Lost of ${whole(updates)} updates, at most`;
  const bars = rows.map((row) => ({
    name: name(row),
    value: Math.max(...row.lost),
    words: whole(Math.max(...row.lost)),
    colour: row.lost.some((lost) => lost > 0) ? "var(--bad)" : modelColour("workers"),
  }));
  return {
    id: `${id}-whose-turn`,
    title,
    html: markup`<p class="verdict">${whoseTurnWords(found)}</p>${
      figure({
        id: `${id}-lost`,
        title: heading,
        lead: about,
        draw: (width) => drawBars(bars, { title: heading, width }),
        table: table(
          "Updates lost, and what one costs",
          [
            { name: "who and how" },
            { name: `lost of ${whole(updates)}`, figures: true },
            { name: "an update", figures: true },
          ],
          rows.map((
            row,
          ) => [name(row), lostText(row), `${formatNumber(middle(row.updateNs))} ns`]),
        ),
      })
    }${codeBlock("Where an update is lost", BETWEEN.join("\n"))}`.text,
  };
}

function whoseSessionSection(found: WhoseSession, id: string): Section {
  const { title, about } = QUESTIONS.whoseSession;
  const { rows, atOnce } = found;
  const bars = rows.map((row) => ({
    name: sessionLabel(row, atOnce),
    value: row.connections,
    words: String(row.connections),
    colour: row.keeping === "a client each request" ? "var(--bad)" : modelColour("workers"),
  }));
  return {
    id: `${id}-whose-session`,
    title,
    html: markup`<p class="verdict">${whoseSessionWords(found)}</p>${
      figure({
        id: `${id}-connections`,
        title: "Connections that the site counted",
        lead: about,
        draw: (width) => drawBars(bars, { title: "Connections that the site counted", width }),
        table: table(
          "Clients and connections",
          [
            { name: "clients" },
            { name: "made", figures: true },
            { name: "connections", figures: true },
            { name: "pages", figures: true },
            { name: "took", figures: true },
          ],
          rows.map((row) => [
            sessionLabel(row, atOnce),
            row.clients,
            row.connections,
            row.pages,
            formatDuration(row.wallMs),
          ]),
        ),
      })
    }`.text,
  };
}

/** The experiments as a part of a page: a section each, of those that were run. */
export function switchPart(file: SwitchFile, { id }: PartPlace): PagePart {
  const { whoLetsGo, whoseTurn, whoseSession, environment } = sanitized(file);
  const sections = [
    ...(whoLetsGo ? [whoLetsGoSection(whoLetsGo, id)] : []),
    ...(whoseTurn ? [whoseTurnSection(whoseTurn, id)] : []),
    ...(whoseSession ? [whoseSessionSection(whoseSession, id)] : []),
  ];
  return {
    title: "Who has its turn, and when",
    did: "watched",
    headlines: [],
    sections,
    environment,
    jobs: sections.map(({ title }) => markup`${title}`),
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

const TICK_ROW_HEIGHT = 54;
const AXES_HEIGHT = 62;
/** Room for the ticks' labels, and the axis's name below them. */
const AXIS_MARGIN = 42;
/** Within a row, its name stands above the marks. */
const NAME_DY = -19;

/** What a chart of ticks says, in the page's language. */
export interface TickWords {
  readonly title: string;
  readonly axis: string;
  readonly name: (row: TickRow) => string;
  /** How many ticks came of those that were due. */
  readonly came: (row: TickRow) => string;
  /** When a tick came, and how late, in milliseconds. */
  readonly tick: (atMs: number, lateMs: number) => string;
}

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
    ticks.map(({ atMs, dueMs }) => ({ name, colour, atMs, lateMs: Math.max(0, atMs - dueMs) }))
  );
  return plotToSvg({
    width,
    height: TICK_ROW_HEIGHT * rows.length + AXES_HEIGHT,
    marginLeft: 10,
    marginRight: 14,
    marginBottom: AXIS_MARGIN,
    x: { domain: [0, watchedMs], label: words.axis, ticks: width > 500 ? 8 : 4 },
    y: { domain: named.map(({ name }) => name), axis: null, padding: 0.3 },
    marks: [
      Plot.barX(named, {
        y: "name",
        x1: (row) => row.computing.fromMs,
        x2: (row) => row.computing.toMs,
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
        title: ({ atMs, lateMs }) => words.tick(atMs, lateMs),
      }),
      Plot.text(named, {
        y: "name",
        x: 0,
        text: "name",
        dy: NAME_DY,
        textAnchor: "start",
        fill: "var(--ink)",
      }),
    ],
  }, {
    title: words.title,
    description: named.map(({ name, came }) => `${name}: ${came}`).join("; "),
  });
}
