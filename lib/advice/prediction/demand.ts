/**
 * What a task takes of each resource when it runs under a model, from what it took one by one.
 *
 * @module
 */

import type { Candidate } from "./candidate.ts";
import type { Sample } from "../probe/sample.ts";

/** A message to a lane and back takes about this, in milliseconds; one of a subprocess. */
const ROUND_TRIP_MS = { workers: 0.06, processes: 0.12 };
/** Tasks shorter than this travel together (dispatch/chunk_sizer.ts). */
const CHUNK_MS = 4;
/** What the dispatcher itself takes for an item, in milliseconds. */
const DISPATCH_MS = 0.0006;
/** What a pipe carries, in bytes a millisecond. */
const PIPE_BYTES_MS = 500_000;
/** A wait shorter than this hardly puts a thread to sleep, in milliseconds. */
const SLEEP_MS = 0.5;
/** Waking explains at most this share of what a task computes. */
const MOST_WAKING = 0.9;

/** What a task takes, in milliseconds. */
export interface Demand {
  /** Computing on its lane's thread. */
  readonly loopMs: number;
  /** Waiting that holds up its lane's thread. */
  readonly blockedMs: number;
  /** Waiting that lets other tasks of its lane run. */
  readonly waitMs: number;
  /** Computing on all threads. */
  readonly allCpuMs: number;
  /** Work of the dispatcher, which is one for all lanes. */
  readonly dispatcherMs: number;
  /** What a lane's first tasks take longer, once: their code is cold. */
  readonly coldMs: number;
}

/**
 * What a task takes under a model.
 *
 * With many in flight a lane's thread hardly ever sleeps, so what waking it cost one by one is taken off
 * in proportion to how busy the lane is; what the first tasks of the sample took longer is counted
 * once a lane, however many items there are; and lanes beside this one are sent their items.
 */
export function demandOf(sample: Sample, { model }: Candidate, inFlight: number): Demand {
  const { wallMs, cpuMs, cpuShare, coldMs, items, wakeMs } = sample;
  // What others take of the CPU slows every task down, here as in the race.
  const kept = Math.max(1, cpuShare * wallMs / Math.max(cpuMs, 1e-9));
  const warm = (ms: number) => kept * Math.max(0.1 * ms, ms - coldMs / items);
  const aloneMs = Math.min(wallMs, warm(sample.loopMs));
  const blockedMs = Math.min(sample.blockedMs, wallMs - aloneMs);
  const waitMs = wallMs - aloneMs - blockedMs;
  const busy = (1 - 1 / inFlight) * Math.min(1, inFlight * aloneMs / wallMs);
  const wakingMs = busy * Math.min(1, waitMs / SLEEP_MS) *
    Math.min(MOST_WAKING * aloneMs, kept * wakeMs);
  const plain = {
    loopMs: aloneMs - wakingMs,
    blockedMs,
    waitMs,
    allCpuMs: Math.max(aloneMs, warm(cpuMs)) - wakingMs,
    dispatcherMs: DISPATCH_MS,
    coldMs: kept * coldMs,
  };
  if (model !== "workers" && model !== "processes") return plain;
  const bytes = sample.itemBytes + sample.resultBytes;
  const pipeMs = model === "processes" ? bytes / PIPE_BYTES_MS : 0;
  // Each value is written on one side and read on the other: half of a clone each.
  const sideMs = sample.cloneMs / 2 + pipeMs;
  const tripMs = ROUND_TRIP_MS[model] * Math.min(1, wallMs / CHUNK_MS);
  return {
    ...plain,
    loopMs: plain.loopMs + sideMs,
    waitMs: plain.waitMs + tripMs + sideMs,
    allCpuMs: plain.allCpuMs + 2 * sideMs,
    dispatcherMs: DISPATCH_MS + sideMs,
  };
}
