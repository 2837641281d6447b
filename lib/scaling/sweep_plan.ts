/** What a sweep measures: which model, and which sizes or rates. */

import { MODEL_TABLE, takes } from "../models.ts";
import { MOST_LANES, nonNegativeNumber, positiveInteger, UsageError } from "../options.ts";
import { formatPercent } from "../text/format.ts";
import {
  computesBeside,
  heldMs,
  MOST_LANES as MOST_USEFUL_LANES,
} from "../advice/prediction/choose_candidates.ts";
import { blocks, type Sample } from "../advice/probe/sample.ts";

/** With more points than this a sweep takes too long. */
const MOST_POINTS = 32;

function listOf(
  option: string,
  text: string,
  example: string,
  read: (word: string) => number,
): number[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) {
    throw new UsageError(option, text, "a number is missing", `give a list such as ${example}`);
  }
  if (words.length > MOST_POINTS) {
    const problem = `${words.length} numbers are too many to measure`;
    throw new UsageError(option, text, problem, `give ${MOST_POINTS} or fewer`);
  }
  const values = words.map(read);
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) {
    throw new UsageError(option, text, `${twice} is there twice`, "name each number once");
  }
  return values.sort((a, b) => a - b);
}

function sizesOf(option: string, text: string, max: number): number[] {
  return listOf(option, text, "1,2,4,8", (word) => positiveInteger(option, word, { max }));
}

/** Reads a list of rates from 0.1 to `max`, such as `50,100,200.5`. */
export function ratesOf(option: string, text: string, max: number): number[] {
  const read = (word: string) => nonNegativeNumber(option, word, { min: 0.1, max });
  return listOf(option, text, "50,100,200", read);
}

export function single(option: string, text: string, max: number, what: string): number {
  const [size, ...more] = sizesOf(option, text, max);
  if (more.length > 0) {
    throw new UsageError(option, text, `with ${what} it takes one number`, "give one such as 5");
  }
  return size!;
}

function doublings(largest: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < largest; size *= 2) sizes.push(size);
  return [...sizes, largest];
}

export const SWEPT_MODELS = ["limited", "workers", "processes", "cluster", "gpu"] as const;
export type SweptModel = typeof SWEPT_MODELS[number];

export interface SweepPlan {
  readonly axis: "slots" | "lanes";
  readonly model: SweptModel;
  readonly sizes: readonly number[];
  readonly slotsPerLane: number;
  readonly refine: boolean;
  /** The largest size to go on to while the throughput still rises; 0 for none but those listed. */
  readonly extendTo: number;
}

export const MOST_SLOTS = 5_000;
/** So many slots are measured in any case, and so many in the end while the throughput rises. */
export const MOST_DEFAULT_SLOTS = 64;
const MOST_EXTENDED_SLOTS = 1024;
/** With fewer items a place, most of a trial would be its end. */
const LEAST_WAVES = 8;

/** The lanes measured unless told: up to twice the cores, one more each time while they are few. */
function defaultLanes(items: number): number[] {
  const most = Math.min(2 * navigator.hardwareConcurrency, items);
  return most <= 8 ? Array.from({ length: most }, (_, i) => i + 1) : doublings(most);
}

/** The plan for a model; of so many items, if that is known, no more are put in flight unless asked for. */
export function planFor(
  model: SweptModel,
  raw: {
    readonly slots?: string | undefined;
    readonly lanes?: string | undefined;
    readonly refine?: true | undefined;
  },
  items = Infinity,
): SweepPlan {
  const { slots, lanes } = raw;
  if (takes(model, "lanes")) {
    return {
      axis: "lanes",
      model,
      sizes: lanes === undefined ? defaultLanes(items) : sizesOf("--lanes", lanes, MOST_LANES),
      slotsPerLane: slots === undefined ? 1 : single("--slots", slots, MOST_SLOTS, model),
      refine: raw.refine ?? lanes === undefined,
      // Beyond twice the cores lanes only crowd each other.
      extendTo: 0,
    };
  }
  if (lanes !== undefined) {
    const remedy = "leave it out, or choose --model workers or processes";
    throw new UsageError("--lanes", lanes, `${model} has one lane`, remedy);
  }
  // A GPU's slots are places in a buffer, others' are open connections.
  const { together, mostSlots } = MODEL_TABLE[model];
  return withinItems({
    axis: "slots",
    model,
    sizes: slots === undefined
      ? doublings(MOST_DEFAULT_SLOTS)
      : sizesOf("--slots", slots, together ? mostSlots : MOST_SLOTS),
    slotsPerLane: 1,
    refine: raw.refine ?? slots === undefined,
    extendTo: slots === undefined ? MOST_EXTENDED_SLOTS : 0,
  }, items);
}

/** The plan with no more slots in flight than so many items fill, unless they were asked for. */
export function withinItems(plan: SweepPlan, items: number): SweepPlan {
  return plan.axis === "lanes" || plan.extendTo === 0 ? plan : {
    ...plan,
    sizes: doublings(Math.min(MOST_DEFAULT_SLOTS, items)),
    extendTo: Math.min(plan.extendTo, items / LEAST_WAVES),
  };
}

/** A task that holds up its event loop for more of its time than this needs lanes more than slots. */
const HOLDS = 0.5;

/** Decides what to sweep for a job of which nothing is known but a sample, by what advice goes by. */
export function choosePlan(sample: Sample, most: number): { plan: SweepPlan; why: string } {
  const items = Math.min(most, sample.total ?? Infinity);
  const slots = (why: string) => ({
    plan: planFor("limited", {}, items),
    why: `${why}, so slots are swept`,
  });
  const lanes = planFor("workers", {}, items);
  const computes = `it computes ${formatPercent(sample.cpuShare)} of the time`;
  if (sample.uncloneable !== undefined) {
    return slots(`nothing can be sent to lanes (${sample.uncloneable})`);
  }
  if (blocks(sample)) {
    return {
      plan: { ...lanes, extendTo: Math.min(MOST_USEFUL_LANES, items / LEAST_WAVES) },
      why: "it holds up its thread while it waits, so lanes are swept",
    };
  }
  if (heldMs(sample) >= HOLDS * sample.wallMs) {
    return { plan: lanes, why: `${computes}, so lanes are swept` };
  }
  return slots(
    computesBeside(sample)
      ? `${computes}, but beside its event loop`
      : `it waits ${formatPercent(1 - sample.cpuShare)} of the time`,
  );
}
