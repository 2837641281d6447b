/** Made-up measurements, for tests of the conclusions drawn from them. */

import { type Candidate, SEQUENTIAL } from "../../lib/advice/prediction/candidate.ts";
import type { Machine } from "../../lib/advice/prediction/machine.ts";
import type { Probed } from "../../lib/advice/probe/probe.ts";
import { type Sample, sampleOf } from "../../lib/advice/probe/sample.ts";
import type { Race, Runner } from "../../lib/advice/race/runner.ts";
import type { FailureKind } from "../../lib/timing/failures.ts";
import type { Round } from "../../lib/timing/result.ts";

/** A machine with two cores. */
export const MACHINE: Machine = {
  cores: 2,
  ceiling: 1.9,
  startMs: { eventLoop: 1, workers: 20, processes: 40 },
};

/** The probe of tasks that compute and wait. */
export function probedOf(
  {
    items = 100,
    computeMs = 0,
    waitMs = 0,
    total = items,
    available = 1,
    sourceMs = 0,
    blocks = false,
    transfer = {},
    refused,
    onLoop = 1,
    taskBytes = 0,
    leftBytes = 0,
    cutOff,
    laneMs,
    loadMs,
    itemsAre = "iterable",
    programMs = 0,
    othersUse,
    isVoid = false,
    leftMs = 0,
    onlyEvery = 1,
    hooks = [],
  }: {
    items?: number;
    computeMs?: number;
    waitMs?: number;
    total?: number | null;
    available?: number;
    sourceMs?: number;
    /** Whether the waiting blocks the event loop. */
    blocks?: boolean;
    transfer?: Partial<NonNullable<Probed["done"]>["transfer"]>;
    /** The memory that the first task holds, in bytes. */
    taskBytes?: number;
    /** What all tasks together leave behind. */
    leftBytes?: number;
    /** The share of the computing that is done on the event loop, 0 to 1. */
    onLoop?: number;
    /** CPU time in milliseconds of the program that each task runs and waits for. */
    programMs?: number;
    /** How many of the two cores others used, as counted by the system. */
    othersUse?: number;
    /** Whether the tasks return nothing. */
    isVoid?: boolean;
    /** The CPU time after all tasks have settled, in milliseconds. */
    leftMs?: number;
    /** Only every `onlyEvery`-th item takes any time. */
    onlyEvery?: number;
    hooks?: Probed["exports"]["hooks"];
    /** How long each lane takes to be set up, in milliseconds. */
    laneMs?: number;
    /** How long the module takes to load, in milliseconds. */
    loadMs?: number;
    itemsAre?: Probed["exports"]["items"];
    /** Why the sample was cut off. */
    cutOff?: string;
    /** How many items a server refused when they ran one by one, and with which status. */
    refused?: { count: number; status: number; pacePerSecond?: number };
  },
): Probed {
  // Times vary a little, in the same way in every run.
  const wobble = (place: number) =>
    place % onlyEvery === 0 ? 1 + 0.04 * Math.sin(place * 12.9898) : 1e-3;
  return {
    exports: { items: itemsAre, task: "function", hooks, hasKernel: false, functions: [] },
    stretches: Array.from({ length: items }, (_, place) => ({
      count: 1,
      wallMs: (computeMs / available + waitMs) * wobble(place),
      cpuMs: computeMs * wobble(place),
      sourceMs,
      syncMs: (computeMs / available + (blocks ? waitMs : 0)) * wobble(place),
      syncCpuMs: computeMs * onLoop * wobble(place),
    })),
    failures: refused === undefined ? [] : [{
      index: 3,
      reason: `HTTP ${refused.status}`,
      name: "Error",
      message: "refused",
      causes: [],
      status: refused.status,
    }],
    done: cutOff !== undefined ? undefined : {
      type: "done",
      items,
      failed: refused?.count ?? 0,
      ...(refused && {
        refused: { count: refused.count, pacePerSecond: refused.pacePerSecond ?? null },
      }),
      total,
      transfer: { itemBytes: 8, resultBytes: 8, cloneMs: 0.002, ...transfer },
      threadCpuMs: items * computeMs * onLoop,
      available,
      rssBeforeBytes: 50e6,
      rssFirstBytes: 50e6 + taskBytes,
      rssAfterBytes: 60e6 + taskBytes + leftBytes,
      kept: items,
      isVoid,
      leftMs,
    },
    cutOff,
    ...(cutOff !== undefined && total !== null && { total }),
    ...(laneMs !== undefined && { laneMs }),
    ...(loadMs !== undefined && { loadMs }),
    ...(othersUse !== undefined && {
      load: {
        available,
        queuedMs: 0,
        childrenCpuMs: items * programMs,
        countedShare: 1,
        uncountedCpuMs: items * programMs,
        others: { used: othersUse, cores: 2 },
      },
    }),
  };
}

/** The sample of such a probe. */
export function sampleFor(of: Parameters<typeof probedOf>[0]): Sample {
  return sampleOf(probedOf(of));
}

/** A round that took `runMs` milliseconds. */
export function roundOf(
  {
    round = 0,
    runMs,
    startMs = 0,
    wallMs = startMs + runMs,
    failed = 0,
    succeeded = 10,
    checksum = "same",
    reasons,
    peakRssBytes = 80e6,
    runCpuMs,
  }:
    & Partial<Round>
    & { runMs: number },
): Round {
  const times = { startMs, runMs, wallMs, cpuMs: runMs, peakRssBytes };
  const more = { ...(reasons && { reasons }), ...(runCpuMs !== undefined && { runCpuMs }) };
  return { round, ...times, succeeded, failed, checksum, ...more };
}

/** `limited` with a number of slots. */
export const limited = (slots: number): Candidate => ({ model: "limited", lanes: 1, slots });

/** `workers` with a thread for each of two cores. */
export const WORKERS: Candidate = { model: "workers", lanes: 2, slots: 1 };

/** The result of a model in one round of 100 items, some of which may have failed. */
export function runner(
  candidate: Candidate,
  kind?: Partial<FailureKind> & { count: number },
): Runner {
  const failed = kind?.count ?? 0;
  const reason = kind?.reason ?? (kind?.status === undefined ? "Error" : `HTTP ${kind.status}`);
  const reasons = { ...(failed > 0 && { reasons: { [reason]: failed } }) };
  return {
    candidate,
    items: 100,
    rounds: [roundOf({ runMs: 10, failed, succeeded: 100 - failed, ...reasons })],
    ...(failed > 0 && {
      out: "failures" as const,
      failures: [{ reason, index: 3, message: "", ...kind! }],
    }),
  };
}

/** A race of the plain loop alone. */
export function raceOf(runMs: number[], runCpuMs?: number, otherResults = false): Race {
  const rounds = runMs.map((ms, round) => roundOf({ round, runMs: ms, runCpuMs }));
  return {
    runners: [{ candidate: SEQUENTIAL, items: 100, rounds }],
    costMs: 1,
    trials: 3,
    partial: false,
    unrepeatable: false,
    otherResults,
    untried: 0,
  };
}
