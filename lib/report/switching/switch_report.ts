/** The experiments on switching, for a terminal with ticks on a time axis, Markdown and a page. */

import { AS_GOOD } from "../../judge/thresholds.ts";
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
import { type Fared, faredOf } from "../../switching/ticker.ts";
import {
  counted,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  middle,
} from "../../text/format.ts";
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
  tableOf,
  textColumn,
  together,
} from "../document.ts";
import { codeBlock, figure, type Html, markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { modelColour } from "../html/style.ts";
import * as chart from "../html/svg.ts";
import { paletteFor, type Style } from "../terminal.ts";

export function switchReport(file: SwitchFile): Block {
  const parts = experimentsOf(file).flatMap(({ name, table, code: lines, words }) => {
    const { title, about } = QUESTIONS[name];
    return [
      together(heading(title), paragraph(about)),
      inTerminal((style) => name === "whoLetsGo" ? tickLines(file.whoLetsGo!, style) : ""),
      table,
      ...(lines.length === 0 ? [] : [code(lines)]),
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
      tickLabel(row),
      `${INDENT}${dots(row, watchedMs, columns)}`.trimEnd(),
      INDENT + computing(" ".repeat(from) + "▔".repeat(Math.max(1, to - from))),
    ];
  });
  return [
    ...lines,
    idle(`${INDENT}0 ${"─".repeat(Math.max(1, columns - end.length - 3))} ${end}`),
    idle(`${INDENT}• a tick, due every ${formatDuration(periodMs)}   ▔ the task computes`),
  ].join("\n");
}

/** The experiments: what a page calls section and chart, what each asks, and the titles of chart and table. */
export const QUESTIONS = {
  whoLetsGo: {
    ids: ["who-lets-go", "ticks"],
    title: "Who lets go?",
    about: "A ticker wants a turn at fixed times while a task computes beside it.",
    heading: "When the ticker had its turn",
    caption: "Ticks while the task computed",
  },
  whoseTurn: {
    ids: ["whose-turn", "lost"],
    title: "Whose turn was it?",
    about: "Two count up one number together, by reading it, adding one and writing it back.",
    heading: "Updates that were lost, at most",
    caption: "Updates lost, and what one costs",
  },
  whoseSession: {
    ids: ["whose-session", "connections"],
    title: "Whose session?",
    about: "Pages are fetched by clients that keep connections open; the site counts connections.",
    heading: "Connections that the site counted",
    caption: "Clients and connections",
  },
  whoIsServed: {
    ids: ["who-is-served", "answers"],
    title: "Who is served?",
    about: "Clients ask one server at the same moment; its answers wait, or are computed.",
    heading: "When the last client had its answer",
    caption: "When clients had their answers",
  },
} as const;

/** Rows by what tells them apart. */
export function rowsBy<Row, Key extends keyof Row>(
  key: Key,
  rows: readonly Row[] = [],
): Partial<Record<Row[Key] & string, Row>> {
  return Object.fromEntries(rows.map((row) => [row[key], row])) as Partial<
    Record<Row[Key] & string, Row>
  >;
}

function joined(sentences: readonly (string | undefined)[]): string {
  return sentences.filter((sentence) => sentence !== undefined).join(" ");
}

function tickLabel({ where, awaits }: Pick<TickRow, "where" | "awaits">): string {
  if (where === "thread") return "in a thread";
  return awaits === "nothing" ? "same loop, no await" : `same loop, awaits ${awaits}`;
}

function cameText({ came, due }: Pick<TickRow, "came" | "due">): string {
  return `${came} of ${due}`;
}

/** How the ticker should fare beside each way of computing, and why. */
const EXPECTED: Readonly<
  Record<
    "a thread" | TickRow["awaits"],
    { readonly place: string; readonly fared: Fared; readonly why: (slice: string) => string }
  >
> = {
  "a thread": {
    place: "Beside a thread",
    fared: "ticked on",
    why: () =>
      "threads run side by side while there are cores for them, and else the operating system switches " +
      "them whenever it likes, whether they let go or not: preemptive multitasking",
  },
  nothing: {
    place: "In one event loop",
    fared: "stood still",
    why: () =>
      "a task has its event loop to itself until it awaits. That is cooperative multitasking",
  },
  "what is ready": {
    place: "With an await of what is ready in it",
    fared: "stood still",
    why: () => "awaiting what is ready already lets in nothing but other such promises, no timer",
  },
  "a timer": {
    place: "With an await of a timer in it",
    fared: "limped",
    why: (slice) => `it got a turn only where the task let go, every ${slice}`,
  },
};

function tickSentence(row: TickRow, sliceMs: number): string {
  const { place, fared: expected, why } =
    EXPECTED[row.where === "thread" ? "a thread" : row.awaits];
  const fared = faredOf(row);
  const late = row.worstLateMs > 0 ? `, at worst ${formatDuration(row.worstLateMs)} late` : "";
  const seen = `${place} the ticker ${fared} (${cameText(row)} ticks${late})`;
  return fared === expected
    ? `${seen}: ${why(formatDuration(sliceMs))}.`
    : `${seen}, where it was to be expected that it ${expected}; was the machine busy?`;
}

export function whoLetsGoWords({ rows, sliceMs }: WhoLetsGo): string {
  return rows.map((row) => tickSentence(row, sliceMs)).join(" ");
}

/** The names of the ways of counting up, and the code of each. */
const TURN_WAYS: Readonly<Record<TurnRow["way"], { name: string; code: string }>> = {
  "threads, plain": { name: "2 threads", code: "x[0]++" },
  "threads, atomic": { name: "2 threads", code: "Atomics.add" },
  "loop, split": { name: "1 event loop", code: "await between" },
  "loop, whole": { name: "1 event loop", code: "await after" },
};

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

export function lostText({ lost }: Pick<TurnRow, "lost">): string {
  const [least, most] = [Math.min(...lost), Math.max(...lost)];
  return least === most ? formatCount(least) : `${formatCount(least)}–${formatCount(most)}`;
}

export function mostLost({ lost }: Pick<TurnRow, "lost">): number {
  return Math.max(...lost);
}

/** In how many of its runs a way of counting up lost something. */
export function losingRuns({ lost }: Pick<TurnRow, "lost">): number {
  return lost.filter((some) => some > 0).length;
}

export function whoseTurnWords({ rows, updates }: WhoseTurn): string {
  const way = rowsBy("way", rows);
  const [plain, atomic] = [way["threads, plain"], way["threads, atomic"]];
  const [split, whole] = [way["loop, split"], way["loop, whole"]];
  const share = (row: TurnRow) => formatPercent(mostLost(row) / updates);
  const all = formatCount(updates);
  return joined([
    plain &&
    (mostLost(plain) > 0
      ? `Two threads with x[0]++ lost updates in ${losingRuns(plain)} of ${plain.lost.length} ` +
        `runs, up to ${share(plain)} of ${all}: the other can come between one's reading and ` +
        "writing, at any time. That is a race condition, and its harm a lost update; it differs " +
        "from run to run, which makes it hard to find."
      : `Two threads with x[0]++ lost nothing in ${plain.lost.length} runs, by luck: they never ` +
        "were at it at the same time, perhaps for want of a free core. It is a race condition all " +
        "the same, which loses updates on another day."),
    atomic && plain && atomicWords(atomic, plain),
    split &&
    (mostLost(split) > 0
      ? `One event loop loses ${share(split)} too if there is an await between reading and ` +
        "writing, for there, and only there, another task gets its turn."
      : "One event loop lost nothing even with an await between reading and writing."),
    whole &&
    (mostLost(whole) === 0
      ? "With the await after the write it never loses one, without any lock."
      : `With the await after the write it lost ${formatCount(mostLost(whole))}.`),
  ]);
}

function atomicWords(atomic: TurnRow, plain: TurnRow): string {
  const [safe, unsafe] = [middle(atomic.updateNs), middle(plain.updateNs)];
  const lost = mostLost(atomic);
  return `Atomics.add ${lost === 0 ? "never lost one" : `lost ${formatCount(lost)}`}, at ` +
    `${formatNumber(safe)} ns an update instead of ${formatNumber(unsafe)} ns` +
    (safe > unsafe ? ` (${formatNumber(safe / unsafe)} times as long)` : "") + ".";
}

function sessionLabel({ keeping }: Pick<SessionRow, "keeping">, atOnce: number): string {
  return keeping === "a client each thread"
    ? `${atOnce} threads, a client each`
    : `event loop, ${keeping}`;
}

/** How many connections each way took, and why a client stays in its thread. */
export function whoseSessionWords({ rows, atOnce, asked, refusal }: WhoseSession): string {
  const keeping = rowsBy("keeping", rows);
  const [threads, one, each] = [
    keeping["a client each thread"],
    keeping["one client for all"],
    keeping["a client each request"],
  ];
  return joined([
    threads && `${threads.clients} threads made ${threads.clients} clients and ` +
      `${threads.connections} connections for ${threads.pages} pages.`,
    refusal === ""
      ? undefined
      : "They can't share one: a client and its open sockets belong to the isolate that made it, " +
        `and what is sent to a thread is copied. Asked to send one, the library says: “${refusal}”.`,
    one && `In the event loop ${one.clients} client does for all, safely, as only one piece of ` +
      `code runs at a time; it opened ${one.connections} connections for up to ${atOnce} pages ` +
      "under way at once.",
    each &&
    `Without a client that is kept, ${each.pages} pages cost ${each.connections} connections.`,
    ...rows.filter(({ pages }) => pages < asked).map((row) => {
      const label = sessionLabel(row, atOnce);
      return `Only ${row.pages} of ${asked} pages came with ${label}, so its figures don't count.`;
    }),
  ]);
}

function servedLabel({ way }: Pick<ServedRow, "way">, lanes: number): string {
  return way === "computes, threads" ? `computes, ${counted(lanes, "thread")}` : way;
}

/** How much sooner the last client of one way of serving had its answer than that of another. */
function sooner(way: ServedRow, than: ServedRow): string {
  const ratio = than.lastMs / way.lastMs;
  if (ratio > AS_GOOD) return `${formatNumber(ratio)} times as fast`;
  return ratio < 1 / AS_GOOD ? `${formatNumber(1 / ratio)} times as long` : "as long";
}

export function whoIsServedWords({ rows, clients, waitMs, sumBelow, lanes }: WhoIsServed): string {
  const way = rowsBy("way", rows);
  const [single, waiting] = [way["waits, one at a time"], way["waits, event loop"]];
  const [computing, threads] = [way["computes, event loop"], way["computes, threads"]];
  const last = ({ lastMs }: ServedRow) => formatDuration(lastMs);
  return joined([
    single && waiting &&
    `Where each answer waits ${formatDuration(waitMs)}, as for a database, the ` +
      `last of ${clients} clients had its answer after ${last(single)} from a server that serves ` +
      `one at a time, and after ${last(waiting)} from one event loop for all ` +
      `(${sooner(waiting, single)}): waits overlap, and that is concurrency.`,
    computing && `Where each is computed, the squares below ${formatCount(sumBelow)} summed, the ` +
      "event loop serves one after another again, for nothing in it waits: the last had its " +
      `answer after ${last(computing)}, and whoever asks meanwhile waits too.`,
    computing && threads && `With the sums on ${counted(lanes, "thread")}: ${last(threads)} ` +
      `(${sooner(threads, computing)}), and the event loop is free for other clients meanwhile. ` +
      (threads.lastMs * AS_GOOD < computing.lastMs
        ? "That is parallelism, up to the cores."
        : "No time was gained here: perhaps no core was free."),
    ...rows.filter(({ answered }) => answered < clients).map((row) =>
      `Only ${row.answered} of ${clients} clients had an answer with ${servedLabel(row, lanes)}, ` +
      "so its figures don't count."
    ),
  ]);
}

const BAR_COLUMNS = 20;

/** A column of bars, each as long as its share of the longest. */
function barColumn<Row>(head: string, longest: number, valueOf: (row: Row) => number): Column<Row> {
  const share = (row: Row) => longest > 0 ? Math.min(1, valueOf(row) / longest) : 0;
  const bar = (row: Row) => "█".repeat(Math.ceil(BAR_COLUMNS * share(row)));
  return textColumn(head, 3, bar, { terminalOnly: true });
}

type Measure = readonly [name: string, value: number, words: string, isBad: boolean];

/** An experiment that was run: what was found as a table and as bars, what follows, and lines below. */
function experiment<Of extends { readonly rows: readonly unknown[] }>(
  name: keyof typeof QUESTIONS,
  of: Of | undefined,
  wordsOf: (of: Of) => string,
  columnsOf: (of: Of) => readonly Column<Of["rows"][number]>[],
  bar?: (row: Of["rows"][number], of: Of) => Measure,
  code: readonly string[] = [],
) {
  if (of === undefined) return [];
  const bars = bar === undefined ? [] : of.rows.map((row) => bar(row, of));
  return [{ name, words: wordsOf(of), table: tableOf(columnsOf(of), of.rows), bars, code }];
}

function experimentsOf({ whoLetsGo, whoseTurn, whoseSession, whoIsServed }: SwitchFile) {
  return [
    ...experiment("whoLetsGo", whoLetsGo, whoLetsGoWords, () => TICK_COLUMNS),
    ...experiment("whoseTurn", whoseTurn, whoseTurnWords, turnColumns, (row) => {
      const { name, code } = TURN_WAYS[row.way];
      const most = mostLost(row);
      return [`${name}, ${code}`, most, formatCount(most), most > 0];
    }, BETWEEN),
    ...experiment("whoseSession", whoseSession, whoseSessionWords, sessionColumns, (row, of) => {
      const words = formatCount(row.connections);
      const isBad = row.keeping === "a client each request";
      return [sessionLabel(row, of.atOnce), row.connections, words, isBad];
    }),
    ...experiment("whoIsServed", whoIsServed, whoIsServedWords, servedColumns, (row, of) => {
      const isBad = row.way === "waits, one at a time" || row.way === "computes, event loop";
      return [servedLabel(row, of.lanes), row.lastMs, formatDuration(row.lastMs), isBad];
    }),
  ];
}

const TICK_COLUMNS: readonly Column<TickRow>[] = [
  textColumn("the task", 0, tickLabel),
  numberColumn("ticks that came", 0, cameText),
  numberColumn("late, typically", 1, ({ typicalLateMs }) => formatDuration(typicalLateMs)),
  numberColumn("at worst", 0, ({ worstLateMs }) => formatDuration(worstLateMs), {
    longHead: "late, at worst",
  }),
];

function turnColumns({ updates }: WhoseTurn): Column<TurnRow>[] {
  return [
    textColumn("who", 0, ({ way }) => TURN_WAYS[way].name),
    textColumn("how", 0, ({ way }) => TURN_WAYS[way].code),
    numberColumn(`lost of ${formatCount(updates)}`, 0, lostText, {
      tone: (row) => mostLost(row) > 0 ? "bad" : undefined,
    }),
    { ...barColumn("at most", updates, mostLost), tone: () => "bad" },
    numberColumn("an update", 1, ({ updateNs }) => `${formatNumber(middle(updateNs))} ns`),
  ];
}

function sessionColumns({ rows, atOnce }: WhoseSession): Column<SessionRow>[] {
  const most = Math.max(...rows.map(({ connections }) => connections));
  return [
    textColumn("clients", 0, (row) => sessionLabel(row, atOnce)),
    numberColumn("made", 0, ({ clients }) => String(clients)),
    numberColumn("connections", 0, ({ connections }) => String(connections)),
    barColumn("", most, ({ connections }) => connections),
    numberColumn("pages", 1, ({ pages }) => String(pages)),
    numberColumn("took", 2, ({ wallMs }) => formatDuration(wallMs)),
  ];
}

function servedColumns({ rows, clients, lanes }: WhoIsServed): Column<ServedRow>[] {
  const most = Math.max(...rows.map(({ lastMs }) => lastMs));
  return [
    textColumn("an answer", 0, (row) => servedLabel(row, lanes)),
    numberColumn(`answered of ${clients}`, 2, ({ answered }) => String(answered)),
    numberColumn("typically after", 1, ({ typicalMs }) => formatDuration(typicalMs)),
    numberColumn("the last after", 0, ({ lastMs }) => formatDuration(lastMs)),
    barColumn("", most, ({ lastMs }) => lastMs),
  ];
}

export function switchPart(file: SwitchFile, { id }: PartPlace): PagePart {
  const sections = experimentsOf(file).map(({ name, table, bars, code, words }) => {
    const { ids: [section, chartId], title, about, heading, caption } = QUESTIONS[name];
    const ticks = name === "whoLetsGo" ? file.whoLetsGo! : undefined;
    const coloured = bars.map(([name, value, words, isBad]) => (
      { name, value, words, colour: isBad ? "var(--bad)" : modelColour("workers") }
    ));
    const drawn = figure({
      id: `${id}-${chartId}`,
      title: heading,
      lead: about,
      note: ticks &&
        `A dot is a tick, due every ${formatDuration(ticks.periodMs)}; the bar behind ` +
          "is the time in which the task computed.",
      draw: (width) =>
        ticks
          ? drawTicks(ticks, TICK_WORDS, width)
          : chart.drawBars(coloured, { title: heading, width }),
      table: table.html(caption),
    });
    return {
      id: `${id}-${section}`,
      title,
      html: [
        markup`<p class="verdict">${words}</p>${drawn}`,
        code.length > 0 && codeBlock("Where an update is lost", code.join("\n")),
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

/** What a chart of ticks says, in the page's language. */
interface TickWords {
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
      chart.marks("computing", [computing], ({ fromMs, toMs }) => {
        const look = { fill: "var(--line)", title: `${name}: ${came}` };
        return chart.rect(x(fromMs), top + 25, x(toMs), top + 46, look);
      }),
      chart.marks("tick", ticks, ({ atMs, dueMs }) => {
        const title = words.tick(atMs, Math.max(0, atMs - dueMs));
        return chart.dot(x(atMs), top + 35.5, 2.2, { fill: colour, title });
      }),
    ]),
  ]);
}
