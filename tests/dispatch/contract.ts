/**
 * A model of the contract of one item: how the item must end after the events on its lanes, whatever the
 * library did.
 */

import { assert, assertEquals } from "@std/assert";
import type { Ending, Outcome } from "../../lib/dispatch/output.ts";

/** The run's options that matter to its items. */
export interface Rules {
  readonly retries: number;
  readonly rerun: boolean;
}

/** The meaning of a lane's loss for an item on it. */
export type Loss =
  /** The item was not started there. */
  | "not started"
  /** The item certainly ended the lane. */
  | "culprit"
  /** The item ran, or may have, and perhaps ended the lane. */
  | "suspect"
  /** The item ran, or may have, and did not end the lane. */
  | "victim";

/** After ending this many lanes, a task is not tried again. */
const MOST_KILLS = 2;
/** After losing this many lanes before its start, an item need not be sent again. */
const MOST_UNSTARTED = 3;

export class ItemModel {
  /** How often the item was started on a lane. */
  starts = 0;
  /** The starts that are known, or that must be assumed. */
  attempts = 0;
  /** Whether the item is suspected of ending lanes, and must run alone on one. */
  isSuspect = false;
  /** How the item has to end; undefined while it has to run again. */
  due: Ending | "fulfilled" | undefined;
  readonly #name: string;
  readonly #rules: Rules;
  /** The attempts that count against the retries. */
  #tries = 0;
  #kills = 0;
  /** How many lanes the item has lost before it could start. */
  #unstarted = 0;
  #last: Ending | undefined;
  #isSettled = false;

  constructor(name: string, rules: Rules) {
    this.#name = name;
    this.#rules = rules;
  }

  toString(): string {
    return this.#name;
  }

  /** How many attempts are known to have ended by the item itself. */
  get ends(): number {
    return this.#tries;
  }

  /** Whether the item may fail, or may have used up a retry, without its own fault. */
  get isDoubtful(): boolean {
    return this.#unstarted >= MOST_UNSTARTED;
  }

  /**
   * The item starts on a lane.
   *
   * @param beside How many batches are on that lane besides its own.
   */
  start(beside: number): void {
    this.starts++;
    assertEquals(this.due, undefined, `item ${this} runs again, though it has ended`);
    assert(!this.#isSettled, `item ${this} runs again, though it is settled`);
    if (this.isSuspect) assertEquals(beside, 0, `item ${this} does not run alone`);
  }

  /** The item's lane reports its value. */
  fulfil(): void {
    this.attempts++;
    this.due = "fulfilled";
  }

  /** An attempt ended without a value. */
  reject(ended: Ending): void {
    this.attempts++;
    this.#use(ended);
    if (ended === "cancelled" || ended === "abandoned") this.due = ended;
  }

  /** The item may have run on a lane that had to be ended, while its run was stopping. */
  doubt(): void {
    this.attempts++;
    this.#last = "crashed";
  }

  #use(ended: Ending): void {
    this.#last = ended;
    if (++this.#tries > this.#rules.retries) this.due = ended;
  }

  /** The item's lane was lost. */
  lose(loss: Loss): void {
    if (loss === "not started") return void this.#unstarted++;
    this.attempts++;
    if (loss === "culprit" || (loss === "suspect" && this.#rules.rerun)) this.isSuspect = true;
    if (loss === "culprit") {
      this.#use("crashed");
      if (++this.#kills >= MOST_KILLS) this.due = "crashed";
    } else if (!this.#rules.rerun) {
      this.#use("crashed");
    }
  }

  /**
   * The item settles.
   *
   * @param wasStopped Whether the item's run was stopped, so that it need not have run to its end.
   * @param isCounted Whether each start of the item is known.
   */
  settle(outcome: Outcome<unknown>, wasStopped: boolean, isCounted: boolean): void {
    assert(!this.#isSettled, `item ${this} settled twice`);
    this.#isSettled = true;
    const ended = outcome.status === "fulfilled" ? "fulfilled" : outcome.ended;
    assert(this.starts <= outcome.attempts, `item ${this} was started ${this.starts} times`);
    if (this.isDoubtful && ended !== "fulfilled") return;
    if (this.due !== undefined) assertEquals([`${this}`, ended], [`${this}`, this.due]);
    else {
      const allowed = wasStopped ? ["cancelled", this.#last] : [];
      assert(allowed.includes(ended as Ending), `item ${this} settled as ${ended}, too early`);
    }
    if (this.isDoubtful) return;
    assertEquals(outcome.attempts, this.attempts, `the attempts of item ${this}`);
    if (isCounted) assertEquals(this.starts, outcome.attempts, `the starts of item ${this}`);
    if (outcome.attempts === 0) assertEquals(outcome.lane, -1);
    assert(
      outcome.attempts === 0 || outcome.lane >= 0 || ended === "cancelled",
      `item ${this} ran on no lane`,
    );
  }
}
