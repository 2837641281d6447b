/**
 * A chunk that was sent to a lane and isn't done with.
 *
 * @module
 */

import type { AskReason, Chunk, Lane } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import type { Piece } from "./piece.ts";
import type { Run } from "./run.ts";
import type { Seat } from "./seat.ts";

/** What a chunk is like beside its items. */
export interface SentSettings {
  /** Deadline of each item from its own start, in milliseconds; Infinity for none. */
  readonly timeoutMs: number;
  /** Whether each item's own start and end are wanted. */
  readonly timed: boolean;
  /** After so many milliseconds the lane gives the rest back; Infinity for never. */
  readonly giveBackMs: number;
  /** Whether the lane says before each item that it starts it. */
  readonly mark: boolean;
  /** Whether ArrayBuffers move instead of being copied. */
  readonly transfer: boolean;
  /** When it was sent. */
  readonly sentAtMs: number;
}

/** A chunk on its lane. One object, for one is made for every chunk of every run. */
export class Sent implements Chunk {
  /** Unique on its lane, ascending. */
  readonly id: number;
  /** What is run on its items. */
  readonly task: Task;
  /** The first item's place in the input, from 0. */
  readonly firstIndex: number;
  /** Its items, in the input's order. */
  readonly items: readonly unknown[];
  /** Which try this is, from 1. */
  readonly attempt: number;
  /** Deadline of each item from its own start, in milliseconds; Infinity for none. */
  readonly timeoutMs: number;
  /** Whether each item's own start and end are wanted. */
  readonly timed: boolean;
  /** After so many milliseconds the lane gives the rest back; Infinity for never. */
  readonly giveBackMs: number;
  /** Whether the lane says before each item that it starts it. */
  readonly mark: boolean;
  /** Whether ArrayBuffers move instead of being copied. */
  readonly transfer: boolean;
  /** When it was sent. */
  readonly sentAtMs: number;
  /** The run that it is of. */
  readonly run: Run;
  /** The seat on whose lane it is. */
  readonly seat: Seat;
  /** The lane it was sent to, which its seat may have lost since. */
  readonly lane: Lane;
  /** Its items and their history. */
  readonly piece: Piece;
  /** Whatever the lane wants to keep with it. */
  note: unknown = undefined;
  /** How many of its items have been reported. */
  reported = 0;
  /** When, why and at which item its task was asked to stop. */
  asked: { readonly atMs: number; readonly why: AskReason; readonly offset: number } | undefined;
  /** Its place among its seat's chunks; −1 if it is no longer there. */
  seatPlace: number = -1;
  /** Its place among its run's chunks; −1 if it is no longer there. */
  runPlace: number = -1;

  /**
   * Takes the seat's next id; sends nothing.
   *
   * @param run The run that it is of.
   * @param seat The seat on whose lane it is.
   * @param piece Its items and their history.
   * @param settings How it is to be run.
   */
  constructor(run: Run, seat: Seat, piece: Piece, settings: SentSettings) {
    this.id = seat.nextChunkId();
    this.task = run.task;
    this.firstIndex = piece.firstIndex;
    this.items = piece.items;
    this.attempt = piece.attempt;
    this.timeoutMs = settings.timeoutMs;
    this.timed = settings.timed;
    this.giveBackMs = settings.giveBackMs;
    this.mark = settings.mark;
    this.transfer = settings.transfer;
    this.sentAtMs = settings.sentAtMs;
    this.run = run;
    this.seat = seat;
    this.lane = seat.lane!;
    this.piece = piece;
    this.asked = undefined;
  }
}

/** Chunks in flight. Unlike a Set it leaves no garbage behind when chunks come and go. */
export class SentList implements Iterable<Sent> {
  readonly #place: "seatPlace" | "runPlace";
  readonly #list: Sent[] = [];

  /**
   * An empty list.
   *
   * @param place Where a chunk keeps its place in this list.
   */
  constructor(place: "seatPlace" | "runPlace") {
    this.#place = place;
  }

  /** How many there are. */
  get size(): number {
    return this.#list.length;
  }

  /** Adds a chunk that isn't in the list. */
  add(sent: Sent): void {
    sent[this.#place] = this.#list.length;
    this.#list.push(sent);
  }

  /** Whether a chunk is in the list. */
  has(sent: Sent): boolean {
    return sent[this.#place] >= 0;
  }

  /** Removes a chunk if it is in the list. */
  delete(sent: Sent): void {
    const at = sent[this.#place];
    if (at < 0) return;
    const last = this.#list.pop()!;
    if (last !== sent) {
      this.#list[at] = last;
      last[this.#place] = at;
    }
    sent[this.#place] = -1;
  }

  /** Removes all. */
  clear(): void {
    for (const sent of this.#list) sent[this.#place] = -1;
    this.#list.length = 0;
  }

  /** Those that are in the list now; it may change meanwhile. */
  [Symbol.iterator](): Iterator<Sent> {
    return [...this.#list][Symbol.iterator]();
  }
}
