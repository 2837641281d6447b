/** What a meter reads, and what two readings come to. Plain data: it travels as lines of JSON. */

import { counted } from "../../text/format.ts";

/** What `/proc/PID/task/TID/schedstat` says of a thread, in milliseconds. */
export interface ThreadTimes {
  readonly runMs: number;
  /** How long it could have run, but another had its core. */
  readonly queuedMs: number;
}

/** How often a thread left its core: to wait for something, or because another was given it. */
export interface Switches {
  readonly voluntary: number;
  readonly involuntary: number;
}

/** What `/proc/stat` says of the machine. */
export interface CoreTimes {
  /** How many cores are online. */
  readonly cores: number;
  /** How long they were busy altogether, with programs, the kernel, and other machines' work. */
  readonly busyMs: number;
}

/** What a process did since it started. */
export interface ProcessReading {
  /** Its main thread, on which the event loop runs. */
  readonly main: ThreadTimes;
  /** All its threads that still live. */
  readonly all: ThreadTimes;
  /** CPU time of its threads, those that ended too. */
  readonly cpuMs: number;
  /** CPU time of its children that ended. */
  readonly childrenCpuMs: number;
  /** Of the main thread. */
  readonly switches: Switches;
}

/** One reading; times in milliseconds. */
export interface Reading {
  /** When, on the meter's own clock. */
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
  readonly queuedMs: number;
  /** CPU time of its children that ended meanwhile. */
  readonly childrenCpuMs: number;
  /** CPU time of these, and of threads that ended, whose queueing the system doesn't tell. */
  readonly uncountedCpuMs: number;
  readonly switches: Switches;
  readonly others: Others;
}

/** Threads beside the main one count from this share of the running on: less is collecting garbage. */
const BESIDE = 0.15;

/** What the system counts in ticks, as it does a process's CPU time, may be too much by so many milliseconds. */
const TICKS_MS = 20;

/** Shorter running than this says nothing of a machine, in milliseconds. */
const LEAST_RUN_MS = 0.2;

/** What others did between two readings; undefined if one is missing. */
export function othersBetween(
  from: Reading | undefined,
  to: Reading | undefined,
): Others | undefined {
  if (from === undefined || to === undefined) return undefined;
  const elapsedMs = Math.max(1, to.atMs - from.atMs);
  const busyMs = to.cores.busyMs - from.cores.busyMs - (to.ownCpuMs - from.ownCpuMs);
  const cores = to.cores.cores;
  return { used: Math.min(cores, Math.max(0, busyMs / elapsedMs)), cores };
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
    queuedMs,
    childrenCpuMs,
    uncountedCpuMs: childrenCpuMs + increase(allMs + TICKS_MS, increase(a.cpuMs, b.cpuMs)),
    switches: {
      voluntary: increase(a.switches.voluntary, b.switches.voluntary),
      involuntary: increase(a.switches.involuntary, b.switches.involuntary),
    },
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
