/**
 * The findings of the experiments on switching in a language, as sentences, labels, bars and ticks, for
 * their own report and for the lesson.
 */

import type {
  ServedRow,
  SessionRow,
  SwitchFile,
  TickRow,
  TurnRow,
  WhoIsServed,
  WhoseSession,
  WhoseTurn,
} from "../../switching/switch_result.ts";
import { formatCount } from "../../text/format.ts";
import type { Html } from "../html/markup.ts";
import * as chart from "../html/svg.ts";
import type { Speaker } from "../speaker.ts";
import { middle } from "../../timing/statistics.ts";

/** Rows by the field that identifies them. */
function rowsBy<Row, Key extends keyof Row>(
  key: Key,
  rows: readonly Row[] = [],
): Partial<Record<Row[Key] & string, Row>> {
  return Object.fromEntries(rows.map((row) => [row[key], row])) as Partial<
    Record<Row[Key] & string, Row>
  >;
}

/** Labels of the rows of each experiment. */
export const LABELS = {
  tick: (speaker: Speaker, { where, awaits }: TickRow) =>
    speaker.say(where === "thread" ? "ticks.thread" : `ticks.${awaits}`),
  turn: (speaker: Speaker, { way }: TurnRow) => speaker.say(`races.bar.${way}`),
  session: (speaker: Speaker, { keeping }: SessionRow, { atOnce }: WhoseSession) =>
    speaker.say(`sessions.bar.${keeping}`, { atOnce }),
  served: (speaker: Speaker, { way }: ServedRow, { lanes }: WhoIsServed) =>
    speaker.say(`server.bar.${way}`, { lanes }),
};

export function mostLost({ lost }: Pick<TurnRow, "lost">): number {
  return Math.max(...lost);
}

function turnsBy({ rows = [], updates = 0 }: Partial<WhoseTurn> = {}) {
  return rowsBy(
    "way",
    rows.map(({ way, lost, updateNs }) => {
      const most = mostLost({ lost });
      return {
        ...{ way, updates, runs: lost.length, losing: lost.filter((some) => some > 0).length },
        ...{ mostLost: most, lostShare: most / updates, typicalNs: middle(updateNs) },
      };
    }),
  );
}

/** If less than this share of the due ticks came while a thread computed, the report says why. */
const TICKED_ON = 0.8;

type Measured = Pick<
  SwitchFile,
  "environment" | "whoLetsGo" | "whoseTurn" | "whoseSession" | "whoIsServed"
>;
type Sentences = (string | undefined)[];

/** The findings, a sentence each; undefined if a figure wasn't measured. */
export const SEEN = {
  besideThread(speaker, { whoLetsGo, environment }) {
    const { thread } = rowsBy("where", whoLetsGo?.rows);
    const isOdd = thread !== undefined && thread.came < TICKED_ON * thread.due;
    const why = environment.lanesAvailable === 1 ? "preemptive.shared" : "preemptive.odd";
    return [
      speaker.tell("preemptive.seen", { whoLetsGo, thread }),
      isOdd ? speaker.say(why) : undefined,
    ];
  },

  inLoop(speaker, { whoLetsGo }) {
    const inLoop = whoLetsGo?.rows.filter(({ where }) => where === "event loop");
    const { nothing: held, "what is ready": ready, "a timer": timer } = rowsBy("awaits", inLoop);
    return [
      speaker.tell("cooperative.held", { held }),
      speaker.tell("cooperative.ready", { ready }),
      speaker.tell("cooperative.timer", { timer, whoLetsGo }),
    ];
  },

  races(speaker, { whoseTurn }) {
    const { "threads, plain": plain, "threads, atomic": atomic } = turnsBy(whoseTurn);
    return [
      speaker.tell(plain && plain.losing > 0 ? "races.lost" : "races.lucky", { plain }),
      speaker.tell("races.atomic", { plain, atomic }),
    ];
  },

  racesInLoop(speaker, { whoseTurn }) {
    const { "loop, split": split, "loop, whole": whole } = turnsBy(whoseTurn);
    return [speaker.tell("cooperative.race", { split, whole })];
  },

  sessions(speaker, { whoseSession }) {
    if (whoseSession === undefined) return [];
    const { rows, atOnce, asked, refusal } = whoseSession;
    const keeping = rowsBy("keeping", rows);
    const [threads, loop] = [keeping["a client each thread"], keeping["one client for all"]];
    return [
      speaker.tell("sessions.seen", { atOnce, threads, loop }),
      speaker.tell("sessions.each", { each: keeping["a client each request"] }),
      refusal === "" ? undefined : speaker.say("sessions.refusal", { refusal }),
      ...rows.filter(({ pages }) => pages < asked).map((row) => {
        const how = LABELS.session(speaker, row, whoseSession);
        return speaker.say("sessions.missing", { ...row, asked, how });
      }),
    ];
  },

  server(speaker, { whoIsServed }) {
    if (whoIsServed === undefined) return [];
    const { rows, clients, lanes, waitMs, sumBelow } = whoIsServed;
    const way = rowsBy("way", rows);
    const [computing, threads] = [way["computes, event loop"], way["computes, threads"]];
    return [
      speaker.tell("server.waits", {
        ...{ clients, waitMs, single: way["waits, one at a time"] },
        waiting: way["waits, event loop"],
      }),
      speaker.tell("server.computes", { computing, sumBelow }),
      speaker.against("server.threads", threads?.lastMs, computing?.lastMs, { threads, lanes }),
      ...rows.filter(({ answered }) => answered < clients).map((row) => {
        const how = LABELS.served(speaker, row, whoIsServed);
        return speaker.say("server.missing", { ...row, clients, how });
      }),
    ];
  },
} satisfies Readonly<Record<string, (speaker: Speaker, file: Measured) => Sentences>>;

export function turnBars(speaker: Speaker, { rows }: WhoseTurn): chart.Bar[] {
  return rows.map((row) => {
    const value = mostLost(row);
    const name = LABELS.turn(speaker, row);
    return { name, value, words: formatCount(value), colour: "var(--bad)" };
  });
}

const colourOf = (inThreads: boolean) => chart.modelColour(inThreads ? "workers" : "concurrent");

export function sessionBars(speaker: Speaker, of: WhoseSession): chart.Bar[] {
  return of.rows.map((row) => ({
    name: LABELS.session(speaker, row, of),
    value: row.connections,
    words: formatCount(row.connections),
    colour: colourOf(row.keeping === "a client each thread"),
  }));
}

export function servedBars(speaker: Speaker, of: WhoIsServed): chart.Bar[] {
  return of.rows.map((row) => ({
    name: LABELS.served(speaker, row, of),
    value: row.lastMs,
    words: speaker.duration(row.lastMs),
    colour: colourOf(row.way === "computes, threads"),
  }));
}

/** Draws each tick as a dot, and the time in which the task computed as a bar behind. */
export function drawTicks(
  { rows, watchedMs }: { readonly rows: readonly TickRow[]; readonly watchedMs: number },
  { title, width, speaker }: { title: string; width: number; speaker: Speaker },
): Html {
  const height = 54;
  const x = chart.scale([0, watchedMs], [10, width - 14]);
  const bottom = 20 + rows.length * height;
  const named = rows.map((row, i) => ({
    ...{ row, name: LABELS.tick(speaker, row), came: speaker.say("ticks.came", row) },
    ...{ top: 20 + i * height },
    colour: colourOf(row.where === "thread"),
  }));
  return chart.svg(width, bottom + 42, {
    title,
    description: named.map(({ name, came }) => `${name}: ${came}`).join("; "),
  }, [
    chart.axis(x, bottom, chart.linearTicks(watchedMs, chart.isWide(width) ? 8 : 4), String),
    chart.text(`${speaker.say("ticks.axis")} →`, width - 14, bottom + 34, { textAnchor: "end" }),
    named.map(({ row: { computing, ticks }, name, came, colour, top }) => [
      chart.text(name, x(0), top + 15),
      chart.marks("computing", [computing], ({ fromMs, toMs }) => {
        const look = { fill: "var(--line)", title: `${name}: ${came}` };
        return chart.rect(x(fromMs), top + 25, x(toMs), top + 46, look);
      }),
      chart.marks("tick", ticks, ({ atMs, dueMs }) => {
        const title = speaker.say("ticks.tick", { atMs, lateMs: Math.max(0, atMs - dueMs) });
        return chart.dot(x(atMs), top + 35.5, 2.2, { fill: colour, title });
      }),
    ]),
  ]);
}
