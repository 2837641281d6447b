/**
 * Fake lanes that do what is drawn: each offers the steps that it could take next. What they do to
 * items is told to the items' models.
 */

import { assert } from "@std/assert";
import type { Batch } from "../../lib/dispatch/batch.ts";
import type { LaneFactory } from "../../lib/dispatch/places.ts";
import type { BatchProgress, Forced, LaneBatch } from "../../lib/lanes/lane.ts";
import type { ItemModel } from "./contract.ts";
import { FakeLane } from "./fake_lane.ts";

/** How one attempt at an item ends; a stubborn one doesn't end once it was asked to. */
export type Fate = "ok" | "fail" | "kill" | "stubborn";

/** An item of some run. */
export interface Item {
  readonly model: ItemModel;
  /** How its attempts end, one by one; the last one goes on for ever. */
  readonly fates: readonly Fate[];
}

/** What the lanes of a pool are like. */
export interface WorldOptions {
  readonly slots: number;
  /** Whether lanes can tell which item of a batch runs. */
  readonly tells: boolean;
  readonly quick: boolean;
  readonly remote: boolean;
  /** What becomes of lanes one after another, as long as there is something here. */
  readonly starts: readonly ("well" | "throws" | "dies")[];
  /** What forced tasks and their lanes come to, one after another. */
  readonly forced: readonly Forced[];
  /** How many lanes die without anybody's fault. */
  readonly deaths: number;
}

/** Three in a row that can't be started, those started together counted once: the runs fail. */
const MOST_START_FAILURES = 3;

/** One thing that could happen next. */
export interface Move {
  readonly weight: number;
  run(): void;
}

/** The lanes of one pool. */
export class FakeWorld {
  /** Lanes that live, with their state. */
  readonly lanes = new Set<FakeLane>();
  /** Called when the runs must fail because no lane can be started. */
  onNoLanes: () => void = () => {};
  readonly #options: WorldOptions;
  readonly #starts: ("well" | "throws" | "dies")[];
  readonly #forced: Forced[];
  readonly #starting = new Set<FakeLane>();
  readonly #doomed = new Set<FakeLane>();
  readonly #retired = new Set<FakeLane>();
  /** Those that are being ended, with a task that would not stop. */
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
    // What is short where others are just starting says nothing of those.
    if (isAtOnce && starting > 0) return;
    this.#startFailures++;
    this.#mostStarting = Math.max(this.#mostStarting, starting + 1);
    const others = open.length - starting;
    if (others > 0 || this.#startFailures < MOST_START_FAILURES + this.#mostStarting - 1) return;
    this.#startFailures = this.#mostStarting = 0;
    this.onNoLanes();
  }

  /** What could happen next on the lanes. */
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
        // A large batch is cut down.
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

  /** What is reported can't be lost any more. */
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

  /** What a lane's end does to each item on it, as far as those who watch the lane can know. */
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
        // Those before it have ended, though nobody was told.
        if (offset < at.offset) return () => model.lose("victim");
        return () => model.lose(active === 1 ? "culprit" : "suspect");
      });
    });
  }

  /** A task has to stop; its lane may have to end for that. */
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

  /** At no moment more batches run in a place than it has slots. */
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

/** What can be seen of a batch from outside: the only item left is the one that ran. */
function seenAt(lane: FakeLane, batch: LaneBatch): BatchProgress {
  const at = lane.progress(batch);
  const { reported } = lane.held(batch);
  const isSingle = at.state === "unknown" && batch.sentCount - reported === 1;
  return isSingle ? { state: "running", offset: reported, sinceMs: NaN } : at;
}

/** What becomes of all that is on a lane which is ended for some that would not stop. */
function tellForcedAll(lane: FakeLane, forced: Forced): void {
  for (const batch of lane.batches) {
    // Only if the item that runs now was asked to stop, and not one before it.
    if (lane.held(batch).asked !== undefined) tellForced(lane, batch, forced);
    else tellVictims(lane, batch);
  }
}

/** What becomes of the items of a batch whose task is made to stop. */
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

/** What becomes of the items of a batch whose lane was ended for another one. */
function tellVictims(lane: FakeLane, batch: LaneBatch): void {
  const at = seenAt(lane, batch);
  const { reported } = lane.held(batch);
  if (at.state === "waiting" || at.state === "loading") return;
  const until = at.state === "running" ? at.offset : batch.sentCount - 1;
  for (let offset = reported; offset <= until; offset++) {
    itemAt(batch, offset).model.lose("victim");
  }
}
