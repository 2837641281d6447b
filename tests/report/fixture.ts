/** Made-up result files for the tests of reports. */

import type { Comparison, ModelResult, ResultFile, Timeline } from "../../lib/timing/result.ts";

/** The figures of a made-up model. */
export interface FixtureModel {
  readonly model: string;
  readonly lanes: number;
  readonly slots: number | null;
  /** How many slots are really used on each lane. */
  readonly used: number;
  readonly startMs: number;
  readonly taskMs: number;
  readonly cpuShare: number | null;
  readonly peakRssBytes: number;
}

/** A timeline in which every task takes `taskMs`, and slightly more with its index. */
export function timelineOf(model: FixtureModel, items: number): Timeline {
  const slots = model.lanes * model.used;
  const timeline: Timeline = {
    round: 0,
    lanes: Array.from({ length: model.lanes }, (_, lane) => ({
      lane,
      startMs: Math.max(0, model.startMs - lane * model.startMs / 10),
      cpuShare: model.cpuShare,
    })),
    index: [],
    lane: [],
    queuedMs: [],
    startedMs: [],
    endedMs: [],
    status: [],
  };
  const freeAtMs = new Array<number>(slots).fill(0);
  for (let index = 0; index < items; index++) {
    const slot = freeAtMs.indexOf(Math.min(...freeAtMs));
    const startedMs = freeAtMs[slot]!;
    const endedMs = startedMs + model.taskMs * (1 + (index % 5) / 20);
    freeAtMs[slot] = endedMs;
    timeline.index.push(index);
    timeline.lane.push(slot % model.lanes);
    timeline.queuedMs.push(Math.max(0, startedMs - model.taskMs));
    timeline.startedMs.push(startedMs);
    timeline.endedMs.push(endedMs);
    timeline.status.push("fulfilled");
  }
  return timeline;
}

/** A model's result over three rounds, each a little slower than the one before. */
export function modelOf(model: FixtureModel, items: number, baseMs: number): ModelResult {
  const timeline = timelineOf(model, items);
  const runMs = Math.max(...timeline.endedMs);
  const wallMs = runMs + model.startMs;
  const rounds = [0, 1, 2].map((round) => ({
    round,
    startMs: model.startMs,
    runMs: runMs * (1 + round / 100),
    wallMs: model.startMs + runMs * (1 + round / 100),
    cpuMs: runMs * (model.cpuShare ?? 1) * model.lanes + model.startMs,
    peakRssBytes: model.peakRssBytes,
    succeeded: items,
    failed: 0,
    checksum: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  }));
  return {
    model: model.model,
    lanes: model.lanes,
    slots: model.slots,
    rounds,
    wallMs: { median: wallMs * 1.01, low: wallMs, high: wallMs * 1.02 },
    speedup: {
      median: baseMs / wallMs,
      low: baseMs / wallMs * 0.97,
      high: baseMs / wallMs * 1.04,
    },
    timeline,
  };
}

const IO: readonly FixtureModel[] = [
  ["sequential", 1, 1, 1, 0.2, 0.06, 62e6],
  ["concurrent", 1, null, 160, 0.2, 0.9, 81e6],
  ["limited", 1, 5, 5, 0.2, 0.3, 64e6],
  ["workers", 5, 1, 1, 48, 0.08, 118e6],
  ["processes", 2, 1, 1, 61, 0.08, 176e6],
].map(fromRow(21));

const CPU: readonly FixtureModel[] = [
  ["sequential", 1, 1, 1, 0.1, 1, 58e6],
  ["concurrent", 1, null, 1, 0.1, 1, 58e6],
  ["limited", 1, 5, 1, 0.1, 1, 58e6],
  ["workers", 2, 1, 1, 30, 0.99, 82e6],
  ["processes", 2, 1, 1, 55, 0.99, 160e6],
].map(fromRow(100));

function fromRow(taskMs: number) {
  return (row: (string | number | null)[]): FixtureModel => {
    const [model, lanes, slots, used, startMs, cpuShare, peakRssBytes] = row as [
      string,
      number,
      number | null,
      number,
      number,
      number,
      number,
    ];
    return { model, lanes, slots, used, startMs, taskMs, cpuShare, peakRssBytes };
  };
}

function comparisonOf(models: readonly FixtureModel[], items: number): ModelResult[] {
  const first = models[0]!;
  const baseMs = Math.max(...timelineOf(first, items).endedMs) + first.startMs;
  return models.map((model) => modelOf(model, items, baseMs));
}

/** Downloads, which wait, so concurrency pays. */
export function ioComparison(): Comparison {
  return {
    job: { name: "download 160 pages", task: "download", items: 160, options: { latencyMs: 20 } },
    ceiling: null,
    models: comparisonOf(IO, 160),
    agree: true,
    warnings: [],
    verdict: {
      bound: "io",
      cpuShare: 0.06,
      recommended: "concurrent",
      confidence: 0.98,
      reason: "The tasks wait: the CPU was busy 6% of the sequential run. Concurrency pays: " +
        "concurrent took 25.7 ms instead of 3.73 s, 146 times as fast (141 to 151).",
    },
  };
}

/** Sums, which compute, so parallelism pays. */
export function cpuComparison(): Comparison {
  return {
    job: { name: "20 sums of squares", task: "sum-squares", items: 20, options: { start: 5e6 } },
    ceiling: { speedup: 1.96, lanes: 2 },
    models: comparisonOf(CPU, 20),
    agree: true,
    warnings: ["The machine was busy with other work (load 3.1 on 2 CPUs)."],
    verdict: {
      bound: "cpu",
      cpuShare: 1,
      recommended: "workers",
      confidence: 0.72,
      reason: "the tasks compute: the CPU was busy 100% of the sequential run. Parallelism pays: " +
        "workers took 1.15 s instead of 2.22 s, 1.9 times as fast (1.9 to 2.0)",
    },
  };
}

/** A whole result file. */
export function resultOf(...comparisons: Comparison[]): ResultFile {
  return {
    schemaVersion: 1,
    environment: {
      deno: "2.9.6",
      v8: "14.9",
      os: "linux",
      arch: "x86_64",
      cpus: 2,
      lanesAvailable: 2,
      startedAt: "2026-01-02T03:04:05.678Z",
      seed: 42,
      loadAverage: [0.42, 0.4, 0.3],
    },
    comparisons,
  };
}

/** Text that breaks reports which don't escape it. */
export const HOSTILE = [
  "</script><script>alert(1)</script>",
  "a|b|c",
  "two\nlines\r\nor three",
  "=cmd|' /C calc'!A0",
  "@SUM(1)",
  "NaN",
  "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \x00",
  "`code` **bold** [link](https://example.org) @someone #1",
  "‮gnirts",
  "日本語のページ",
] as const;

/** A result in which every text is hostile, with tasks that failed. */
export function hostileResult(): ResultFile {
  const comparison = ioComparison();
  const models = comparison.models.slice(0, 2).map((model, at): ModelResult => ({
    ...model,
    model: HOSTILE[at]!,
    rounds: model.rounds.map((round) => ({
      ...round,
      succeeded: 157,
      failed: 3,
      checksum: HOSTILE[4],
      reasons: { [HOSTILE[3]]: 2, [HOSTILE[6]]: 1 },
    })),
    timeline: {
      ...model.timeline!,
      status: model.timeline!.status.map((_, index) => (index < 3 ? HOSTILE[index]! : "fulfilled")),
    },
  }));
  return {
    ...resultOf({
      ...comparison,
      job: { ...comparison.job, name: HOSTILE.join(" "), task: HOSTILE[3] },
      models,
      warnings: [...HOSTILE],
      verdict: { ...comparison.verdict!, recommended: HOSTILE[0], reason: HOSTILE[7] },
    }),
    partial: true,
  };
}
