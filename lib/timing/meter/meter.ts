/** A meter: a small process of this library that reads what the system reports about other programs. */

import { MeasuringChild } from "../../children/measuring_child.ts";
import { counted } from "../../text/format.ts";
import type { Answer, Limits, MeterOrder, Question, Reading } from "./meter_main.ts";

/** How many cores other programs used on average, and how many there are. */
export interface Others {
  readonly used: number;
  readonly cores: number;
}

/** A process between two readings; times in milliseconds. */
export type Load = NonNullable<ReturnType<typeof loadBetween>>;

export interface Meter extends Limits {
  /** Reads the times of a process and of the machine; undefined if the system doesn't report them. */
  read(pid?: number, looks?: boolean): Promise<Reading | undefined>;
}

/** How long to wait for an answer, in milliseconds: on a busy machine the meter is slow, too. */
const LONGEST_ANSWER_MS = 10_000;

const NO_METER: Meter & AsyncDisposable = {
  read: () => Promise.resolve(undefined),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** Starts a meter. It alone has all permissions, which `/proc` needs, so it loads nothing of a job. */
export async function startMeter(signal?: AbortSignal): Promise<Meter & AsyncDisposable> {
  if (Deno.build.os !== "linux") return NO_METER;
  try {
    const child = new MeasuringChild<Answer>({
      entry: new URL("./meter_main.ts", import.meta.url),
      order: { root: Deno.pid } satisfies MeterOrder,
      flags: ["--allow-all"],
      signal,
    });
    const limits = await child.nextWithin(LONGEST_ANSWER_MS);
    if (limits?.type === "limits") return metering(child, limits);
    await child[Symbol.asyncDispose]();
  } catch {
    // If this program may not run Deno, or no more processes can start, it measures without a meter.
  }
  return NO_METER;
}

function metering(
  child: MeasuringChild<Answer>,
  limits: Answer & { readonly type: "limits" },
): Meter & AsyncDisposable {
  const ask = async (question: Question) => {
    await child.send(question);
    return await child.nextWithin(LONGEST_ANSWER_MS);
  };
  // Requests are sent one after the other, and no more once one has had no answer.
  let last: Promise<Answer | undefined> = Promise.resolve(limits);
  const read = async (pid?: number, looks?: boolean) => {
    last = last.then((known) => known && ask({ pid, looks }));
    const answer = await last;
    return answer?.type === "reading" ? answer.reading : undefined;
  };
  const { quota, memoryBytes } = limits;
  return { quota, memoryBytes, read, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Other threads count from this share of the running time on: less is garbage collection. */
const BESIDE = 0.15;

/** How much too high CPU time that is counted in ticks may be, in milliseconds. */
const TICKS_MS = 20;

/** A running time shorter than this says nothing about the machine, in milliseconds. */
const LEAST_RUN_MS = 0.2;

/** How many cores other programs used between two readings; undefined if one is missing. */
export function othersBetween(from: Reading | undefined, to: Reading | undefined) {
  if (from === undefined || to === undefined) return undefined;
  const elapsedMs = Math.max(1, to.atMs - from.atMs);
  const busyMs = to.cores.busyMs - from.cores.busyMs - (to.ownCpuMs - from.ownCpuMs);
  const cores = to.cores.cores;
  return { used: Math.min(cores, Math.max(0, busyMs / elapsedMs)), cores };
}

/** CPU time of a process and all that it started between two readings, in milliseconds, if known. */
export function cpuMsBetween(from: Reading | undefined, to: Reading | undefined) {
  const cpuMs = (of: Reading | undefined) =>
    of?.process && of.process.cpuMs + of.process.childrenCpuMs;
  const [a, b] = [cpuMs(from), cpuMs(to)];
  return a === undefined || b === undefined ? undefined : Math.max(0, b - a);
}

/** A process's load between two readings; undefined if one of them lacks the process. */
export function loadBetween(from: Reading, to: Reading) {
  const [a, b] = [from.process, to.process];
  if (a === undefined || b === undefined) return undefined;
  // Threads that ended in between are missing from the second reading, so a sum may have fallen.
  const increase = (x: number, y: number) => Math.max(0, y - x);
  const mainMs = increase(a.main.runMs, b.main.runMs);
  const allMs = increase(a.all.runMs, b.all.runMs);
  const beside = allMs - mainMs > BESIDE * allMs;
  const runMs = beside ? allMs : mainMs;
  const threads = beside ? "all" : "main";
  const queuedMs = increase(a[threads].queuedMs, b[threads].queuedMs);
  const childrenCpuMs = increase(a.childrenCpuMs, b.childrenCpuMs);
  return {
    /** The share of its time ready to run in which it had a core: 1 if it never queued for one. */
    available: runMs < LEAST_RUN_MS ? 1 : runMs / (runMs + queuedMs),
    /** The share of its CPU time used by threads whose queueing is counted here. */
    countedShare: runMs < LEAST_RUN_MS ? 1 : runMs / Math.max(runMs, allMs),
    queuedMs,
    /** CPU time of the processes that it started, directly or not, and the most memory that these used. */
    childrenCpuMs,
    ...(b.childrenBytes !== undefined && { childrenBytes: b.childrenBytes }),
    /** CPU time of these, and of threads that ended: the system doesn't report their queueing. */
    uncountedCpuMs: childrenCpuMs + increase(allMs + TICKS_MS, increase(a.cpuMs, b.cpuMs)),
    others: othersBetween(from, to)!,
  };
}

/** Other programs count from this share of the machine on: every idle system uses less. */
const BUSY_SHARE = 0.15;

/** Whether other programs are known to have used so much of the machine that figures of computing may be wrong. */
export function isBusy(others: Others | undefined): boolean {
  return others !== undefined && others.used >= BUSY_SHARE * others.cores;
}

/** Describes what other programs used, such as "Other programs used 1.4 of 2 cores meanwhile". */
export function othersWords({ used, cores }: Others): string {
  return `Other programs used ${used.toFixed(1)} of ${counted(cores, "core")} meanwhile`;
}
