/**
 * The contract of one item, as a model: what must become of it, told by what happened to it on its
 * lanes, whatever the library did.
 */

import { assert, assertEquals } from "@std/assert";
import type { Ending, Outcome } from "../../lib/dispatch/output.ts";

/** What a run allows its items. */
export interface Rules {
  readonly retries: number;
  readonly rerun: boolean;
}

/** How a lane's loss concerns an item that was on it. */
export type Loss =
  /** It was not started there. */
  | "not started"
  /** It certainly is what killed the lane. */
  | "culprit"
  /** It ran, or may have; perhaps it killed the lane. */
  | "suspect"
  /** It ran, or may have, and did not kill the lane. */
  | "victim";

/** A task that has killed so many lanes is not tried again. */
const MOST_KILLS = 2;
/** An item that has lost so many lanes before it could start need not be sent to another one. */
const MOST_UNSTARTED = 3;

/** One item. */
export class ItemModel {
  /** How often it was started on a lane. */
  starts = 0;
  /** Starts that are known of, or must be reckoned with. */
  attempts = 0;
  /** Whether it may be what kills lanes, and must have one for itself. */
  isSuspect = false;
  /** How it has to end; undefined while it has to run again. */
  due: Ending | "fulfilled" | undefined;
  readonly #name: string;
  readonly #rules: Rules;
  /** Attempts that the retries pay for. */
  #tries = 0;
  #kills = 0;
  /** Lanes that were lost with it before it could start. */
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

  /** How often an attempt of it has ended by its own doing, as far as that is known. */
  get ends(): number {
    return this.#tries;
  }

  /** Whether it may have been given up, or have used up a try, though nobody is to blame. */
  get isDoubtful(): boolean {
    return this.#unstarted >= MOST_UNSTARTED;
  }

  /**
   * It starts on a lane.
   *
   * @param beside How many batches are on that lane besides its own.
   */
  start(beside: number): void {
    this.starts++;
    assertEquals(this.due, undefined, `item ${this} runs again, though it has ended`);
    assert(!this.#isSettled, `item ${this} runs again, though it is settled`);
    if (this.isSuspect) assertEquals(beside, 0, `item ${this} does not run alone`);
  }

  /** Its lane reports that it gave a value. */
  fulfil(): void {
    this.attempts++;
    this.due = "fulfilled";
  }

  /** An attempt gave no value. */
  reject(ended: Ending): void {
    this.attempts++;
    this.#use(ended);
    if (ended === "cancelled" || ended === "abandoned") this.due = ended;
  }

  /** It may have run on a lane that had to be ended, and its run is stopping anyway. */
  doubt(): void {
    this.attempts++;
    this.#last = "crashed";
  }

  #use(ended: Ending): void {
    this.#last = ended;
    if (++this.#tries > this.#rules.retries) this.due = ended;
  }

  /** Its lane was lost. */
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
   * It settles.
   *
   * @param wasStopped Whether its run was stopped, so that it need not have run to its end.
   * @param isCounted Whether each start of it is known of.
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
