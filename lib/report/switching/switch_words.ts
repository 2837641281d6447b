/**
 * What the three experiments on switching showed, in words that follow from their figures, and in cells.
 */

import type {
  SessionRow,
  SwitchFile,
  TickRow,
  TurnRow,
  WhoLetsGo,
  WhoseSession,
  WhoseTurn,
} from "../../switching/switch_result.ts";
import { type Fared, faredOf } from "../../switching/ticker.ts";
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  middle,
} from "../../text/format.ts";
import { type Column, type Table, tableOf } from "../table.ts";

export const QUESTIONS = {
  whoLetsGo: {
    title: "Who lets go?",
    about: "A ticker wants a turn at fixed times while a task computes beside it.",
  },
  whoseTurn: {
    title: "Whose turn was it?",
    about: "Two count up one number together, by reading it, adding one and writing it back.",
  },
  whoseSession: {
    title: "Whose session?",
    about: "Pages are fetched by clients that keep connections open; the site counts connections.",
  },
} as const;

export function tickLabel({ where, awaits }: Pick<TickRow, "where" | "awaits">): string {
  if (where === "thread") return "in a thread";
  return awaits === "nothing" ? "same loop, no await" : `same loop, awaits ${awaits}`;
}

export function cameText({ came, due }: Pick<TickRow, "came" | "due">): string {
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
export const TURN_WAYS: Readonly<Record<TurnRow["way"], { name: string; code: string }>> = {
  "threads, plain": { name: "2 threads", code: "x[0]++" },
  "threads, atomic": { name: "2 threads", code: "Atomics.add" },
  "loop, split": { name: "1 event loop", code: "await between" },
  "loop, whole": { name: "1 event loop", code: "await after" },
};

/** Where in the code another gets in between, a line each. */
const BETWEEN: readonly string[] = [
  "x[0]++ is three steps, for threads that share x:",
  "  seen = x[0]          both read 41",
  "  seen = seen + 1      ← the other may come between, here or anywhere:",
  "                         switched in, or at the same moment on another core",
  "  x[0] = seen          both write 42: one update is lost",
  "With an await between, for tasks of one event loop:",
  "  const seen = n",
  "  await …              ← here another task has its turn, and nowhere else",
  "  n = seen + 1",
];

export function lostText({ lost }: Pick<TurnRow, "lost">): string {
  const [least, most] = [Math.min(...lost), Math.max(...lost)];
  return least === most ? formatCount(least) : `${formatCount(least)}–${formatCount(most)}`;
}

export function mostLost({ lost }: Pick<TurnRow, "lost">): number {
  return Math.max(...lost);
}

export function whoseTurnWords({ rows, updates }: WhoseTurn): string {
  const of = (way: TurnRow["way"]) => rows.find((row) => row.way === way);
  const [plain, atomic] = [of("threads, plain"), of("threads, atomic")];
  const [split, unsplit] = [of("loop, split"), of("loop, whole")];
  const share = (row: TurnRow) => formatPercent(mostLost(row) / updates);
  const sentences: string[] = [];
  if (plain !== undefined) {
    const runs = plain.lost.length;
    const losing = plain.lost.filter((lost) => lost > 0).length;
    sentences.push(
      losing > 0
        ? `Two threads with x[0]++ lost updates in ${losing} of ${runs} runs, up to ` +
          `${share(plain)} of ${
            formatCount(updates)
          }: the other can come between one's reading and ` +
          "writing, at any time. That is a race condition, and its harm a lost update; it differs " +
          "from run to run, which makes it hard to find."
        : `Two threads with x[0]++ lost nothing in ${runs} runs, by luck: they never were at it at ` +
          "the same time, perhaps for want of a free core. It is a race condition all the same, " +
          "which loses updates on another day.",
    );
  }
  if (atomic !== undefined && plain !== undefined) {
    const [safe, unsafe] = [middle(atomic.updateNs), middle(plain.updateNs)];
    const lost = mostLost(atomic);
    sentences.push(
      `Atomics.add ${lost === 0 ? "never lost one" : `lost ${formatCount(lost)}`}, at ` +
        `${formatNumber(safe)} ns an update instead of ${formatNumber(unsafe)} ns` +
        (safe > unsafe ? ` (${formatNumber(safe / unsafe)} times as long)` : "") + ".",
    );
  }
  if (split !== undefined && unsplit !== undefined) {
    const none = mostLost(unsplit);
    sentences.push(
      mostLost(split) > 0
        ? `One event loop loses ${
          share(split)
        } too if there is an await between reading and writing, ` +
          "for there, and only there, another task gets its turn."
        : "One event loop lost nothing even with an await between reading and writing.",
      none === 0
        ? "With the await after the write it never loses one, without any lock."
        : `With the await after the write it lost ${formatCount(none)}.`,
    );
  }
  return sentences.join(" ");
}

export function sessionLabel({ keeping }: Pick<SessionRow, "keeping">, atOnce: number): string {
  return keeping === "a client each thread"
    ? `${atOnce} threads, a client each`
    : `event loop, ${keeping}`;
}

/** How many connections each way took, and why a client stays in its thread. */
export function whoseSessionWords({ rows, atOnce, asked, refusal }: WhoseSession): string {
  const told = (keeping: SessionRow["keeping"], words: (row: SessionRow) => string) =>
    rows.filter((row) => row.keeping === keeping).map(words);
  return [
    ...told(
      "a client each thread",
      ({ clients, connections, pages }) =>
        `${clients} threads made ${clients} clients and ${connections} connections for ${pages} pages.`,
    ),
    ...(refusal === "" ? [] : [
      `They can't share one: a client and its open sockets belong to the isolate that made it, and ` +
      `what is sent to a thread is copied. Asked to send one, the library says: “${refusal}”.`,
    ]),
    ...told(
      "one client for all",
      ({ clients, connections }) =>
        `In the event loop ${clients} client does for all, safely, as only one piece of code runs at ` +
        `a time; it opened ${connections} connections for up to ${atOnce} pages under way at once.`,
    ),
    ...told(
      "a client each request",
      ({ pages, connections }) =>
        `Without a client that is kept, ${pages} pages cost ${connections} connections.`,
    ),
    ...rows.filter(({ pages }) => pages < asked).map((row) =>
      `Only ${row.pages} of ${asked} pages came with ${
        sessionLabel(row, atOnce)
      }, so its figures ` +
      `don't count.`
    ),
  ].join(" ");
}

/** A bar in a terminal, as long as its share of the longest. */
function bar(value: number, longest: number): string {
  return "█".repeat(Math.ceil(longest > 0 ? BAR_COLUMNS * Math.min(1, value / longest) : 0));
}

const BAR_COLUMNS = 20;

/** An experiment that was run: its question, what was found as a table, and what follows. */
export interface Experiment {
  readonly name: keyof typeof QUESTIONS;
  readonly table: Table;
  /** What stands below the table, a line each. */
  readonly code: readonly string[];
  readonly words: string;
}

export function experimentsOf({ whoLetsGo, whoseTurn, whoseSession }: SwitchFile): Experiment[] {
  const experiments: Experiment[] = [];
  if (whoLetsGo) {
    const table = tableOf(TICK_COLUMNS, whoLetsGo.rows);
    experiments.push({ name: "whoLetsGo", table, code: [], words: whoLetsGoWords(whoLetsGo) });
  }
  if (whoseTurn) {
    const table = tableOf(turnColumns(whoseTurn), whoseTurn.rows);
    experiments.push({ name: "whoseTurn", table, code: BETWEEN, words: whoseTurnWords(whoseTurn) });
  }
  if (whoseSession) {
    const table = tableOf(sessionColumns(whoseSession), whoseSession.rows);
    const words = whoseSessionWords(whoseSession);
    experiments.push({ name: "whoseSession", table, code: [], words });
  }
  return experiments;
}

const TICK_COLUMNS: readonly Column<TickRow>[] = [
  { head: "the task", left: true, cell: tickLabel },
  { head: "ticks that came", cell: cameText },
  {
    head: "late, typically",
    dropOrder: 1,
    cell: ({ typicalLateMs }) => formatDuration(typicalLateMs),
  },
  {
    head: "at worst",
    longHead: "late, at worst",
    cell: ({ worstLateMs }) => formatDuration(worstLateMs),
  },
];

function turnColumns({ updates }: WhoseTurn): Column<TurnRow>[] {
  return [
    { head: "who", left: true, cell: ({ way }) => TURN_WAYS[way].name },
    { head: "how", left: true, cell: ({ way }) => TURN_WAYS[way].code },
    {
      head: `lost of ${formatCount(updates)}`,
      cell: lostText,
      tone: (row) => mostLost(row) > 0 ? "bad" : undefined,
    },
    {
      head: "at most",
      left: true,
      dropOrder: 2,
      cell: (row) => bar(mostLost(row), updates),
      tone: () => "bad",
      terminalOnly: true,
    },
    {
      head: "an update",
      dropOrder: 1,
      cell: ({ updateNs }) => `${formatNumber(middle(updateNs))} ns`,
    },
  ];
}

function sessionColumns({ rows, atOnce }: WhoseSession): Column<SessionRow>[] {
  const most = Math.max(...rows.map(({ connections }) => connections));
  return [
    { head: "clients", left: true, cell: (row) => sessionLabel(row, atOnce) },
    { head: "made", cell: ({ clients }) => String(clients) },
    { head: "connections", cell: ({ connections }) => String(connections) },
    {
      head: "",
      left: true,
      dropOrder: 3,
      cell: ({ connections }) => bar(connections, most),
      terminalOnly: true,
    },
    { head: "pages", dropOrder: 1, cell: ({ pages }) => String(pages) },
    { head: "took", dropOrder: 2, cell: ({ wallMs }) => formatDuration(wallMs) },
  ];
}
