/**
 * What a sweep measures: which model, and which sizes or rates.
 *
 * @module
 */

import { takes } from "../models.ts";
import { nonNegativeNumber, positiveInteger, UsageError } from "../options.ts";
import type { Load } from "../timing/meter/reading.ts";

/** With more points than this a sweep takes too long. */
const MOST_POINTS = 32;

function parts(option: string, text: string, example: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) {
    throw new UsageError(option, text, "a number is missing", `give a list such as ${example}`);
  }
  if (words.length > MOST_POINTS) {
    const problem = `${words.length} numbers are too many to measure`;
    throw new UsageError(option, text, problem, `give ${MOST_POINTS} or fewer`);
  }
  return words;
}

function sortedOnce(option: string, text: string, values: readonly number[]): number[] {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) {
    throw new UsageError(option, text, `${twice} is there twice`, "name each number once");
  }
  return values.toSorted((a, b) => a - b);
}

/**
 * Reads a list of sizes, such as `1,2,4,8`.
 *
 * @throws {UsageError} If one isn't a whole number from 1 to `max`, is there twice, or they are too
 * many.
 */
function sizesOf(option: string, text: string, max: number): number[] {
  const words = parts(option, text, "1,2,4,8");
  return sortedOnce(option, text, words.map((word) => positiveInteger(option, word, { max })));
}

/**
 * Reads a list of rates, such as `50,100,200.5`.
 *
 * @throws {UsageError} If one isn't a number from 0.1 to `max`, is there twice, or they are too many.
 */
export function ratesOf(option: string, text: string, max: number): number[] {
  const words = parts(option, text, "50,100,200");
  const rates = words.map((word) => nonNegativeNumber(option, word, { min: 0.1, max }));
  return sortedOnce(option, text, rates);
}

/** The powers of two from 1 up to a size, and that size. */
function doublings(largest: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < largest; size *= 2) sizes.push(size);
  return [...sizes, largest];
}

/** The models that a sweep can vary. */
export const SWEPT_MODELS = ["limited", "workers", "processes", "gpu"] as const;

/** A model that a sweep can vary. */
export type SweptModel = typeof SWEPT_MODELS[number];

/** Which model is swept along what. */
export interface SweepPlan {
  /** What is varied. */
  readonly axis: "slots" | "lanes";
  /** The model. */
  readonly model: SweptModel;
  /** The sizes measured at first, in ascending order. */
  readonly sizes: readonly number[];
  /** Slots on each lane, where lanes are swept. */
  readonly slotsPerLane: number;
  /** Whether sizes are added around the bend. */
  readonly refine: boolean;
  /** The largest size to go on to while the throughput still rises; 0 for none but those listed. */
  readonly extendTo: number;
}

/** The most slots that can be asked for. */
export const MOST_SLOTS = 5_000;
/** The most lanes that can be asked for. */
export const MOST_LANES = 256;
const MOST_DEFAULT_SLOTS = 64;
/** While the throughput rises, that many slots are tried in the end. */
const MOST_EXTENDED_SLOTS = 1024;
/** With fewer items a slot, most of a trial would be its end. */
const LEAST_WAVES = 8;

/** The lanes measured unless told: up to twice the cores, one more each time while they are few. */
function defaultLanes(items: number): number[] {
  const most = Math.min(2 * navigator.hardwareConcurrency, items);
  return most <= 8 ? Array.from({ length: most }, (_, i) => i + 1) : doublings(most);
}

/**
 * The plan for a model.
 *
 * @param items How many there are, if that is known: more slots or lanes than that are only measured
 * if asked for.
 * @throws {UsageError} If the sizes don't suit the model.
 */
export function planFor(
  model: SweptModel,
  raw: {
    readonly slots?: string | undefined;
    readonly lanes?: string | undefined;
    readonly refine?: true | undefined;
  },
  items = Infinity,
): SweepPlan {
  if (!takes(model, "lanes")) {
    if (raw.lanes !== undefined) {
      const remedy = "leave it out, or choose --model workers or processes";
      throw new UsageError("--lanes", raw.lanes, `${model} has one lane`, remedy);
    }
    const sizes = raw.slots === undefined
      ? doublings(Math.min(MOST_DEFAULT_SLOTS, items))
      : sizesOf("--slots", raw.slots, MOST_SLOTS);
    const listed = raw.slots !== undefined;
    return {
      axis: "slots",
      model,
      sizes,
      slotsPerLane: 1,
      refine: raw.refine ?? !listed,
      extendTo: listed ? 0 : Math.min(MOST_EXTENDED_SLOTS, items / LEAST_WAVES),
    };
  }
  const sizes = raw.lanes === undefined
    ? defaultLanes(items)
    : sizesOf("--lanes", raw.lanes, MOST_LANES);
  const slotsPerLane = raw.slots === undefined
    ? 1
    : single("--slots", raw.slots, MOST_SLOTS, model);
  // Beyond twice the cores lanes only crowd each other.
  return {
    axis: "lanes",
    model,
    sizes,
    slotsPerLane,
    refine: raw.refine ?? raw.lanes === undefined,
    extendTo: 0,
  };
}

/**
 * Reads a size where a list can't be taken.
 *
 * @throws {UsageError} If it isn't one whole number from 1 to `max`.
 */
export function single(option: string, text: string, max: number, what: string): number {
  const sizes = sizesOf(option, text, max);
  if (sizes.length > 1) {
    throw new UsageError(option, text, `with ${what} it takes one number`, "give one such as 5");
  }
  return sizes[0]!;
}

/** What is looked at of a sample. */
interface Sample {
  /** What its tasks took. */
  readonly stretches: readonly {
    readonly count: number;
    readonly wallMs: number;
    readonly cpuMs: number;
  }[];
  /** What was seen of the whole; undefined if it was cut off. */
  readonly done?: { readonly total: number | null; readonly available: number } | undefined;
  /** What the system knows of its process; undefined where it doesn't tell. */
  readonly load?: Pick<Load, "available" | "childrenCpuMs"> | undefined;
}

/** From this CPU share on a sequential run computes more than it waits. */
const COMPUTES = 0.5;

/** How much of the time the tasks of a sample compute, 0 to 1. */
export function computingShareOf(
  { stretches, done, load }: Pick<Sample, "stretches" | "done" | "load">,
): number {
  const wallMs = stretches.reduce((sum, stretch) => sum + stretch.wallMs, 0);
  const cpuMs = stretches.reduce((sum, stretch) => sum + stretch.cpuMs, 0) +
    (load?.childrenCpuMs ?? 0);
  // Where other programs use the CPUs, computing takes longer and must not look like waiting.
  const available = load?.available ?? (done?.available || 1);
  const waitMs = Math.max(0, wallMs - cpuMs / available);
  return wallMs > 0 && cpuMs + waitMs > 0 ? Math.min(1, cpuMs / (cpuMs + waitMs)) : 1;
}

/**
 * Decides what to sweep for a job of which nothing is known but a sample: lanes if it computes more
 * than half of the time, else slots.
 */
export function choosePlan(
  { stretches, done, load }: Sample,
  items: number,
): { plan: SweepPlan; why: string } {
  const share = computingShareOf({ stretches, done, load });
  const percent = Math.round(share * 100);
  const most = Math.min(items, done?.total ?? Infinity);
  return share >= COMPUTES
    ? {
      plan: planFor("workers", {}, most),
      why: `it computes ${percent}% of the time, so lanes are swept`,
    }
    : {
      plan: planFor("limited", {}, most),
      why: `it waits ${100 - percent}% of the time, so slots are swept`,
    };
}

/** How long an item of a sample took on average, in milliseconds; 0 if it has none. */
export function itemMsOf({ stretches }: Sample): number {
  const count = stretches.reduce((sum, stretch) => sum + stretch.count, 0);
  return count > 0 ? stretches.reduce((sum, stretch) => sum + stretch.wallMs, 0) / count : 0;
}
