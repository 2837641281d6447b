/**
 * From recorded ticks to figures: how many came while something computed, and how late.
 *
 * @module
 */

import { middle } from "../text/format.ts";
import type { Tick } from "./ticker.ts";

/** A stretch of time, in milliseconds since the ticker started. */
export interface Span {
  /** Its beginning. */
  readonly fromMs: number;
  /** Its end. */
  readonly toMs: number;
}

/** What became of the ticks that were due in a stretch of time. */
export interface TickFigures {
  /** How many should have come in it. */
  readonly due: number;
  /** How many came in it. */
  readonly came: number;
  /** How late those that were due in it came, in milliseconds: the middle one. */
  readonly typicalLateMs: number;
  /** The latest of them. */
  readonly worstLateMs: number;
}

/** From this share of the ticks that were due, the ticker ticked on. */
const TICKED_ON = 0.8;
/** Up to this share, it stood still. */
const STOOD_STILL = 0.1;

/** How a ticker fared. */
export type Fared = "stood still" | "limped" | "ticked on";

/** Counts what became of the ticks due in a stretch of time, of a ticker with this period. */
export function tickFigures(ticks: readonly Tick[], span: Span, periodMs: number): TickFigures {
  const { fromMs, toMs } = span;
  const within = (ms: number) => ms > fromMs && ms < toMs;
  const due = Math.max(0, Math.ceil(toMs / periodMs) - Math.floor(fromMs / periodMs) - 1);
  const late = ticks.filter(({ dueMs }) => within(dueMs)).map(({ dueMs, atMs }) =>
    Math.max(0, atMs - dueMs)
  );
  return {
    due,
    came: ticks.filter(({ atMs }) => within(atMs)).length,
    typicalLateMs: late.length === 0 ? 0 : middle(late),
    worstLateMs: Math.max(0, ...late),
  };
}

/** Judges how a ticker fared. */
export function faredOf({ due, came }: Pick<TickFigures, "due" | "came">): Fared {
  if (came <= due * STOOD_STILL) return "stood still";
  return came < due * TICKED_ON ? "limped" : "ticked on";
}
