/**
 * Calls of one task under a random schedule: each is made at its turn, one may be aborted, and the results of
 * their promises are checked against the contract.
 */

import { assert, assertEquals } from "@std/assert";
import type { Calls } from "../../lib/dispatch/calls.ts";
import type { Task } from "../../lib/lanes/task.ts";
import { ItemModel } from "./contract.ts";
import { valueOf } from "./fake_lane.ts";
import type { Fate, Item, Move } from "./fake_world.ts";

/** The random settings of the calls. */
export interface DrawnCalls {
  readonly fates: readonly (readonly Fate[])[];
  readonly retries: number;
  readonly rerun: boolean;
  readonly timeoutMs: number;
  readonly startsAt: number;
  /** The step at which a call is aborted, and which call. */
  readonly abortsAt: number;
  readonly aborted: number;
}

interface Played extends Item {
  readonly controller: AbortController;
  /** How its promise ended; undefined while it is pending. */
  end: PromiseSettledResult<unknown> | undefined;
  isMade: boolean;
  /** Whether the call need not run to its end any more. */
  isStopped: boolean;
}

export class PlayedCalls {
  readonly task: Task;
  readonly #calls: Calls;
  readonly #drawn: DrawnCalls;
  readonly #items: readonly Played[];

  constructor(calls: Calls, name: string, drawn: DrawnCalls) {
    this.task = { module: `${name}:`, export: "default" };
    this.#calls = calls;
    this.#drawn = drawn;
    this.#items = drawn.fates.map((fates, index) => {
      const model = new ItemModel(`${name}/${index}`, drawn);
      return {
        model,
        fates,
        controller: new AbortController(),
        end: undefined,
        isMade: false,
        isStopped: false,
        toString: () => `${model}`,
      };
    });
  }

  get hasEnded(): boolean {
    return this.#items.every(({ end }) => end !== undefined);
  }

  /** The step that makes the next call, if it can be made. */
  *moves(step: number): Generator<Move> {
    const next = this.#items.find(({ isMade }) => !isMade);
    if (next === undefined || step < this.#drawn.startsAt) return;
    yield { weight: 6, run: () => this.#make(next) };
  }

  #make(item: Played): void {
    const { retries, rerun, timeoutMs } = this.#drawn;
    item.isMade = true;
    this.#calls.run(this.task, item, {
      signal: item.controller.signal,
      retries: { limit: retries, baseMs: 4, jitter: false },
      rerun,
      timeoutMs,
      loadTimeoutMs: Infinity,
    }).then(
      (value) => this.#end(item, { status: "fulfilled", value }),
      (reason) => this.#end(item, { status: "rejected", reason }),
    );
  }

  #end(item: Played, end: PromiseSettledResult<unknown>): void {
    assertEquals(item.end, undefined, "a promise ended twice");
    item.end = end;
  }

  /** Aborts a call, if that is due at this step. */
  at(step: number): void {
    const item = this.#items[this.#drawn.aborted % this.#items.length];
    if (step !== this.#drawn.abortsAt || item === undefined) return;
    item.isStopped = true;
    item.controller.abort(new Error("aborted"));
  }

  /** No lane can be started, or the executor is closed: running calls may fail. */
  fail(): void {
    for (const item of this.#items) if (item.isMade) item.isStopped = true;
  }

  /** The executor is closed: later calls fail too. */
  close(): void {
    for (const item of this.#items) item.isStopped = true;
  }

  /** Checks how all calls ended against the contract. */
  check(): void {
    for (const { model, end, isStopped, toString } of this.#items) {
      assert(model.starts <= model.attempts, `item ${model} ran more often than it is known to`);
      if (end?.status === "fulfilled") {
        assertEquals([end.value, model.due], [valueOf({ toString }), "fulfilled"]);
      } else if (!isStopped && !model.isDoubtful) {
        assert(model.due !== undefined && model.due !== "fulfilled", `${model} failed too early`);
      } else if (!model.isDoubtful) assert(model.due !== "fulfilled", `${model} lost its value`);
    }
  }
}
