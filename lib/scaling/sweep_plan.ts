/**
 * What a sweep goes along: which model, and which sizes.
 *
 * @module
 */

import { UsageError } from "../options.ts";
import type { RawSweepOptions } from "./raw_sweep_options.ts";
import { doublings, sizesOf } from "./sizes.ts";

/** The models that a sweep can vary. */
export const SWEPT_MODELS = ["limited", "workers", "processes"] as const;

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
  raw: Pick<RawSweepOptions, "slots" | "lanes" | "refine">,
  items = Infinity,
): SweepPlan {
  if (model === "limited") {
    if (raw.lanes !== undefined) {
      const remedy = "leave it out, or choose --model workers or processes";
      throw new UsageError("--lanes", raw.lanes, "limited has one lane", remedy);
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
