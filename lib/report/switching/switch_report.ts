/** The report of the experiments on switching, for a terminal, Markdown and a page. */

import type {
  Experiments,
  ServedRow,
  SessionRow,
  SwitchFile,
  TickRow,
  TurnRow,
  WhoLetsGo,
} from "../../switching/switch_result.ts";
import { formatCount, formatDuration, formatNumber } from "../../text/format.ts";
import { sideBySide } from "../../text/plain.ts";
import * as doc from "../document.ts";
import { codeBlock, figure, type Html, markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { drawBars } from "../html/svg.ts";
import { Speaker, type TextKey } from "../speaker.ts";
import { paletteFor, type Style } from "../terminal.ts";
import {
  drawTicks,
  LABELS,
  mostLost,
  SEEN,
  servedBars,
  sessionBars,
  turnBars,
} from "./switch_words.ts";
import { middle } from "../../timing/statistics.ts";

const SPEAKER = new Speaker("en");

export function switchReport(file: SwitchFile): doc.Block {
  const parts = experimentsOf(file).flatMap(({ name, title, about, table, words }) => [
    doc.together(doc.heading(title), doc.paragraph(about)),
    doc.inTerminal((style) => name === "whoLetsGo" ? tickLines(file.whoLetsGo!, style) : ""),
    table,
    ...(name === "whoseTurn" ? [doc.code(BETWEEN)] : []),
    doc.paragraph(words),
  ]);
  return doc.documentOf([...parts, doc.footnote(file.environment)]);
}

const INDENT = "  ";
/** The greatest width of the ticks in a terminal, in columns: on a wider axis dots drift apart. */
const MOST_COLUMNS = 100;

function columnOf(ms: number, watchedMs: number, columns: number): number {
  return Math.min(columns - 1, Math.max(0, Math.floor(ms * columns / watchedMs)));
}

/** A line of columns, with a dot in each column in which a tick came. */
export function dots({ ticks }: TickRow, watchedMs: number, columns: number): string {
  const seen = ticks.filter(({ atMs }) => atMs <= watchedMs);
  const hit = new Set(seen.map(({ atMs }) => columnOf(atMs, watchedMs, columns)));
  return Array.from({ length: columns }, (_, at) => hit.has(at) ? "•" : " ").join("");
}

/** Draws the rows on one axis, as wide as the terminal allows. */
function tickLines({ rows, watchedMs, periodMs }: WhoLetsGo, style: Style): string {
  const { idle, computing } = paletteFor(style);
  const columns = Math.min(MOST_COLUMNS, style.columns) - INDENT.length;
  const end = formatDuration(watchedMs);
  const lines = rows.flatMap((row) => {
    const from = columnOf(row.computing.fromMs, watchedMs, columns);
    const to = columnOf(row.computing.toMs, watchedMs, columns);
    return [
      LABELS.tick(SPEAKER, row),
      `${INDENT}${dots(row, watchedMs, columns)}`.trimEnd(),
      INDENT + computing(" ".repeat(from) + "▔".repeat(Math.max(1, to - from))),
    ];
  });
  return [
    ...lines,
    idle(`${INDENT}0 ${"─".repeat(Math.max(1, columns - end.length - 3))} ${end}`),
    ...sideBySide(
      [`• a tick, due every ${formatDuration(periodMs)}`, "▔ the task computes"],
      columns,
      "   ",
    ).map((line) => idle(INDENT + line)),
  ].join("\n");
}

/** Lines of code that show where another thread or task gets in between, short enough for phones. */
const BETWEEN: readonly string[] = [
  "Two threads, x[0]++ is three steps:",
  "  seen = x[0]      both read 41",
  "  seen = seen + 1  ← the other comes",
  "                   between: switched",
  "                   in, or on another",
  "                   core",
  "  x[0] = seen      both write 42: one",
  "                   update is lost",
  "One event loop, an await between:",
  "  const seen = n",
  "  await …          ← here another has",
  "                   its turn, nowhere",
  "                   else",
  "  n = seen + 1",
];

export function lostText({ lost }: Pick<TurnRow, "lost">): string {
  const [least, most] = [Math.min(...lost), Math.max(...lost)];
  return least === most ? formatCount(least) : `${formatCount(least)}–${formatCount(most)}`;
}

const BAR_COLUMNS = 20;

/** A column of bars, each as long as its share of the longest. */
function barColumn<Row>(
  head: string,
  longest: number,
  valueOf: (row: Row) => number,
): doc.Column<Row> {
  const share = (row: Row) => longest > 0 ? Math.min(1, valueOf(row) / longest) : 0;
  const bar = (row: Row) => "█".repeat(Math.ceil(BAR_COLUMNS * share(row)));
  return doc.textColumn(head, 3, bar, { terminalOnly: true });
}

/** An experiment in a report: the ids of its section and chart, its texts, its table and its chart. */
interface Told<Of> {
  readonly ids: readonly [section: string, chart: string];
  readonly title: string;
  readonly about: string;
  readonly seen: (file: SwitchFile) => readonly (string | undefined)[];
  readonly caption: string;
  readonly table: (of: Of) => doc.Table;
  readonly picture: TextKey;
  readonly draw: (of: Of, named: { readonly title: string; readonly width: number }) => Html;
}

const turns = ({ came, due }: TickRow) => `${came} of ${due}`;

// A narrow terminal drops figures, which the sentences repeat, rather than what identifies the rows.
export const QUESTIONS: { readonly [Name in keyof Whole]: Told<Whole[Name]> } = {
  whoLetsGo: {
    ids: ["who-lets-go", "ticks"],
    title: "Who lets go?",
    about: "A ticker wants a turn at fixed times while a task computes beside it.",
    seen: (file) => [
      ...[...SEEN.besideThread(SPEAKER, file), SPEAKER.say("preemptive.about")],
      ...[...SEEN.inLoop(SPEAKER, file), SPEAKER.say("cooperative.about")],
    ],
    caption: "Ticks while the task computed",
    table: ({ rows }) =>
      doc.tableOf<TickRow>([
        doc.textColumn("the task", 0, (row) => LABELS.tick(SPEAKER, row)),
        doc.numberColumn("turns that it got", 0, turns, {
          short: { head: "turns", cell: turns, order: 1 },
        }),
        doc.numberColumn(
          "late, typically",
          3,
          ({ typicalLateMs }) => formatDuration(typicalLateMs),
        ),
        doc.numberColumn("at worst", 2, ({ worstLateMs }) => formatDuration(worstLateMs), {
          longHead: "late, at worst",
        }),
      ], rows),
    picture: "ticks.picture",
    draw: (of, named) => drawTicks(of, { ...named, speaker: SPEAKER }),
  },
  whoseTurn: {
    ids: ["whose-turn", "lost"],
    title: "Whose turn was it?",
    about: "Two count up one number together, by reading it, adding one and writing it back.",
    seen: (file) => [
      ...[...SEEN.races(SPEAKER, file), ...SEEN.racesInLoop(SPEAKER, file)],
      SPEAKER.say("races.about"),
    ],
    caption: "Updates lost, and what one costs",
    table: ({ rows, updates }) =>
      doc.tableOf<TurnRow>([
        doc.textColumn("who counts", 0, (row) => LABELS.turn(SPEAKER, row)),
        doc.numberColumn(`lost of ${formatCount(updates)}`, 0, lostText, {
          short: { head: "lost", cell: lostText, order: 1 },
          tone: (row) => mostLost(row) > 0 ? "bad" : undefined,
        }),
        { ...barColumn("at most", updates, mostLost), tone: () => "bad" },
        doc.numberColumn("an update", 1, ({ updateNs }) => `${formatNumber(middle(updateNs))} ns`),
      ], rows),
    picture: "races.picture",
    draw: (of, named) => drawBars(turnBars(SPEAKER, of), named),
  },
  whoseSession: {
    ids: ["whose-session", "connections"],
    title: "Whose session?",
    about: "Pages are fetched by sessions that keep connections open; the site counts connections.",
    seen: (file) => [...SEEN.sessions(SPEAKER, file), SPEAKER.say("sessions.about")],
    caption: "Sessions and connections",
    table: (of) => {
      const most = Math.max(...of.rows.map(({ connections }) => connections));
      return doc.tableOf<SessionRow>([
        doc.textColumn("sessions", 0, (row) => LABELS.session(SPEAKER, row, of)),
        doc.numberColumn("made", 0, ({ clients }) => String(clients)),
        doc.numberColumn("connections", 0, ({ connections }) => String(connections)),
        barColumn("", most, ({ connections }) => connections),
        doc.numberColumn("pages", 1, ({ pages }) => String(pages)),
        doc.numberColumn("took", 2, ({ wallMs }) => formatDuration(wallMs)),
      ], of.rows);
    },
    picture: "sessions.picture",
    draw: (of, named) => drawBars(sessionBars(SPEAKER, of), named),
  },
  whoIsServed: {
    ids: ["who-is-served", "answers"],
    title: "Who is served?",
    about: "Clients ask one server at the same moment; its answers wait, or are computed.",
    seen: (file) => [...SEEN.server(SPEAKER, file), SPEAKER.say("server.about")],
    caption: "When clients had their answers",
    table: (of) => {
      const most = Math.max(...of.rows.map(({ lastMs }) => lastMs));
      return doc.tableOf<ServedRow>([
        doc.textColumn("an answer", 0, (row) => LABELS.served(SPEAKER, row, of)),
        doc.numberColumn(`answered of ${of.clients}`, 2, ({ answered }) => String(answered)),
        doc.numberColumn("typically after", 1, ({ typicalMs }) => formatDuration(typicalMs)),
        doc.numberColumn("the last after", 0, ({ lastMs }) => formatDuration(lastMs)),
        barColumn("", most, ({ lastMs }) => lastMs),
      ], of.rows);
    },
    picture: "server.picture",
    draw: (of, named) => drawBars(servedBars(SPEAKER, of), named),
  },
};

type Whole = Required<Experiments>;

/** The experiments that were run, each with its findings in words, its table and its chart. */
function experimentsOf(file: SwitchFile) {
  const told = Object.entries(QUESTIONS) as [keyof Whole, Told<unknown>][];
  return told.flatMap(([name, { picture, seen, table, draw, ...about }]) => {
    const of = file[name];
    if (of === undefined) return [];
    const title = SPEAKER.say(picture, of);
    return [{
      ...{ ...about, name, picture: title, table: table(of) },
      words: seen(file).filter(Boolean).join(" "),
      draw: (width: number) => draw(of, { title, width }),
    }];
  });
}

export function switchPart(file: SwitchFile, { id }: PartPlace): PagePart {
  const sections = experimentsOf(file).map((of) => {
    const { name, ids: [section, chartId], title, about, words, picture, draw, table } = of;
    const drawn = figure({
      ...{ id: `${id}-${chartId}`, title: picture, lead: about, draw },
      table: table.html(of.caption),
    });
    return {
      id: `${id}-${section}`,
      title,
      html: [
        markup`<p class="verdict">${words}</p>${drawn}`,
        name === "whoseTurn" && codeBlock("Where an update is lost", BETWEEN.join("\n")),
      ],
    };
  });
  return {
    title: "Who has its turn, and when",
    sections,
    jobs: sections.map(({ title }) => title),
    name: "Switching",
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
