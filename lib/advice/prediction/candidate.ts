/**
 * A concurrency model of a certain size, as it is predicted, raced and recommended.
 *
 * @module
 */

import { counted } from "../../text/format.ts";
import { BASELINE, type Model, MODELS } from "../../models.ts";

/** A model with its size. */
export interface Candidate {
  /** The model. */
  readonly model: Model;
  /** How many lanes. */
  readonly lanes: number;
  /** Slots on each lane; `Infinity` under `concurrent`. */
  readonly slots: number;
}

/** The plain loop. */
export const SEQUENTIAL: Candidate = { model: "sequential", lanes: 1, slots: 1 };

/** A candidate's name. */
export function nameOf({ model, lanes, slots }: Candidate): string {
  if (model === BASELINE || model === "concurrent") return model;
  if (model === "limited") return `limited (${counted(slots, "slot")})`;
  return `${model} (${counted(lanes, "lane")}${
    slots > 1 ? `, ${counted(slots, "slot")} each` : ""
  })`;
}

/** Sorts the simplest first: by model as in the table of models, then by lanes and slots. */
export function bySimplicity(a: Candidate, b: Candidate): number {
  return MODELS.indexOf(a.model) - MODELS.indexOf(b.model) || a.lanes - b.lanes ||
    (a.slots === b.slots ? 0 : a.slots - b.slots);
}

/** Slots as data: null stands for all items at once. */
export function slotsOf({ slots }: Pick<Candidate, "slots">): number | null {
  return Number.isFinite(slots) ? slots : null;
}

/** How many tasks are in flight at once under a model. */
export function inFlightOf(
  { lanes, slots }: Pick<Candidate, "lanes" | "slots">,
  items: number,
): number {
  return Math.min(lanes * slots, items);
}
