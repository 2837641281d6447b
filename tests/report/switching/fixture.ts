import type { SwitchFile, TickRow } from "../../../lib/switching/switch_result.ts";
import { tickFigures } from "../../../lib/switching/who_lets_go.ts";
import { MACHINE } from "../../environment.ts";

const COMPUTING = { fromMs: 100, toMs: 600 };

function row(
  way: Pick<TickRow, "where" | "awaits">,
  heldUntil: (dueMs: number) => number,
): TickRow {
  const ticks = Array.from({ length: 70 }, (_, at) => at * 10 + 10).map((dueMs) => ({
    dueMs,
    atMs: dueMs > 100 && dueMs < 600 ? heldUntil(dueMs) : dueMs,
  })).filter(({ atMs }, at, all) => at === 0 || all[at - 1]!.atMs < atMs);
  return { ...way, computing: COMPUTING, ticks, ...tickFigures(ticks, COMPUTING, 10) };
}

/** A file of all experiments, with the figures of an idle machine. */
export function switchFile(): Required<SwitchFile> {
  return {
    schemaVersion: 1,
    kind: "switch",
    environment: MACHINE,
    whoLetsGo: {
      periodMs: 10,
      sliceMs: 25,
      watchedMs: 700,
      rows: [
        row({ where: "event loop", awaits: "nothing" }, () => 600),
        row({ where: "event loop", awaits: "what is ready" }, () => 600),
        row({ where: "event loop", awaits: "a timer" }, (ms) => Math.ceil(ms / 25) * 25),
        row({ where: "thread", awaits: "nothing" }, (ms) => ms),
      ],
    },
    whoseTurn: {
      counters: 2,
      updates: 1_000_000,
      rows: [
        { way: "threads, plain", lost: [480_000, 0, 499_000], updateNs: [1, 1, 2] },
        { way: "threads, atomic", lost: [0, 0, 0], updateNs: [40, 50, 60] },
        { way: "loop, split", lost: [500_000, 500_000, 500_000], updateNs: [30, 30, 30] },
        { way: "loop, whole", lost: [0, 0, 0], updateNs: [30, 30, 30] },
      ],
    },
    whoseSession: {
      atOnce: 5,
      asked: 40,
      refusal: "Cannot send item 0: it is a <b>HttpClient</b>",
      rows: [
        {
          ...{ keeping: "a client each request", clients: 40, connections: 40 },
          ...{ pages: 40, wallMs: 120 },
        },
        {
          ...{ keeping: "a client each thread", clients: 5, connections: 5 },
          ...{ pages: 40, wallMs: 200 },
        },
        {
          ...{ keeping: "one client for all", clients: 1, connections: 5 },
          ...{ pages: 40, wallMs: 110 },
        },
      ],
    },
    whoIsServed: {
      ...{ clients: 20, waitMs: 20, sumBelow: 5_000_000, lanes: 2 },
      rows: [
        { way: "waits, one at a time", answered: 20, typicalMs: 210, lastMs: 420 },
        { way: "waits, event loop", answered: 20, typicalMs: 22, lastMs: 24 },
        { way: "computes, event loop", answered: 20, typicalMs: 100, lastMs: 200 },
        { way: "computes, threads", answered: 20, typicalMs: 52, lastMs: 100 },
      ],
    },
  };
}
