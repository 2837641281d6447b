/** Plans which sizes of which model a sweep measures, by its options. */

import { type Model, MODEL_TABLE, takes } from "../models.ts";
import { LANE_LIMIT, positiveInteger, readList, UsageError } from "../text/option_values.ts";

/** With more points a sweep takes too long. */
const MOST_POINTS = 32;

/** A list of distinct numbers, in ascending order. */
export function numbersOf(
  option: string,
  text: string,
  example: string,
  read: (word: string) => number,
): number[] {
  const numbers = readList(option, text, example, read);
  if (numbers.length > MOST_POINTS) {
    const problem = `${numbers.length} numbers are too many to measure`;
    throw new UsageError(option, text, problem, `give ${MOST_POINTS} or fewer`);
  }
  return numbers.sort((a, b) => a - b);
}

function sizesOf(option: string, text: string, max: number): number[] {
  return numbersOf(option, text, "1,2,4,8", (word) => positiveInteger(option, word, { max }));
}

/** A single number, for an option that otherwise takes a list. */
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

export interface RawSizes {
  readonly slots?: string | undefined;
  readonly lanes?: string | undefined;
  readonly refine?: true | undefined;
}

export interface SweepPlan {
  readonly axis: "slots" | "lanes";
  readonly model: Model;
  readonly sizes: readonly number[];
  readonly slotsPerLane: number;
  readonly refine: boolean;
  /** The largest size to try while the throughput still rises; 0 to keep to `sizes`. */
  readonly extendTo: number;
}

export const MOST_SWEPT_SLOTS = 5_000;
/** The most slots that are measured in any case, and the most while the throughput rises. */
export const MOST_DEFAULT_SLOTS = 64;
const MOST_EXTENDED_SLOTS = 1024;
/** With fewer items a place, the end of a trial would be most of it. */
export const LEAST_WAVES = 8;

/** The default numbers of lanes: up to twice the cores, each number while they are few. */
function defaultLanes(items: number): number[] {
  const most = Math.min(2 * navigator.hardwareConcurrency, items);
  return most <= 8 ? Array.from({ length: most }, (_, i) => i + 1) : doublings(most);
}

/** The plan for a model; by default no more than `items` are put in flight. */
export function sweepPlanFor(
  model: Model,
  { slots, lanes, refine }: RawSizes,
  items = Infinity,
): SweepPlan {
  if (takes(model, "lanes")) {
    return {
      ...{ axis: "lanes", model },
      sizes: lanes === undefined ? defaultLanes(items) : sizesOf("--lanes", lanes, LANE_LIMIT),
      slotsPerLane: slots === undefined ? 1 : single("--slots", slots, MOST_SWEPT_SLOTS, model),
      refine: refine ?? lanes === undefined,
      // More lanes than twice the cores only crowd each other.
      extendTo: 0,
    };
  }
  if (lanes !== undefined) {
    const remedy = "leave it out, or choose --model workers or processes";
    throw new UsageError("--lanes", lanes, `${model} has one lane`, remedy);
  }
  // A GPU's slots are places in a buffer, other models' are open connections.
  const { together, mostSlots } = MODEL_TABLE[model];
  return withinItems({
    axis: "slots",
    model,
    sizes: slots === undefined
      ? doublings(MOST_DEFAULT_SLOTS)
      : sizesOf("--slots", slots, together ? mostSlots : MOST_SWEPT_SLOTS),
    slotsPerLane: 1,
    refine: refine ?? slots === undefined,
    extendTo: slots === undefined ? MOST_EXTENDED_SLOTS : 0,
  }, items);
}

/** The plan with no more slots than `items` fill, unless the user gave the sizes. */
export function withinItems(plan: SweepPlan, items: number): SweepPlan {
  return plan.axis === "lanes" || plan.extendTo === 0 ? plan : {
    ...plan,
    sizes: doublings(Math.min(MOST_DEFAULT_SLOTS, items)),
    extendTo: Math.min(plan.extendTo, items / LEAST_WAVES),
  };
}
