/**
 * Items on their way to a lane.
 *
 * @module
 */

/** Items that follow on each other in the input and share their history. */
export interface Piece {
  /** The first item's place in the input, from 0. */
  readonly firstIndex: number;
  /** The items, in the input's order. */
  readonly items: readonly unknown[];
  /** Which try the next one will be, from 1. */
  readonly attempt: number;
  /** When they were pulled from the input. */
  readonly queuedAtMs: number;
  /** How many lanes died while this very item ran. */
  readonly kills: number;
  /** How many lanes died with it before it was known to have started. */
  readonly losses: number;
  /** Whether each item must run alone on its lane, to find out which one kills. */
  readonly alone: boolean;
}

/**
 * A part of a piece.
 *
 * @param piece The piece.
 * @param from The first item's place in it.
 * @param to The place behind the last item.
 * @param changes What is different about the part; nothing unless given.
 * @returns The part; the piece itself stays as it is.
 *
 * @example
 * ```ts
 * import { part } from "./piece.ts";
 *
 * const history = { attempt: 1, queuedAtMs: 0, kills: 0, losses: 0, alone: false };
 * const piece = { firstIndex: 10, items: ["a", "b", "c"], ...history };
 * console.log(part(piece, 1, 3).firstIndex); // 11
 * ```
 */
export function part(
  piece: Piece,
  from: number,
  to: number,
  changes: Partial<Pick<Piece, "attempt" | "kills" | "losses" | "alone">> = {},
): Piece {
  return {
    ...piece,
    ...changes,
    firstIndex: piece.firstIndex + from,
    items: from === 0 && to === piece.items.length ? piece.items : piece.items.slice(from, to),
  };
}
