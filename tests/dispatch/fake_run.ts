/**
 * A run that sends the batches that a test gives it and records the pool's calls; its batches are real ones.
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

/** The properties of a batch besides its items. */
export interface BatchOptions extends Partial<History> {
  readonly firstIndex?: number;
  readonly queuedAtMs?: number;
}

/** A run whose steps are taken by a test. */
export class FakeRun implements PoolRun {
  readonly task: Task;
  isReady = false;
  bagIndex = -1;
  ahead = 0;
  remaining: number | undefined = undefined;
  /** The batches that it sends next, in order. */
  readonly queue: Batch[] = [];
  /** The batches that it sent, in order. */
  readonly sent: Batch[] = [];
  /** The pool's calls, such as `10 ended` for the batch whose first index is 10. */
  readonly told: string[] = [];
  /** The errors that the run was failed with; a run that failed or was stopped sends nothing more. */
  readonly failures: unknown[] = [];
  isStopping = false;
  /** How often the pool asked whether the run has a batch to send. */
  peeks = 0;
  /** The promise that stopping the run waits for. */
  stopping: Promise<void> = Promise.resolve();
  /** Called whenever the pool takes a batch. */
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

  /** A batch of items that came from the input at index 10 by default. */
  batch(
    items: readonly unknown[],
    { firstIndex = 10, queuedAtMs = 5, ...more }: BatchOptions = {},
  ): Batch {
    return new Batch(this, firstIndex, items, queuedAtMs, { ...UNSENT, ...more });
  }

  /** Adds batches of one item each, with indexes from `firstIndex` on, to those to be sent. */
  has(count: number, firstIndex = 10, more: BatchOptions = {}): this {
    for (let at = 0; at < count; at++) {
      this.queue.push(this.batch(["x"], { firstIndex: firstIndex + at, ...more }));
    }
    return this;
  }

  /** Adds the run to a pool. */
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

/** The kind of blame for a lost batch, as one word. */
export function kindOf({ at: { state }, fault }: Blame): string {
  if (state === "unknown") return fault === "none" ? "victims" : "suspects";
  if (state !== "running") return fault === "none" ? "innocent" : "unstarted";
  return { none: "victim", perhaps: "suspect", certain: "culprit" }[fault];
}

/** A lane in the state in which the pool has opened it. */
export function openLane(lane: FakeLane): OpenLane {
  const on = new OpenLane(lane.number);
  on.lane = lane;
  return on;
}

/** Sends a batch to a lane as the pool does. */
export function sendTo(on: OpenLane, batch: Batch): Batch {
  batch.openLane = on;
  on.inFlight.add(batch);
  batch.run.onSend(batch);
  on.lane.send(batch);
  return batch;
}
