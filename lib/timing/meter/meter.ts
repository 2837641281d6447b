/** A meter: a small process of ours that tells what the system knows of others. */

import { MeasuringChild } from "../../children/measuring_child.ts";
import { counted } from "../../text/format.ts";

/** What `/proc/PID/task/TID/schedstat` says of a thread, in milliseconds. */
export interface ThreadTimes {
  readonly runMs: number;
  /** How long it could have run, but another had its core. */
  readonly queuedMs: number;
}

/** What `/proc/stat` says of the machine. */
export interface CoreTimes {
  readonly cores: number;
  /** How long they were busy altogether, with programs, the kernel, and other machines' work. */
  readonly busyMs: number;
}

export interface ProcessReading {
  /** Its main thread, on which the event loop runs. */
  readonly main: ThreadTimes;
  readonly all: ThreadTimes;
  /** CPU time of its threads, those that ended too. */
  readonly cpuMs: number;
  /** CPU time of all that it started, and of what these started, whether it ended or not. */
  readonly childrenCpuMs: number;
  /** The most memory that these held together since it was first asked for; undefined unless it was. */
  readonly childrenBytes?: number | undefined;
}

/** One reading; times in milliseconds. */
export interface Reading {
  readonly atMs: number;
  readonly cores: CoreTimes;
  /** CPU time of the measuring program and of all that it started. */
  readonly ownCpuMs: number;
  /** The process that was asked for; undefined if none was, or it is gone. */
  readonly process?: ProcessReading | undefined;
}

/** How many cores others used meanwhile, on average, and how many there are. */
export interface Others {
  readonly used: number;
  readonly cores: number;
}

/** What a process did between two readings; times in milliseconds. */
export interface Load {
  /** The share of its time off other waits in which it had a core: 1 if it never queued for one. */
  readonly available: number;
  /** The share of its CPU time that threads ran whose queueing that tells. */
  readonly countedShare: number;
  readonly queuedMs: number;
  /** CPU time of what it started, and of what that started. */
  readonly childrenCpuMs: number;
  /** The most memory that these held together, seen from time to time. */
  readonly childrenBytes?: number | undefined;
  /** CPU time of these, and of threads that ended, whose queueing the system doesn't tell. */
  readonly uncountedCpuMs: number;
  readonly others: Others;
}

/** What a meter is told first: the measuring program, whose own CPU time isn't others'. */
export interface MeterOrder {
  readonly root: number;
}

/** What it is asked: what a process did, or only what the machine did. */
export interface Question {
  readonly pid?: number | undefined;
  /** Whether to look at the memory of what it starts, until it ends. */
  readonly looks?: boolean | undefined;
}

/** What it answers; undefined where this system doesn't tell. */
export type Answer =
  | { readonly type: "limits" } & Limits
  | { readonly type: "reading"; readonly reading: Reading | undefined };

/** What this program may use at most; undefined for all, or where that can't be told. */
export interface Limits {
  /** In CPUs. */
  readonly quota?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

export interface Meter extends Limits {
  /** Reads what a process did, and what the machine did; undefined where the system doesn't tell. */
  read(pid?: number, looks?: boolean): Promise<Reading | undefined>;
}

/** It is needed most where other programs keep it waiting, too. */
const LONGEST_ANSWER_MS = 10_000;

const NO_METER: Meter & AsyncDisposable = {
  read: () => Promise.resolve(undefined),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** It alone has all permissions, which `/proc` needs, and so loads nothing of a job's. */
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
    // This program may not run Deno, or the system has no process left: it measures without a meter.
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
  // One question after the other, until one has no answer.
  let last: Promise<Answer | undefined> = Promise.resolve(limits);
  const read = async (pid?: number, looks?: boolean) => {
    last = last.then((known) => known && ask({ pid, looks }));
    const answer = await last;
    return answer?.type === "reading" ? answer.reading : undefined;
  };
  const { quota, memoryBytes } = limits;
  return { quota, memoryBytes, read, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Threads beside the main one count from this share of the running on: less is collecting garbage. */
const BESIDE = 0.15;

/** What the system counts in ticks, as it does a process's CPU time, may be too much by so many milliseconds. */
const TICKS_MS = 20;

/** Shorter running than this says nothing of a machine, in milliseconds. */
const LEAST_RUN_MS = 0.2;

/** What others did between two readings; undefined if one is missing. */
export function othersBetween(from: Reading | undefined, to: Reading | undefined) {
  if (from === undefined || to === undefined) return undefined;
  const elapsedMs = Math.max(1, to.atMs - from.atMs);
  const busyMs = to.cores.busyMs - from.cores.busyMs - (to.ownCpuMs - from.ownCpuMs);
  const cores = to.cores.cores;
  return { used: Math.min(cores, Math.max(0, busyMs / elapsedMs)), cores };
}

/** CPU time of a process and of all that it started between two readings; undefined if it isn't known. */
export function cpuMsBetween(from: Reading | undefined, to: Reading | undefined) {
  const cpuMs = (of: Reading | undefined) =>
    of?.process && of.process.cpuMs + of.process.childrenCpuMs;
  const [a, b] = [cpuMs(from), cpuMs(to)];
  return a === undefined || b === undefined ? undefined : Math.max(0, b - a);
}

/** What a process did between two readings; undefined if one of them doesn't know the process. */
export function loadBetween(from: Reading, to: Reading): Load | undefined {
  const [a, b] = [from.process, to.process];
  if (a === undefined || b === undefined) return undefined;
  // The second reading lacks threads that ended in between, so that a sum may have fallen.
  const increase = (x: number, y: number) => Math.max(0, y - x);
  const mainMs = increase(a.main.runMs, b.main.runMs);
  const allMs = increase(a.all.runMs, b.all.runMs);
  const beside = allMs - mainMs > BESIDE * allMs;
  const runMs = beside ? allMs : mainMs;
  const threads = beside ? "all" : "main";
  const queuedMs = increase(a[threads].queuedMs, b[threads].queuedMs);
  const childrenCpuMs = increase(a.childrenCpuMs, b.childrenCpuMs);
  return {
    available: runMs < LEAST_RUN_MS ? 1 : runMs / (runMs + queuedMs),
    countedShare: runMs < LEAST_RUN_MS ? 1 : runMs / Math.max(runMs, allMs),
    queuedMs,
    childrenCpuMs,
    childrenBytes: b.childrenBytes,
    uncountedCpuMs: childrenCpuMs + increase(allMs + TICKS_MS, increase(a.cpuMs, b.cpuMs)),
    others: othersBetween(from, to)!,
  };
}

/** Others count once they use this share of the machine: less is what any system does by itself. */
const BUSY_SHARE = 0.15;

/** Whether others used so much of the machine that figures of computing may not hold. */
export function isBusy({ used, cores }: Others): boolean {
  return used >= BUSY_SHARE * cores;
}

/** Says what others used, such as "Other programs used 1.4 of 2 cores meanwhile". */
export function othersWords({ used, cores }: Others): string {
  return `Other programs used ${used.toFixed(1)} of ${counted(cores, "core")} meanwhile`;
}
