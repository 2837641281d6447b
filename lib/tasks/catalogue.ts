/** The tasks that `deno task cpu` offers, and how fast this machine does their work. */

import type { TaskContext, TaskFunction } from "../lanes/task.ts";
import { FIB_LIMIT, fibCalls } from "./fib.ts";
import { MANDELBROT_LIMIT } from "./mandelbrot.ts";
import { PRIMES_LIMIT } from "./primes.ts";
import { SHA256_LIMIT } from "./sha256.ts";
import { SUM_SQUARES_LIMIT } from "./sum_squares.ts";

/** The two numbers that items are made from: `--start` and `--count`. */
export interface Size {
  /** The size of the first item; each task says in `startMeans` what that is. */
  readonly start: number;
  readonly count: number;
}

export interface CpuTask {
  readonly name: string;
  readonly description: string;
  /** The URL of the task's module; the task is its default export. */
  readonly module: string;
  readonly hasKernel: boolean;
  /** The size in the article, or one with about as much work. */
  readonly defaults: Size;
  readonly startMeans: string;
  /** The greatest `start` + `count` − 1 for exact results, or the greatest `start`. */
  readonly limit: number;
  items(size: Size): unknown[];
  /** How much work a size is, in units of the task. */
  work(size: Size): number;
  /** The size with about this much work; without it, `start` grows in proportion to the work. */
  sizeOf?(work: number): Size;
}

const COUNT_LIMIT = 1_000_000;

/** A size out of range; scripts report it as a usage error. */
export class SizeError extends RangeError {
  override readonly name = "SizeError";

  /** `problem` and `remedy` are each half a sentence. */
  constructor(
    readonly part: "start" | "count",
    readonly value: number,
    readonly problem: string,
    readonly remedy: string,
  ) {
    super(`${part} ${value}: ${problem}; ${remedy}`);
  }
}

function checked({ start, count }: Size, limit: number, counted: boolean, problem: string): Size {
  if (!Number.isInteger(count) || count < 1 || count > COUNT_LIMIT) {
    throw new SizeError("count", count, "out of range", `give 1 to ${COUNT_LIMIT}`);
  }
  const greatest = counted ? limit - count + 1 : limit;
  if (!Number.isInteger(start) || start < 1 || start > greatest) {
    throw new SizeError("start", start, problem, `give 1 to ${greatest}`);
  }
  return { start, count };
}

function counted({ start, count }: Size): number[] {
  return Array.from({ length: count }, (_, index) => start + index);
}

/** Rounds down to two digits, so that sizes are easy to read: 187,654,321 becomes 180,000,000. */
function round(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.floor(value / step) * step;
}

const PICTURE: Size = { start: 300, count: 200 };

/** The size of a picture with about this many pixels that keeps its proportions. */
function pictureOf(pixels: number): Size {
  const wide = PICTURE.start * Math.sqrt(pixels / (PICTURE.start * PICTURE.count));
  const start = Math.min(round(Math.max(3, wide)), MANDELBROT_LIMIT);
  return { start, count: Math.max(1, Math.round(start * PICTURE.count / PICTURE.start)) };
}

const FIB_COUNT = 20;

/** The greatest n for which this many calls suffice for 20 items, and as many items as they suffice for. */
function fibSizeOf(calls: number): Size {
  let start = 1;
  while (start < FIB_LIMIT && FIB_COUNT * fibCalls(start + 1) <= calls) start++;
  const count = Math.floor(calls / fibCalls(start));
  return { start, count: Math.min(Math.max(count, FIB_COUNT), COUNT_LIMIT) };
}

/** A task whose items are consecutive numbers. */
const SERIES = {
  defaults: { start: 5_000_000, count: 20 },
  startMeans: "the first number; the others follow it",
  hasKernel: true,
  work: ({ start, count }: Size) => count * (start + (count - 1) / 2),
};

const FIB = {
  startMeans: "n, the same for every item",
  hasKernel: false,
  limit: FIB_LIMIT,
  items: ({ start, count }: Size) => {
    checked({ start, count }, FIB_LIMIT, false, "no exact number of so many digits");
    return Array<number>(count).fill(start);
  },
  work: ({ start, count }: Size) => count * fibCalls(start),
  sizeOf: fibSizeOf,
};

const product = ({ start, count }: Size) => start * count;

const TASKS = {
  "sum-squares": {
    ...SERIES,
    description: "the exact sum of i·i for all i below each number, as in the article",
    limit: SUM_SQUARES_LIMIT,
    items: (size: Size) =>
      counted(checked(size, SUM_SQUARES_LIMIT, true, "no exact sum beyond the limit")),
  },
  primes: {
    ...SERIES,
    description: "how many primes there are below each number, by a segmented sieve",
    limit: PRIMES_LIMIT,
    items: (size: Size) => counted(checked(size, PRIMES_LIMIT, true, "out of the sieve's range")),
  },
  mandelbrot: {
    description: "a picture of the Mandelbrot set, row by row; --out writes it as PNG",
    hasKernel: true,
    defaults: PICTURE,
    startMeans: "the picture's width in pixels; count is its height",
    limit: MANDELBROT_LIMIT,
    items: (size: Size) => {
      const { start, count } = checked(size, MANDELBROT_LIMIT, false, "no picture is so wide");
      if (count > MANDELBROT_LIMIT) {
        const remedy = `give 1 to ${MANDELBROT_LIMIT}`;
        throw new SizeError("count", count, "no picture is so high", remedy);
      }
      return Array.from({ length: count }, (_, row) => ({ row, width: start, height: count }));
    },
    work: product,
    sizeOf: pictureOf,
  },
  sha256: {
    description: "the SHA-256 of pseudo-random bytes, computed in JavaScript",
    hasKernel: true,
    defaults: { start: 500_000, count: 20 },
    startMeans: "how many bytes each item has",
    limit: SHA256_LIMIT,
    items: (size: Size) => {
      const { start, count } = checked(size, SHA256_LIMIT, false, "too many bytes");
      return Array.from({ length: count }, (_, seed) => ({ seed, bytes: start }));
    },
    work: product,
  },
  fib: {
    ...FIB,
    description: "fib(n) by its definition, a function that calls itself twice; the larger size " +
      "is near fib(35), 20 times over",
    defaults: { start: 29, count: FIB_COUNT },
  },
  "fib-async": {
    ...FIB,
    description:
      "fib(n) with every call awaited: concurrency that makes it slower, some 15 to 40 " +
      "times, for each await makes a promise and queues the rest of its function, and nothing " +
      "waits; the run measures how much",
    defaults: { start: 22, count: FIB_COUNT },
  },
} as const satisfies Readonly<Record<string, Omit<CpuTask, "name" | "module">>>;

type CpuTaskName = keyof typeof TASKS;

export const CPU_TASK_NAMES = Object.keys(TASKS) as CpuTaskName[];

/** The tasks by name; a task's file has the same name. */
export const CPU_TASKS = Object.fromEntries(CPU_TASK_NAMES.map((name) => {
  const module = new URL(`./${name.replace("-", "_")}.ts`, import.meta.url).href;
  return [name, { ...TASKS[name], name, module }];
})) as Readonly<Record<CpuTaskName, CpuTask>>;

/**
 * A size of about the target time, within limits: pictures keep their proportions, fib grows by steps of 1.6.
 */
export function scaleTo(task: CpuTask, msPerWork: number, targetMs = 2_000): Size {
  if (!(msPerWork > 0) || !(targetMs > 0)) {
    throw new RangeError(
      `Cannot choose a size: ${msPerWork} ms a unit of work, ${targetMs} ms in all; both must be positive`,
    );
  }
  const work = targetMs / msPerWork;
  if (task.sizeOf !== undefined) return task.sizeOf(work);
  const { start, count } = task.defaults;
  const factor = work / task.work(task.defaults);
  const greatest = task.limit - count + 1;
  return { start: Math.max(1, Math.min(round(Math.max(1, start * factor)), greatest)), count };
}

/** The shortest duration of the sample, in milliseconds: far above the clock's resolution. */
const SAMPLE_MS = 60;

interface CalibrateOptions {
  readonly signal?: AbortSignal;
  /** Returns milliseconds; this process's CPU time unless given. */
  readonly now?: () => number;
  /** The task's function; its module's default export unless given. */
  readonly run?: TaskFunction;
}

/** How many milliseconds a unit of a task's work takes on this thread once its code is compiled. */
export async function calibrate(task: CpuTask, options: CalibrateOptions = {}): Promise<number> {
  const { signal = new AbortController().signal, now = cpuClockMs } = options;
  const run: TaskFunction = options.run ?? (await import(task.module)).default;
  const measure = async (size: Size): Promise<number> => {
    const started = now();
    for (const [index, item] of task.items(size).entries()) {
      signal.throwIfAborted();
      const context: TaskContext = {
        ...{ signal, index, attempt: 1, cancelled: () => signal.aborted },
        ...{ resource: undefined, shared: undefined },
      };
      await run(item, context);
    }
    return (now() - started) / task.work(size);
  };
  const { defaults } = task;
  // The first run doesn't count: until it is compiled, the same loop takes several times as long.
  await measure(defaults);
  const started = now();
  let fastest = Infinity;
  do {
    fastest = Math.min(fastest, await measure(defaults));
  } while (now() - started < SAMPLE_MS);
  return fastest;
}

/** The time of one call, in milliseconds. */
export interface AwaitCost {
  readonly plainMs: number;
  /** For a call of an async function that is awaited. */
  readonly awaitedMs: number;
}

/** Measures both on this thread: `fib` and `fib-async` make the same calls, which are their units of work. */
export async function awaitCost(
  signal: AbortSignal,
  measure = (task: CpuTask) => calibrate(task, { signal }),
): Promise<AwaitCost> {
  const plainMs = await measure(CPU_TASKS.fib);
  return { plainMs, awaitedMs: await measure(CPU_TASKS["fib-async"]) };
}

/** This process's CPU time, in milliseconds, which other programs don't slow down as they do elapsed time. */
function cpuClockMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
