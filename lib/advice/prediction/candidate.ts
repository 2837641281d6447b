/** A concurrency model of a certain size, as it is predicted, raced and recommended; and what advice holds of it. */

import { z } from "zod";
import { counted } from "../../text/format.ts";
import { amount, type Checked, count, whole } from "../../timing/json_file.ts";
import { intervalSchema } from "../../timing/result.ts";
import { BASELINE, isRemote, type Model, MODELS, needsServer, takes } from "../../models.ts";

export interface Candidate {
  readonly model: Model;
  readonly lanes: number;
  /** Slots on each lane; `Infinity` for all items at once. */
  readonly slots: number;
}

export const SEQUENTIAL: Candidate = { model: BASELINE, lanes: 1, slots: 1 };

export function eventLoop(slots = Infinity): Candidate {
  return { model: slots === Infinity ? "concurrent" : "limited", lanes: 1, slots };
}

export function threads(lanes: number, slots = 1): Candidate {
  return { model: "workers", lanes, slots };
}

/** The lanes of other machines, as many as have joined. */
export function joined(lanes: number, slots = 1): Candidate {
  return { model: MODELS.find(needsServer)!, lanes, slots };
}

export function withSlots({ model, lanes }: Candidate, slots: number): Candidate {
  return isRemote(model) ? { model, lanes, slots } : eventLoop(slots);
}

/** A name that candidates share if they differ only in their slots. */
export function lanesOf({ model, lanes }: Candidate): string {
  return isRemote(model) ? `${model} ${lanes}` : "event loop";
}

/** Whether the tasks run in this event loop, several at once. */
export function isLoop({ model, slots }: Candidate): boolean {
  return !isRemote(model) && slots > 1;
}

export function nameOf({ model, lanes, slots }: Candidate): string {
  const size = [
    ...(takes(model, "lanes") ? [counted(lanes, "lane")] : []),
    ...(takes(model, "slots") && !takes(model, "lanes") ? [counted(slots, "slot")] : []),
    ...(takes(model, "lanes") && slots > 1 ? [`${counted(slots, "slot")} each`] : []),
  ];
  return size.length === 0 ? model : `${model} (${size.join(", ")})`;
}

/** A smaller part of a slot is rounded down. */
const NO_SLOT = 0.1;

/** The slots needed for this many tasks at once on average. */
export function slotsFor(atOnce: number): number {
  return Math.ceil(atOnce - NO_SLOT);
}

/** How many slots a server's pace keeps busy if an answer takes `answerMs`. */
export function keepingSlots(perSecond: number, answerMs: number): number {
  return slotsFor(perSecond * answerMs / 1000);
}

/** Sorts the simplest first: by model as in the table of models, then by lanes and slots. */
export function bySimplicity(a: Candidate, b: Candidate): number {
  return MODELS.indexOf(a.model) - MODELS.indexOf(b.model) || a.lanes - b.lanes ||
    (a.slots === b.slots ? 0 : a.slots - b.slots);
}

/** A candidate as data, with its name; `slots` is null where all items are in flight at once. */
export function sizeOf(candidate: Candidate) {
  const { slots } = candidate;
  return { ...candidate, slots: Number.isFinite(slots) ? slots : null, name: nameOf(candidate) };
}

export function inFlightOf({ lanes, slots }: Pick<Candidate, "lanes" | "slots">, items: number) {
  return Math.min(lanes * slots, items);
}

/** A model's lanes, the slots on each (null if all items are in flight at once), and its name. */
export const sizeSchema = { lanes: whole, slots: whole.nullable(), name: z.string() };

export const modelSchema = z.object({
  model: z.string(),
  ...sizeSchema,
  /** Predicted time for all items that the advice counts with, lanes' start included. */
  predictedMs: amount,
  /** Over the plain loop, as all other gains. */
  predictedGain: amount,
  predictedGainLow: amount,
  predictedGainHigh: amount,
  /** Measured in the race; missing if the model didn't run there. */
  measured: z.object({
    items: whole,
    rounds: whole,
    /** Time for all items that the advice counts with, scaled from those that ran. */
    totalMs: amount,
    startMs: amount,
    gain: intervalSchema.nullable(),
    peakRssBytes: amount,
    failed: count,
  }).optional(),
  /** Why the model can't be recommended, whatever its gain. */
  out: z.enum(["failures", "results", "slower", "broken", "impossible"]).optional(),
});
export type ModelAdvice = Checked<typeof modelSchema>;
