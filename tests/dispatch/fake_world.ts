/**
 * Fake lanes that take random steps: each lists the steps that it could take next. The effects of a step on
 * items are recorded in the items' models.
 */

import { assert } from "@std/assert";
import type { Batch } from "../../lib/dispatch/batch.ts";
import type { LaneFactory } from "../../lib/dispatch/places.ts";
import type { BatchProgress, Forced, LaneBatch } from "../../lib/lanes/lane.ts";
import type { ItemModel } from "./contract.ts";
import { FakeLane } from "./fake_lane.ts";

/** How one attempt at an item ends; a stubborn one doesn't end after it is asked to stop. */
export type Fate = "ok" | "fail" | "kill" | "stubborn";

export interface Item {
  readonly model: ItemModel;
  /** How its attempts end, one by one; later attempts end as the last one. */
  readonly fates: readonly Fate[];
}

/** The settings of a pool's lanes. */
export interface WorldOptions {
  readonly slots: number;
  /** Whether lanes can tell which item of a batch runs. */
  readonly tells: boolean;
  readonly quick: boolean;
  readonly remote: boolean;
  /** How the lanes start, one after another; lanes after those start well. */
  readonly starts: readonly ("well" | "throws" | "dies")[];
  /** The results of stopping tasks by force, one after another. */
  readonly forced: readonly Forced[];
  /** How many lanes die without any task's fault. */
  readonly deaths: number;
}

/** After this many failed starts in a row the runs fail; lanes that start together count as one. */
const MOST_START_FAILURES = 3;

/** A step that could happen next. */
export interface Move {
  readonly weight: number;
  run(): void;
}

export class FakeWorld {
  /** The living lanes. */
  readonly lanes = new Set<FakeLane>();
  /** Called when the runs must fail because no lane can be started. */
  onNoLanes: () => void = () => {};
  readonly #options: WorldOptions;
  readonly #starts: ("well" | "throws" | "dies")[];
  readonly #forced: Forced[];
  readonly #starting = new Set<FakeLane>();
  readonly #doomed = new Set<FakeLane>();
  readonly #retired = new Set<FakeLane>();
  /** The lanes that are being ended because a task would not stop. */
  readonly #ending = new Set<FakeLane>();
  #deaths: number;
  #startFailures = 0;
  #mostStarting = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#starts = [...options.starts];
    this.#forced = [...options.forced];
    this.#deaths = options.deaths;
  }

  readonly makeLane: LaneFactory = (number, events, tasks) => {
    const start = this.#starts.shift() ?? "well";
    if (start === "throws") {
      this.#onStartFailure(true);
      throw new Error("no lane today");
    }
    const { tells, quick } = this.#options;
    const lane: FakeLane = new FakeLane({ tells, quick }, number, events, tasks);
    lane.forces = (batch, others) => this.#force(lane, batch, others);
    this.lanes.add(lane);
    if (!quick) this.#starting.add(lane);
    void lane.ready.then((startMs) => {
      if (!Number.isNaN(startMs)) this.#startFailures = this.#mostStarting = 0;
    });
    if (start === "dies" && !quick) this.#doomed.add(lane);
    return lane;
  };

  #onStartFailure(isAtOnce = false): void {
    const open = [...this.lanes].filter((lane) => !lane.isClosed && !this.#retired.has(lane));
    const starting = open.filter((lane) => this.#starting.has(lane)).length;
    // A lane that fails at once while others are starting says nothing about those, so it doesn't count.
    if (isAtOnce && starting > 0) return;
    this.#startFailures++;
    this.#mostStarting = Math.max(this.#mostStarting, starting + 1);
    const others = open.length - starting;
    if (others > 0 || this.#startFailures < MOST_START_FAILURES + this.#mostStarting - 1) return;
    this.#startFailures = this.#mostStarting = 0;
    this.onNoLanes();
  }

  /** All steps that the lanes could take next. */
  moves(draw: () => number): Move[] {
    const moves: Move[] = [];
    for (const lane of this.lanes) {
      if (lane.isClosed) {
        this.lanes.delete(lane);
        this.#starting.delete(lane);
      } else moves.push(...this.#movesOf(lane, draw));
    }
    return moves;
  }

  *#movesOf(lane: FakeLane, draw: () => number): Generator<Move> {
    if (this.#starting.has(lane)) {
      yield { weight: 4, run: () => this.#endStarting(lane) };
      return;
    }
    if (this.#ending.has(lane)) {
      yield { weight: 4, run: () => this.#die(lane, undefined) };
      return;
    }
    if (this.#deaths > 0 && lane.batches.length > 0) {
      yield {
        weight: 1,
        run: () => {
          this.#deaths--;
          this.#die(lane, undefined);
        },
      };
    }
    const { batches } = lane;
    const running = batches.filter((batch) => lane.held(batch).at.state === "running");
    const isFree = running.length < this.#options.slots;
    const first = batches.find((batch) => lane.held(batch).at.state === "waiting");
    for (const batch of batches) {
      const { at, asked, ended } = lane.held(batch);
      if (at.state === "loading") {
        // The lane may take only part of a large batch.
        const count = this.#options.remote ? 1 + draw() % batch.items.length : batch.items.length;
        yield { weight: 4, run: () => lane.loaded(batch, count) };
      } else if (at.state === "waiting") {
        if (asked === "cancel") yield { weight: 4, run: () => lane.report(batch, true) };
        else if (batch === first && isFree) {
          yield { weight: 4, run: () => this.#start(lane, batch) };
        }
      } else if (at.state === "running") {
        const { fates, model } = itemAt(batch, at.offset);
        const fate = fates[Math.min(model.ends, fates.length - 1)]!;
        if (ended > 0) yield { weight: 1, run: () => this.#report(lane, batch) };
        if (fate === "stubborn" && asked !== undefined) continue;
        yield { weight: 4, run: () => this.#end(lane, batch, fate, draw() % 4 === 0) };
      }
    }
  }

  #endStarting(lane: FakeLane): void {
    this.#starting.delete(lane);
    if (this.#doomed.has(lane)) {
      this.lanes.delete(lane);
      this.#onStartFailure();
      lane.die("exited with code 1", { starting: true });
    } else lane.becomeReady();
  }

  #start(lane: FakeLane, batch: LaneBatch): void {
    lane.start(batch);
    itemAt(batch, 0).model.start(lane.batches.length - 1);
  }

  #end(lane: FakeLane, batch: LaneBatch, fate: Fate, givesBack: boolean): void {
    const held = lane.held(batch);
    const { asked } = held;
    const at = held.reported + held.ended;
    if (fate === "kill" && asked === undefined) return this.#die(lane, batch);
    const how = asked === "timeout"
      ? "timed-out"
      : fate === "fail"
      ? asked === "cancel" ? "cancelled" : "failed"
      : "ok";
    const wasLast = lane.endOnly(batch, how, how === "ok" ? undefined : new Error(how));
    if (wasLast || givesBack || asked === "cancel") return this.#report(lane, batch, true);
    held.at = { state: "running", offset: at + 1, sinceMs: performance.now() };
    itemAt(batch, at + 1).model.start(lane.batches.length - 1);
  }

  /** Reports the ended items; a reported item can't be lost any more. */
  #report(lane: FakeLane, batch: LaneBatch, last = false): void {
    const { reported, ended, failures } = lane.held(batch);
    for (let offset = 0; offset < ended; offset++) {
      const { model } = itemAt(batch, reported + offset);
      const failure = failures.find((failure) => failure.offset === offset);
      if (failure === undefined) model.fulfil();
      else model.reject(failure.ended);
    }
    lane.report(batch, last);
  }

  #die(lane: FakeLane, killer: LaneBatch | undefined): void {
    this.lanes.delete(lane);
    if (this.#ending.has(lane)) tellForcedAll(lane, "stopped");
    else for (const tell of this.#losses(lane)) tell();
    lane.die(killer === undefined ? "was lost" : "was killed by its task");
  }

  /** The effects of a lane's end on its items, as far as an observer of the lane can know. */
  #losses(lane: FakeLane): (() => void)[] {
    const seen = lane.batches.map((batch) => ({ batch, at: seenAt(lane, batch) }));
    const active = seen.filter(({ at }) => at.state === "running" || at.state === "unknown").length;
    return seen.flatMap(({ batch, at }) => {
      const { reported } = lane.held(batch);
      return batch.items.map((_, offset) => {
        if (offset < reported || offset >= batch.sentCount) return () => {};
        const { model } = itemAt(batch, offset);
        if (at.state === "unknown") return () => model.lose("suspect");
        if (at.state !== "running" || offset > at.offset) return () => model.lose("not started");
        // The items before it have ended, but were not reported.
        if (offset < at.offset) return () => model.lose("victim");
        return () => model.lose(active === 1 ? "culprit" : "suspect");
      });
    });
  }

  /** Makes a task stop by force, for which its lane may have to end. */
  #force(lane: FakeLane, batch: LaneBatch, others: boolean): Forced {
    let forced: Forced = this.#options.remote ? this.#forced.shift() ?? "stopped" : "goes on";
    if (forced === "goes on for now" && !others) forced = "stopped";
    // A lane that is a process is killed, and its death is noticed later.
    if (forced !== "goes on for now" && !this.#options.tells) forced = "ends";
    if (forced === "ends") this.#ending.add(lane);
    if (forced === "ends" || forced === "goes on for now") this.#retired.add(lane);
    if (forced === "goes on" || forced === "goes on for now") tellForced(lane, batch, forced);
    if (forced === "stopped" || forced === "abandoned") {
      this.lanes.delete(lane);
      tellForcedAll(lane, forced);
    }
    return forced;
  }

  /** Checks that no place runs more batches at once than it has slots. */
  check(): void {
    const running = new Map<number, number>();
    for (const lane of this.lanes) {
      for (const batch of lane.batches) {
        if (lane.held(batch).at.state !== "running") continue;
        running.set(lane.number, (running.get(lane.number) ?? 0) + 1);
      }
    }
    for (const [number, count] of running) {
      assert(count <= this.#options.slots, `${count} batches run in place ${number}`);
    }
  }
}

function itemAt(batch: LaneBatch, offset: number): Item {
  return batch.items[offset] as Item;
}

/** The progress of a batch as seen from outside: if one item is left, that item runs. */
function seenAt(lane: FakeLane, batch: LaneBatch): BatchProgress {
  const at = lane.progress(batch);
  const { reported } = lane.held(batch);
  const isSingle = at.state === "unknown" && batch.sentCount - reported === 1;
  return isSingle ? { state: "running", offset: reported, sinceMs: NaN } : at;
}

/** Records the effects on all batches of a lane that is ended because a task would not stop. */
function tellForcedAll(lane: FakeLane, forced: Forced): void {
  for (const batch of lane.batches) {
    // The task counts as forced only if the item that runs now was asked to stop, not an earlier one.
    if (lane.held(batch).asked !== undefined) tellForced(lane, batch, forced);
    else tellVictims(lane, batch);
  }
}

/** Records the effects on the items of a batch whose task is stopped by force. */
function tellForced(lane: FakeLane, batch: LaneBatch, forced: Forced): void {
  const at = lane.progress(batch);
  const { reported } = lane.held(batch);
  if (at.state === "waiting" || at.state === "loading") return;
  const { asked } = batch as Batch;
  const ended = forced === "abandoned"
    ? "abandoned"
    : asked!.why === "timeout"
    ? "timed-out"
    : "cancelled";
  const until = at.state === "running" ? at.offset : batch.sentCount - 1;
  for (let offset = reported; offset <= until; offset++) {
    const { model } = itemAt(batch, offset);
    if (at.state !== "running") model.doubt();
    else if (offset < at.offset) model.lose("victim");
    else model.reject(ended);
  }
}

/** Records the effects on the items of a batch whose lane was ended because of another batch. */
function tellVictims(lane: FakeLane, batch: LaneBatch): void {
  const at = seenAt(lane, batch);
  const { reported } = lane.held(batch);
  if (at.state === "waiting" || at.state === "loading") return;
  const until = at.state === "running" ? at.offset : batch.sentCount - 1;
  for (let offset = reported; offset <= until; offset++) {
    itemAt(batch, offset).model.lose("victim");
  }
}
