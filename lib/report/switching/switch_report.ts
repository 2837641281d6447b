/** The experiments on switching, for a terminal with ticks on a time axis, Markdown and a page. */

import type {
  ServedRow,
  SessionRow,
  SwitchFile,
  TickRow,
  TurnRow,
  WhoIsServed,
  WhoLetsGo,
  WhoseSession,
  WhoseTurn,
} from "../../switching/switch_result.ts";
import { formatCount, formatDuration, formatNumber } from "../../text/format.ts";
import { sideBySide } from "../../text/plain.ts";
import {
  type Block,
  code,
  type Column,
  documentOf,
  footnote,
  heading,
  inTerminal,
  numberColumn,
  paragraph,
  type Table,
  tableOf,
  textColumn,
  together,
} from "../document.ts";
import { codeBlock, figure, type Html, markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { drawBars } from "../html/svg.ts";
import { Speaker } from "../speaker.ts";
import { paletteFor, type Style } from "../terminal.ts";
import {
  drawTicks,
  mostLost,
  SEEN,
  servedBars,
  servedLabel,
  sessionBars,
  sessionLabel,
  tickLabel,
  turnBars,
  turnLabel,
} from "./switch_words.ts";
import { middle } from "../../timing/statistics.ts";

const SPEAKER = new Speaker("en");

export function switchReport(file: SwitchFile): Block {
  const parts = experimentsOf(file).flatMap(({ name, table, words }) => {
    const { title, about } = QUESTIONS[name];
    return [
      together(heading(title), paragraph(about)),
      inTerminal((style) => name === "whoLetsGo" ? tickLines(file.whoLetsGo!, style) : ""),
      table,
      ...(name === "whoseTurn" ? [code(BETWEEN)] : []),
      paragraph(words),
    ];
  });
  return documentOf([...parts, footnote(file.environment)]);
}

const INDENT = "  ";
/** Wider than this, dots drift apart. */
const MOST_COLUMNS = 100;

function columnOf(ms: number, watchedMs: number, columns: number): number {
  return Math.min(columns - 1, Math.max(0, Math.floor(ms * columns / watchedMs)));
}

/** A column is a dot if a tick came in it. */
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
      tickLabel(SPEAKER, row),
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

/** The experiments: what a page calls section and chart, what each asks, and the title of its table. */
export const QUESTIONS = {
  whoLetsGo: {
    ids: ["who-lets-go", "ticks"],
    title: "Who lets go?",
    about: "A ticker wants a turn at fixed times while a task computes beside it.",
    caption: "Ticks while the task computed",
  },
  whoseTurn: {
    ids: ["whose-turn", "lost"],
    title: "Whose turn was it?",
    about: "Two count up one number together, by reading it, adding one and writing it back.",
    caption: "Updates lost, and what one costs",
  },
  whoseSession: {
    ids: ["whose-session", "connections"],
    title: "Whose session?",
    about: "Pages are fetched by sessions that keep connections open; the site counts connections.",
    caption: "Sessions and connections",
  },
  whoIsServed: {
    ids: ["who-is-served", "answers"],
    title: "Who is served?",
    about: "Clients ask one server at the same moment; its answers wait, or are computed.",
    caption: "When clients had their answers",
  },
} as const;

/** Where in the code another gets in between, a line each: short ones, for telephones. */
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

/** The experiments that were run: what was found in words, as a table and as a picture. */
function experimentsOf(file: SwitchFile) {
  const { whoLetsGo, whoseTurn, whoseSession, whoIsServed } = file;
  const say = SPEAKER.say.bind(SPEAKER);
  const found = (
    name: keyof typeof QUESTIONS,
    title: string,
    seen: readonly (string | undefined)[],
    table: Table,
    draw: (named: { readonly title: string; readonly width: number }) => Html,
  ) => ({
    ...{ name, title, table, words: seen.filter(Boolean).join(" ") },
    draw: (width: number) => draw({ title, width }),
  });
  return [
    whoLetsGo && found(
      "whoLetsGo",
      say("ticks.picture"),
      [
        ...[...SEEN.besideThread(SPEAKER, file), say("preemptive.about")],
        ...[...SEEN.inLoop(SPEAKER, file), say("cooperative.about")],
      ],
      tableOf(TICK_COLUMNS, whoLetsGo.rows),
      (named) => drawTicks(whoLetsGo, { ...named, speaker: SPEAKER }),
    ),
    whoseTurn && found(
      "whoseTurn",
      say("races.picture", whoseTurn),
      [...SEEN.races(SPEAKER, file), ...SEEN.racesInLoop(SPEAKER, file), say("races.about")],
      tableOf(turnColumns(whoseTurn), whoseTurn.rows),
      (named) => drawBars(turnBars(SPEAKER, whoseTurn), named),
    ),
    whoseSession && found(
      "whoseSession",
      say("sessions.picture"),
      [...SEEN.sessions(SPEAKER, file), say("sessions.about")],
      tableOf(sessionColumns(whoseSession), whoseSession.rows),
      (named) => drawBars(sessionBars(SPEAKER, whoseSession), named),
    ),
    whoIsServed && found(
      "whoIsServed",
      say("server.picture"),
      [...SEEN.server(SPEAKER, file), say("server.about")],
      tableOf(servedColumns(whoIsServed), whoIsServed.rows),
      (named) => drawBars(servedBars(SPEAKER, whoIsServed), named),
    ),
  ].filter((of) => of !== undefined);
}

export function lostText({ lost }: Pick<TurnRow, "lost">): string {
  const [least, most] = [Math.min(...lost), Math.max(...lost)];
  return least === most ? formatCount(least) : `${formatCount(least)}–${formatCount(most)}`;
}

const BAR_COLUMNS = 20;

/** A column of bars, each as long as its share of the longest. */
function barColumn<Row>(head: string, longest: number, valueOf: (row: Row) => number): Column<Row> {
  const share = (row: Row) => longest > 0 ? Math.min(1, valueOf(row) / longest) : 0;
  const bar = (row: Row) => "█".repeat(Math.ceil(BAR_COLUMNS * share(row)));
  return textColumn(head, 3, bar, { terminalOnly: true });
}

const turns = ({ came, due }: TickRow) => `${came} of ${due}`;

// In a narrow terminal figures, which the sentences tell too, give way to what tells the rows apart.
const TICK_COLUMNS: readonly Column<TickRow>[] = [
  textColumn("the task", 0, (row) => tickLabel(SPEAKER, row)),
  numberColumn("turns that it got", 0, turns, { short: { head: "turns", cell: turns, order: 1 } }),
  numberColumn("late, typically", 3, ({ typicalLateMs }) => formatDuration(typicalLateMs)),
  numberColumn("at worst", 2, ({ worstLateMs }) => formatDuration(worstLateMs), {
    longHead: "late, at worst",
  }),
];

function turnColumns({ updates }: WhoseTurn): Column<TurnRow>[] {
  return [
    textColumn("who counts", 0, (row) => turnLabel(SPEAKER, row)),
    numberColumn(`lost of ${formatCount(updates)}`, 0, lostText, {
      short: { head: "lost", cell: lostText, order: 1 },
      tone: (row) => mostLost(row) > 0 ? "bad" : undefined,
    }),
    { ...barColumn("at most", updates, mostLost), tone: () => "bad" },
    numberColumn("an update", 1, ({ updateNs }) => `${formatNumber(middle(updateNs))} ns`),
  ];
}

function sessionColumns(of: WhoseSession): Column<SessionRow>[] {
  const most = Math.max(...of.rows.map(({ connections }) => connections));
  return [
    textColumn("sessions", 0, (row) => sessionLabel(SPEAKER, row, of)),
    numberColumn("made", 0, ({ clients }) => String(clients)),
    numberColumn("connections", 0, ({ connections }) => String(connections)),
    barColumn("", most, ({ connections }) => connections),
    numberColumn("pages", 1, ({ pages }) => String(pages)),
    numberColumn("took", 2, ({ wallMs }) => formatDuration(wallMs)),
  ];
}

function servedColumns(of: WhoIsServed): Column<ServedRow>[] {
  const most = Math.max(...of.rows.map(({ lastMs }) => lastMs));
  return [
    textColumn("an answer", 0, (row) => servedLabel(SPEAKER, row, of)),
    numberColumn(`answered of ${of.clients}`, 2, ({ answered }) => String(answered)),
    numberColumn("typically after", 1, ({ typicalMs }) => formatDuration(typicalMs)),
    numberColumn("the last after", 0, ({ lastMs }) => formatDuration(lastMs)),
    barColumn("", most, ({ lastMs }) => lastMs),
  ];
}

export function switchPart(file: SwitchFile, { id }: PartPlace): PagePart {
  const sections = experimentsOf(file).map(({ name, words, table, ...picture }) => {
    const { ids: [section, chartId], title, about, caption } = QUESTIONS[name];
    const drawn = figure({
      ...{ ...picture, id: `${id}-${chartId}`, lead: about },
      table: table.html(caption),
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
    headlines: [],
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
