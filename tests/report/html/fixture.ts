/** Result files like the suite's, made from a seed instead of measurements. */

import { BinaryHeap } from "@std/data-structures/binary-heap";
import type {
  Comparison,
  Interval,
  ModelResult,
  ResultFile,
  Round,
  Timeline,
} from "../../../lib/timing/result.ts";

/** The settings of a simulated model. */
interface Simulated {
  readonly model: string;
  readonly lanes: number;
  readonly slots: number | null;
  readonly startMs: number;
}

/** Numbers between 0 and 1 from a seed: mulberry32. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Deals tasks to slots as the dispatcher does, some pulled ahead of the slots. */
function timelineOf(
  { model, lanes, slots }: Simulated,
  takesMs: readonly number[],
  computing: number,
  failures: ReadonlySet<number>,
): Timeline {
  const perLane = slots ?? takesMs.length;
  const free = new BinaryHeap<{ atMs: number; lane: number; at: number }>((a, b) =>
    a.atMs - b.atMs || a.at - b.at
  );
  const all = lanes * Math.min(perLane, takesMs.length);
  for (let at = 0; at < all; at++) free.push({ atMs: 0, lane: at % lanes, at });
  const ahead = all + Math.max(2, lanes * 2);
  const columns: Timeline = {
    round: 1,
    lanes: [],
    index: [],
    lane: [],
    queuedMs: [],
    startedMs: [],
    endedMs: [],
    status: [],
  };
  const starts: number[] = [];
  const stagger = model === "concurrent" ? 0.12 : 0.02;
  takesMs.forEach((takes, index) => {
    const slot = free.pop()!;
    const startedMs = slot.atMs + stagger * (index < all ? index : 1);
    starts.push(startedMs);
    const queuedMs = index < ahead ? 0 : starts[index - ahead + all]!;
    const failed = failures.has(index);
    const endedMs = startedMs + (failed ? takes * 0.6 : takes);
    columns.index.push(index);
    columns.lane.push(slot.lane);
    columns.queuedMs.push(Math.min(queuedMs, startedMs));
    columns.startedMs.push(startedMs);
    columns.endedMs.push(endedMs);
    columns.status.push(failed ? "failed" : "fulfilled");
    free.push({ ...slot, atMs: endedMs });
  });
  const endMs = Math.max(...columns.endedMs.slice(-1), 1);
  for (let lane = 0; lane < lanes; lane++) {
    const mine = takesMs.filter((_, i) => columns.lane[i] === lane);
    const cpuMs = mine.length * computing;
    columns.lanes.push({ lane, startMs: 1, cpuShare: Math.min(1, cpuMs / endMs) });
  }
  return columns;
}

function intervalOf(values: readonly number[]): Interval {
  const ordered = values.toSorted((a, b) => a - b);
  return { low: ordered[0]!, median: ordered[ordered.length >> 1]!, high: ordered.at(-1)! };
}

/** The settings of a simulated comparison. */
export interface Simulation {
  readonly name: string;
  readonly kind: "io" | "cpu";
  readonly tasks: number;
  /** How long a task takes alone, in milliseconds. */
  readonly takesMs: number;
  readonly rounds?: number;
  readonly seed?: number;
  readonly failures?: number;
}

/** A comparison of five models on a machine with two processors. */
export function simulate(simulation: Simulation): Comparison {
  const { name, kind, tasks, takesMs, rounds = 5, seed = 1, failures = 0 } = simulation;
  const random = chance(seed);
  const io = kind === "io";
  const wide = io ? 5 : 2;
  const models: Simulated[] = [
    { model: "sequential", lanes: 1, slots: 1, startMs: 0.3 },
    { model: "concurrent", lanes: 1, slots: null, startMs: 0.3 },
    { model: "limited", lanes: 1, slots: 5, startMs: 0.4 },
    { model: "workers", lanes: wide, slots: 1, startMs: 18 + wide * 3 },
    { model: "processes", lanes: 2, slots: io ? 3 : 1, startMs: 41 },
  ];
  const computing = io ? 0.35 : takesMs;
  const failed = new Set(Array.from({ length: failures }, () => Math.floor(random() * tasks)));
  let baseline: Round[] = [];
  const results = models.map((simulated): ModelResult => {
    const alone = io || simulated.lanes > 1;
    const takes = Array.from({ length: tasks }, () => {
      const jitter = takesMs * (io ? 0.25 : 0.06) * (random() + random() ** 6 * 3);
      // On one lane only one task computes at a time, so the tasks of `limited` take turns.
      return takesMs + jitter;
    });
    const timeline = timelineOf(
      alone ? simulated : { ...simulated, slots: 1 },
      takes,
      computing,
      failed,
    );
    const endMs = Math.max(...timeline.endedMs.slice(-5000));
    const measured = Array.from({ length: rounds }, (_, round): Round => {
      const runMs = endMs * (1 + random() * 0.05);
      const startMs = simulated.startMs * (1 + random() * 0.2);
      return {
        round,
        startMs,
        runMs,
        wallMs: startMs + runMs,
        cpuMs: tasks * computing * (1 + random() * 0.05) + simulated.startMs * 0.8,
        peakRssBytes: (58 + (simulated.model === "workers" ? 8 * wide : 0) +
          (simulated.model === "processes" ? 92 : 0) + random() * 3) * 1e6,
        succeeded: tasks - failed.size,
        failed: failed.size,
        checksum: "c0ffee",
        ...(failed.size > 0 ? { reasons: { "timed out": failed.size } } : {}),
      };
    });
    if (simulated.model === "sequential") baseline = measured;
    return {
      model: simulated.model,
      lanes: simulated.lanes,
      slots: simulated.slots,
      rounds: measured,
      wallMs: intervalOf(measured.map(({ wallMs }) => wallMs)),
      speedup: intervalOf(measured.map(({ wallMs }, i) => baseline[i]!.wallMs / wallMs)),
      timeline,
    };
  });
  const cpuMs = baseline[0]!.cpuMs, wallMs = baseline[0]!.wallMs;
  return {
    job: {
      name,
      task: `file:///lanes/lib/tasks/${io ? "download" : "sum_squares"}.ts#default`,
      items: tasks,
      options: io ? { latencyMs: 50, copies: 80 } : { start: 5_000_000, count: tasks },
    },
    ceiling: io ? null : { speedup: 1.96, lanes: 2 },
    models: results,
    agree: true,
    warnings: [],
    verdict: {
      bound: kind,
      cpuShare: Math.min(1, cpuMs / wallMs),
      recommended: io ? "concurrent" : "workers",
      confidence: 0.95,
      reason: io
        ? "Nearly all of a task's time is spent waiting for the site, so one lane with many slots is enough."
        : "Every task keeps its lane busy, so only more lanes help, up to what the processors give.",
    },
  };
}

/** Wraps comparisons into a result file. */
export function resultOf(...comparisons: readonly Comparison[]): ResultFile {
  return {
    schemaVersion: 1,
    environment: {
      deno: "2.9.6",
      v8: "14.3.127",
      os: "linux",
      arch: "x86_64",
      cpus: 2,
      lanesAvailable: 2,
      startedAt: "2026-03-14T09:26:53.589Z",
      seed: 20_260_314,
      loadAverage: [0.31, 0.22, 0.18],
      cpuModel: "Example 9000 at 2.60 GHz",
    },
    comparisons: [...comparisons],
  };
}

/** 160 downloads of 50 ms. */
export function ioResult(): ResultFile {
  return resultOf(simulate({ name: "download 160 pages", kind: "io", tasks: 160, takesMs: 50 }));
}

/** 20 sums, at a size where parallelism doesn't pay and at one where it does. */
export function cpuResult(): ResultFile {
  return resultOf(
    simulate({ name: "sum the squares below 5,000,000", kind: "cpu", tasks: 20, takesMs: 3.1 }),
    simulate({
      name: "sum the squares below 160,000,000",
      kind: "cpu",
      tasks: 20,
      takesMs: 99,
      seed: 2,
    }),
  );
}
