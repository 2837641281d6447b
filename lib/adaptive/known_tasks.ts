/** Learns from items and outcomes of tasks whether lanes can run them, and how much sending them costs. */

import type { Batch } from "../dispatch/batch.ts";
import { attempt } from "../lanes/attempt.ts";
import type { Fidelity, Report } from "../lanes/lane.ts";
import { arrivalOf, encodeAtOnce } from "../lanes/remote/channel.ts";
import type { Cloning } from "../lanes/remote/clone.ts";
import { failureLoss, valueLoss } from "../lanes/remote/fidelity.ts";
import { type Task, taskName } from "../lanes/task.ts";
import { clock } from "../lanes/timers.ts";
import { PROVEN, Tally } from "./tally.ts";

/** How many items and results are checked for values that can't be sent: the first ones, then ever fewer. */
const MOST_LOOKS = 24;
const FIRST_LOOKS = 8;
const FEWER = 1.5;
/** For how many of these the cost of sending is timed; the least counts. The first warms up and is left out. */
const TIMED_LOOKS = 3;

class Known {
  looks = 0;
  seen = 0;
  next = 0;
  /** The tick at which an item was last checked; one a tick is enough. */
  atTick = -1;
  /** Why the task stays in the event loop. */
  stays: string | undefined;
  /** The least time to copy an item with its result, and to copy two numbers, in milliseconds. */
  copyMs: number | undefined;
  emptyMs = Infinity;
  readonly tally: Tally = new Tally();
  /** Whether the task stays only until its tally decides. */
  isDoubted = false;
}

export class KnownTasks {
  /** Whether no task runs on lanes. */
  allStay = false;
  readonly #known = new WeakMap<Task, Known>();
  /** The same by task name, for tasks that can be sent: each run may make a new task of the same name. */
  readonly #named = new Map<string, Known>();
  #tick = 0;

  /**
   * @param cloning How values are cloned on their way to the lanes.
   * @param fidelity How much of them must arrive as it is.
   * @param onStays Told why a task stays in the event loop from now on.
   */
  constructor(
    private readonly cloning: Cloning,
    private readonly fidelity: Fidelity,
    private readonly onStays: (why: string) => void,
  ) {}

  /** Called at each tick; then more may be checked. */
  tick(): void {
    this.#tick++;
  }

  staysHere(task: Task): boolean {
    return this.allStay || isFunction(task) || this.#of(task).stays !== undefined;
  }

  /** Whether no task of this name has run; false for a function, where that isn't known. */
  isNew(task: Task): boolean {
    return !isFunction(task) && !this.#named.has(taskName(task));
  }

  /** Whether items came back from lanes as they do in the event loop. */
  isProven(task: Task): boolean {
    return this.#of(task).tally.isProven;
  }

  hasRunHere(task: Task): boolean {
    return this.#of(task).tally.hasRunHere;
  }

  /** The least CPU time to send an item of these tasks and its result, in milliseconds, if it is known. */
  sendMs(tasks: readonly Task[]): number | undefined {
    const all = tasks.flatMap((task) => {
      const { copyMs, emptyMs = 0 } = this.#known.get(task) ?? {};
      // The fixed cost of a copy is left out: tiny items share it.
      return copyMs === undefined ? [] : Math.max(0, copyMs - emptyMs);
    });
    return all.length > 0 ? Math.min(...all) : undefined;
  }

  /** How many batches of a task may be on lanes at once. */
  mostThere(task: Task): number {
    return this.isProven(task) ? Infinity : PROVEN;
  }

  /** Whether items of a batch that is about to be sent can't be. */
  keeps({ task, items, firstIndex }: Batch): boolean {
    if (encodeAtOnce(items) !== null) return false;
    return items.some((item, at) => this.#stays(task, `item ${firstIndex + at}`, item, "classes"));
  }

  /** Checks some items that ended here, and their outcomes, for values that wouldn't arrive unchanged. */
  look({ task, items, firstIndex, reported }: Batch, { values, failures }: Report): void {
    const known = this.#of(task);
    const failure = failures?.[0];
    const isSoon = known.seen++ < known.next || known.atTick === this.#tick;
    if (isSoon && failure === undefined || known.looks === MOST_LOOKS) return;
    if (this.staysHere(task)) return;
    known.next = known.seen < FIRST_LOOKS ? known.seen : Math.ceil(known.seen * FEWER);
    known.looks++;
    known.atTick = this.#tick;
    const offset = reported + (failure?.offset ?? 0);
    const at = firstIndex + offset;
    const item = items[offset];
    const value = values?.[0];
    if (this.#stays(task, `item ${at}`, item, "classes")) return;
    if (failure !== undefined) {
      const why = failureLoss(failure, this.cloning, this.fidelity);
      if (why !== undefined) this.keepHere(task, `what item ${at} failed with: ${why}`);
      return;
    }
    if (this.#stays(task, `the result of item ${at}`, value, this.fidelity)) return;
    const isKnown = known.looks > 1 + TIMED_LOOKS && known.copyMs !== undefined;
    if (known.looks === 1 || isKnown) return;
    const arrived = attempt(() => arrivalOf("it", [item, value], this.cloning));
    // The first clone is slow; timed, it would hide that lanes gain for tiny tasks.
    structuredClone([0, 0]);
    known.copyMs = Math.min(known.copyMs ?? Infinity, timeOf(() => structuredClone(arrived)));
    known.emptyMs = Math.min(known.emptyMs, timeOf(() => structuredClone([0, 0])));
  }

  /** Counts how items ended; a task that fails on lanes but not here is no longer sent. */
  note(task: Task, isHere: boolean, ended: number, failed: number, lacks = false): void {
    const known = this.#of(task);
    const { tally } = known;
    tally.add(isHere, ended, failed, lacks);
    // Success on lanes, or a task that stays for another reason, changes nothing.
    if (isHere ? !known.isDoubted : failed === 0 || known.stays !== undefined) return;
    const { verdict } = tally;
    if (verdict === "sent") known.stays = undefined;
    if (known.stays === undefined && verdict !== "sent") {
      return this.keepHere(task, tally.toString(), verdict === "in doubt");
    }
    known.isDoubted = verdict === "in doubt";
  }

  keepHere(task: Task, why: string, isDoubted = false): void {
    const known = this.#of(task);
    if (known.stays !== undefined && !known.isDoubted) return;
    known.stays = why;
    known.isDoubted = isDoubted;
    this.onStays(why);
  }

  #stays(task: Task, what: string, value: unknown, fidelity: Fidelity): boolean {
    const why = valueLoss(value, this.cloning, fidelity);
    if (why !== undefined) this.keepHere(task, `${what}: ${why}`);
    return why !== undefined;
  }

  #of(task: Task): Known {
    let known = this.#known.get(task);
    if (known !== undefined) return known;
    // A function shares nothing with others of its name.
    known = isFunction(task)
      ? new Known()
      : this.#named.getOrInsertComputed(taskName(task), () => new Known());
    this.#known.set(task, known);
    return known;
  }
}

const isFunction = ({ module }: Task) => module.startsWith("function:");

/** How long an action takes, in milliseconds; Infinity if it throws. */
function timeOf(action: () => void): number {
  const fromMs = clock.now();
  return attempt(() => (action(), clock.now() - fromMs)) ?? Infinity;
}
