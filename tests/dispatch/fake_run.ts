/**
 * A run that sends what a test gives it, and notes what the pool tells it; and batches, real ones.
 */

import {
  Batch,
  type BatchSettings,
  type Blame,
  type ForcedEnd,
  type History,
  OpenLane,
  type PoolRun,
  UNSENT,
} from "../../lib/dispatch/batch.ts";
import type { LanePool } from "../../lib/dispatch/lane_pool.ts";
import type { Death, Report } from "../../lib/lanes/lane.ts";
import type { Task } from "../../lib/lanes/task.ts";
import type { FakeLane } from "./fake_lane.ts";

/** What a batch can be told to be, besides its items. */
export interface BatchOptions extends Partial<History> {
  readonly firstIndex?: number;
  readonly queuedAtMs?: number;
}

/** A run whose steps a test takes. */
export class FakeRun implements PoolRun {
  readonly task: Task;
  isReady = false;
  bagIndex = -1;
  ahead = 0;
  remaining: number | undefined = undefined;
  /** What it sends next, the first first. */
  readonly queue: Batch[] = [];
  /** What it sent, in order. */
  readonly sent: Batch[] = [];
  /** What the pool told it, such as `10 ended` of the batch whose first index is 10. */
  readonly told: string[] = [];
  /** What it was failed with; then, or once it is stopped, it has nothing more to send. */
  readonly failures: unknown[] = [];
  isStopping = false;
  /** How often it was asked whether it has something to send. */
  peeks = 0;
  /** What stopping it waits for. */
  stopping: Promise<void> = Promise.resolve();
  /** Done whenever it is asked for a batch. */
  onTake: () => void = () => {};
  readonly settings: BatchSettings;
  #pool: LanePool | undefined;

  constructor(name = "a", settings: Partial<BatchSettings> = {}) {
    this.task = { module: `${name}:`, export: "default" };
    this.settings = {
      timeoutMs: Infinity,
      loadTimeoutMs: Infinity,
      timed: false,
      transfer: false,
      emptiesItems: false,
      movesItems: false,
      fidelity: "as sent",
      mostBytes: Infinity,
      giveBackMs: Infinity,
      ...settings,
    };
  }

  /** Items that came from the input at index 10, unless told otherwise. */
  batch(
    items: readonly unknown[],
    { firstIndex = 10, queuedAtMs = 5, ...more }: BatchOptions = {},
  ): Batch {
    return new Batch(this, firstIndex, items, queuedAtMs, { ...UNSENT, ...more });
  }

  /** Has batches of one item each to send, from an index on. */
  has(count: number, firstIndex = 10, more: BatchOptions = {}): this {
    for (let at = 0; at < count; at++) {
      this.queue.push(this.batch(["x"], { firstIndex: firstIndex + at, ...more }));
    }
    return this;
  }

  /** Takes part in a pool. */
  join(pool: LanePool): this {
    this.#pool = pool;
    pool.do(() => pool.add(this));
    return this;
  }

  peek(): { readonly alone: boolean } | undefined {
    this.peeks++;
    return this.isStopping ? undefined : this.queue[0];
  }

  take(): Batch | undefined {
    this.onTake();
    return this.queue.shift();
  }

  putBack(batch: Batch): void {
    this.told.push(`${batch.firstIndex} put back`);
    this.queue.unshift(batch.part(0, batch.items.length));
    this.#pool?.wake(this);
  }

  onSend(batch: Batch): void {
    batch.sentAtMs = performance.now();
    this.sent.push(batch);
  }

  now(): number {
    return performance.now();
  }

  onLeave(): void {}

  onSent(batch: Batch): void {
    const slots = this.#pool === undefined ? Infinity : this.#pool.slots / this.#pool.lanes;
    if (batch.openLane!.inFlight.size > slots) this.told.push(`${batch.firstIndex} waits`);
  }

  onReport(batch: Batch, { last }: Report): void {
    this.told.push(`${batch.firstIndex} ${last ? "ended" : "goes on"}`);
  }

  onUnloadable(batch: Batch, error: Error): void {
    this.told.push(`${batch.firstIndex} can't be loaded: ${error.message}`);
  }

  onLost(batch: Batch, blame: Blame, { how }: Death): void {
    this.told.push(`${batch.firstIndex} lost, ${kindOf(blame)}: ${how}`);
  }

  onForced(batch: Batch, { at, forced, hadOthers }: ForcedEnd): void {
    const where = at.state === "running" ? `at ${at.offset}` : at.state;
    this.told.push(`${batch.firstIndex} ${forced} ${where}${hadOthers ? ", beside others" : ""}`);
  }

  fail(error: unknown): void {
    this.failures.push(error);
    this.isStopping = true;
  }

  close(reason: unknown): Promise<void> {
    this.isStopping = true;
    this.told.push(`stopped: ${reason instanceof Error ? reason.message : reason}`);
    return this.stopping;
  }
}

/** What a lost batch is taken to be. */
export function kindOf({ at: { state }, fault }: Blame): string {
  if (state === "unknown") return fault === "none" ? "victims" : "suspects";
  if (state !== "running") return fault === "none" ? "innocent" : "unstarted";
  return { none: "victim", perhaps: "suspect", certain: "culprit" }[fault];
}

/** A place's lane, opened. */
export function openLane(lane: FakeLane): OpenLane {
  const on = new OpenLane(lane.number);
  on.lane = lane;
  return on;
}

/** Sends a batch to a lane as the pool does it. */
export function sendTo(on: OpenLane, batch: Batch): Batch {
  batch.openLane = on;
  on.inFlight.add(batch);
  batch.run.onSend(batch);
  on.lane.send(batch);
  return batch;
}
