/** Batches on a pool's lanes: how reports, lost lanes, recalls, deadlines and forced stops are handled. */

import { attempt, shown, wordsOf } from "../lanes/attempt.ts";
import type { LaneStartError, TaskLoadError } from "../lanes/errors.ts";
import type { AskReason, Death, Forced, LaneEvents, Report } from "../lanes/lane.ts";
import { unloadable } from "../lanes/lane_tasks.ts";
import { type Task, taskName } from "../lanes/task.ts";
import { Alarm, clock } from "../lanes/timers.ts";
import type { Batch, OpenLane, PoolRun } from "./batch.ts";
import { loadsTooLong, type Places } from "./places.ts";
import { blame, isActive, progressOf } from "./blame.ts";

/** Learns what happens to batches before their runs do. */
export interface BatchWatch {
  reported(batch: Batch, report: Report): void;
  /** Called when a lane died by itself while a batch's task ran on it. */
  lost(batch: Batch): void;
  /** Called when a task can't be loaded there; returns whether it runs in the event loop instead. */
  unloadable(batch: Batch, error: Error): boolean;
}

interface InFlightPool {
  readonly options: { remote: boolean; graceMs: number; guide?: BatchWatch };
  readonly staysHere: boolean;
  do(action: () => void): void;
  /** Fails all runs, or those with tasks of a module. */
  failAll(error: LaneStartError | TaskLoadError, module?: string): void;
}

/** A task that is running. */
export interface RunningTask {
  /** The number of the lane that it runs on, from 0. */
  readonly lane: number;
  /** The task's name; that of a plain function has the module `function:`. */
  readonly task: Task;
  /** The item's place in the input, from 0; 0 for a call of `run`. */
  readonly index: number;
  /** The item that the task was given. */
  readonly item: unknown;
  /** Which attempt of the item this is, from 1. */
  readonly attempt: number;
  /**
   * When it started, on the caller's `performance.now()` clock. A subprocess doesn't report which one of
   * several tiny tasks that were sent together is running: this is then when they were sent, and the item is
   * the first without a result.
   */
  readonly startedAtMs: number;
}

/** After a module has ended this many lanes before any task of it could start, its runs fail. */
const MOST_EARLY_ENDS = 3;
/** How many different errors are printed, at most, that no item's outcome contains. */
const MOST_WARNINGS = 16;

/** The shortest timer, in milliseconds, so that deadlines near each other share one. */
const LEAST_TIMER_MS = 2;

export class InFlight {
  /** When the items that were reported last had ended. */
  endedMs = 0;
  /** The same, while nothing has taken any time since; NaN otherwise. */
  nowMs: number = NaN;
  /** Whether a batch is being sent right now; its lane may report it during the call. */
  #isSending = false;
  /** Batches on lanes that have a time limit or were asked to stop. */
  readonly watched: Set<Batch> = new Set();
  /** One timer serves the deadlines of all batches, however many are in flight. */
  readonly #alarm = new Alarm(() =>
    this.pool.do(() => {
      for (const batch of [...this.watched]) if (this.watched.has(batch)) this.#lookAt(batch);
    })
  );
  /** The task that was reported last, so its module is known to load. */
  #loaded: Task | undefined;
  /** How many lanes each module ended before a task of it could start; −Infinity once a task has ended. */
  readonly #earlyEnds = new Map<string, number>();
  /** Errors that were printed because no item's outcome contains them. */
  readonly #warned = new Set<string>();

  readonly #options: InFlightPool["options"];

  constructor(private readonly pool: InFlightPool, private readonly places: Places) {
    this.#options = pool.options;
  }

  get #all(): Batch[] {
    return this.places.lanes.flatMap(({ inFlight }) => [...inFlight]);
  }

  batchesOf(run: PoolRun): Batch[] {
    return this.#all.filter((batch) => batch.run === run);
  }

  /** The tasks that are running now, lane by lane. */
  get running(): RunningTask[] {
    return this.#all.flatMap((batch) => {
      const at = progressOf(batch);
      if (!isActive(at)) return [];
      const { offset, sinceMs } = at.state === "running"
        ? at
        : { offset: batch.reported, sinceMs: NaN };
      return {
        lane: batch.openLane!.number,
        task: batch.task,
        index: batch.firstIndex + offset,
        item: batch.items[offset],
        attempt: batch.attempt,
        startedAtMs: Number.isNaN(sinceMs) ? batch.sentAtMs : sinceMs,
      };
    });
  }

  send(batch: Batch, openLane: OpenLane): void {
    const { run } = batch;
    batch.openLane = openLane;
    openLane.inFlight.add(batch);
    run.onSend(batch);
    this.nowMs = NaN;
    this.#isSending = true;
    try {
      openLane.lane.send(batch);
    } finally {
      this.#isSending = false;
    }
    if (!openLane.inFlight.has(batch)) return;
    run.onSent?.(batch);
    this.watch(batch);
  }

  eventsOf(openLane: OpenLane): LaneEvents {
    return {
      report: (batch, report) => {
        // A report during `send` comes within an action of the pool already.
        if (this.#isSending) this.#onReport(batch as Batch, report);
        else this.pool.do(() => this.#onReport(batch as Batch, report));
      },
      heldUp: (batch) => this.pool.do(() => (batch as Batch).isHeldUp = openLane.isHeldUp = true),
      leaving: () => this.pool.do(() => this.places.retire(openLane)),
      unloadable: (batch, error) => this.pool.do(() => this.#onUnloadable(batch as Batch, error)),
      died: (death) => this.pool.do(() => this.#onDeath(openLane, death)),
    };
  }

  #onReport(batch: Batch, report: Report): void {
    if (!batch.openLane!.inFlight.has(batch)) return;
    if (report.count > 0) {
      const { failed } = this.places.of(batch.openLane!);
      if (failed.size > 0) failed.delete(batch.task.module);
      if (batch.task !== this.#loaded) {
        this.#loaded = batch.task;
        this.#earlyEnds.set(batch.task.module, -Infinity);
        // Only remote lanes are told what to load from the start.
        if (this.#options.remote) this.places.noteLoadable(batch.task);
      }
    }
    if (report.count > 0) batch.openLane!.isHeldUp = false;
    this.endedMs = report.endedAtMs;
    this.nowMs = this.pool.staysHere && report.last ? report.endedAtMs : NaN;
    this.#options.guide?.reported(batch, report);
    if (report.last) {
      const unstarted = batch.items.length - batch.reported - report.count;
      this.#release(batch, unstarted, report.startedAtMs);
    }
    batch.run.onReport(batch, report);
  }

  #onUnloadable(batch: Batch, error: Error): void {
    if (!batch.openLane!.inFlight.has(batch)) return;
    this.places.noteUnloadable(batch.task);
    this.#loaded = undefined;
    this.#release(batch, batch.items.length);
    if (this.#options.guide?.unloadable(batch, error)) batch.run.putBack(batch);
    else this.#failLoading(batch, error);
  }

  /** Sends a batch to other lanes if its task has a chance there; otherwise the failure is its run's. */
  #failLoading(batch: Batch, error: Error): void {
    const openLane = batch.openLane!;
    const hasRun = this.#earlyEnds.get(batch.task.module) === -Infinity;
    if (this.places.restFrom(batch.task, openLane, hasRun)) {
      this.#warn(`lane ${openLane.number} takes no such items for now: ${error.message}`);
      return batch.run.putBack(batch);
    }
    const task = taskName(batch.task);
    const { loadFailure } = openLane;
    const isKnown = loadFailure?.task === task && batch.sentAtMs < loadFailure.atMs;
    if (!isKnown) openLane.loadFailure = { task, atMs: clock.now() };
    batch.run.onUnloadable(batch, error, isKnown);
  }

  /** @param unstarted How many of its items its lane gives back without having started them. */
  #release(batch: Batch, unstarted = 0, startedAtMs = NaN): void {
    const openLane = batch.openLane!;
    openLane.tasksLeft += unstarted;
    openLane.inFlight.delete(batch);
    this.watched.delete(batch);
    batch.run.onLeave(batch, startedAtMs);
    this.places.noteIdle(openLane);
  }

  #onDeath(openLane: OpenLane, death: Death, forced: Forced = "stopped"): void {
    if (death.starting) this.places.endedStarting(openLane, death);
    // What comes back last is sent first.
    const lost = [...openLane.inFlight].reverse();
    const isKnown = openLane.isForced || death.starting;
    const verdicts = blame(lost, isKnown, death.suspicion, death.by);
    const hadOthers = verdicts.filter(({ at }) => isActive(at)).length > 1;
    this.places.close(openLane);
    openLane.inFlight.clear();
    for (const [index, batch] of lost.entries()) {
      this.watched.delete(batch);
      batch.run.onLeave(batch, NaN);
      const verdict = verdicts[index]!;
      if (!openLane.isForced && !death.starting && isActive(verdict.at)) {
        this.#options.guide?.lost(batch);
      }
      // Batches that didn't stop when asked to are why the lane was ended; the others are only lost with it.
      if (!openLane.isForced || batch.asked === undefined) batch.run.onLost(batch, verdict, death);
      else batch.run.onForced(batch, { at: verdict.at, forced, hadOthers });
    }
    // In the event loop such an error would end the program; unless an item's outcome has it, it is printed.
    const isTold = verdicts.some(({ fault }) => fault === "certain");
    if ("error" in death && !death.starting && !openLane.isForced && !isTold) {
      this.#warnOf(openLane, death);
    }
    const isEarly = verdicts.every(({ at }) => !isActive(at)) &&
      verdicts.some(({ fault }) => fault !== "none");
    if (this.#options.remote && isEarly) {
      this.#noteEarlyEnd(lost.map(({ task }) => task.module), death);
    }
  }

  /** Prints the error that ended a lane if no task is known to have caused it. */
  #warnOf({ number }: OpenLane, { how, error }: Death): void {
    const said = shown(wordsOf(error));
    const stack = attempt(() => String((error as Error).stack), "");
    const [, place] = /(\w+:\/\/\S+:\d+)/.exec(stack) ?? [];
    this.#warn(
      `lane ${number} ${how}, when nothing ran there that is known to have done it: ${said}` +
        (place === undefined ? "" : ` (${place})`),
      said,
    );
  }

  /** Prints a warning, but only one of those about the same. */
  #warn(text: string, about = text): void {
    if (this.#warned.has(about) || this.#warned.size === MOST_WARNINGS) return;
    this.#warned.add(about);
    // It may come from another machine, and reach a terminal.
    console.error(`warning: ${text.replaceAll(/[^\P{C}\n]+/gu, " ")}`);
  }

  /** Counts a lane that ended before any task could start; after several, the module's runs fail. */
  #noteEarlyEnd([module, ...others]: readonly string[], { how }: Death): void {
    if (module === undefined || others.some((other) => other !== module)) return;
    const ends = (this.#earlyEnds.get(module) ?? 0) + 1;
    this.#earlyEnds.set(module, ends);
    if (ends < MOST_EARLY_ENDS) return;
    const error = unloadable(module, `lanes end before a task can start: the lane ${how}`);
    this.pool.failAll(error, module);
  }

  /**
   * Stops a batch's task that went on after it was asked to stop. If its lane is ended for that, the other
   * tasks running there are lost, and batches that only waited go to other lanes.
   */
  force(batch: Batch): void {
    const openLane = batch.openLane!;
    const others = [...openLane.inFlight].some((other) =>
      other !== batch && isActive(openLane.lane.progress(other))
    );
    const forced = openLane.lane.force(batch, others);
    if (forced === "goes on" || forced === "goes on for now") {
      const at = openLane.lane.progress(batch);
      if (forced === "goes on for now") this.places.retire(openLane);
      this.#release(batch);
      return batch.run.onForced(batch, { at, forced, hadOthers: others });
    }
    this.#onForced(openLane, forced, GIVEN_UP, true);
  }

  /** Fails a batch whose task isn't loaded in time, and retires its lane unless it is this event loop. */
  giveUpLoading(batch: Batch): void {
    const { task, run } = batch;
    const openLane = batch.openLane!;
    const stage = openLane.lane.stageOf(task);
    this.#recall(batch);
    const isHere = !this.#options.remote && openLane.number === 0;
    if (!isHere) this.places.retire(openLane);
    this.#failLoading(batch, loadsTooLong(task, run.settings.loadTimeoutMs, [stage], isHere));
  }

  /** Ends a lane that doesn't start a batch in time. Its batches go to other lanes, but only a few times. */
  giveUpLane(batch: Batch): void {
    const openLane = batch.openLane!;
    if (openLane.isForced) return;
    const how = `started nothing in ${batch.run.settings.loadTimeoutMs} ms`;
    this.#onForced(openLane, openLane.lane.force(batch, false), how, false);
  }

  /** Handles a lane that was ended, or soon is, because a task or what one left behind goes on there. */
  #onForced(openLane: OpenLane, forced: Forced, how: string, recalls: boolean): void {
    openLane.isForced = true;
    if (forced === "ends") this.places.retire(openLane, recalls);
    else this.#onDeath(openLane, { how, starting: false }, forced);
  }

  /** Watches a batch that was given to its lane, if it has a time limit. */
  watch(batch: Batch): void {
    const mostMs = leastMs(batch);
    if (mostMs === Infinity) return;
    this.watched.add(batch);
    this.lookIn(mostMs);
  }

  /** Looks at the watched batches within this many milliseconds, but never at once. */
  lookIn(afterMs: number): void {
    this.#alarm.within(Math.max(afterMs, LEAST_TIMER_MS));
  }

  /** Stops the timer if no batch is watched. */
  rest(): void {
    if (this.watched.size === 0) this.stop();
  }

  stop(): void {
    this.#alarm.stop();
  }

  /** Asks a batch's task to stop, and forces it after `graceMs`. */
  ask(batch: Batch, why: AskReason, reason?: unknown, offset = -1): void {
    if (batch.asked?.why === "cancel") return;
    this.watched.add(batch);
    batch.asked = { atMs: clock.now(), why, offset };
    batch.openLane!.lane.ask(batch, why, reason, offset);
    this.lookIn(this.#options.graceMs);
  }

  /** A task past its deadline, which counts from its own start, is asked to stop, and forced if it goes on. */
  #lookAt(batch: Batch): void {
    const now = clock.now();
    const at = batch.openLane!.lane.progress(batch);
    const { asked, settings: { timeoutMs, loadTimeoutMs } } = batch;
    const mostMs = leastMs(batch);
    const isNext = at.state === "waiting" && at.isNext === true;
    if (!isNext) batch.nextSinceMs = Infinity;
    if (asked?.why === "timeout" && (at.state !== "running" || at.offset !== asked.offset)) {
      batch.asked = undefined; // that item has ended, and the next is running
    }
    if (batch.asked !== undefined) {
      if (this.#isOver(batch, batch.asked.atMs + this.#options.graceMs)) this.force(batch);
    } else if (at.state === "loading") {
      if (this.#isOver(batch, at.sinceMs + loadTimeoutMs)) this.giveUpLoading(batch);
      else this.lookIn(timeoutMs);
    } else if (mostMs !== Infinity) {
      // Something that an ended task left behind may keep a lane busy forever.
      if (isNext) batch.nextSinceMs = Math.min(batch.nextSinceMs, now);
      const dueMs = at.state === "running" ? at.sinceMs + timeoutMs : now + mostMs;
      if (at.state === "running" && now >= dueMs) this.ask(batch, "timeout", undefined, at.offset);
      else if (isNext && this.#isOver(batch, batch.nextSinceMs + loadTimeoutMs)) {
        this.giveUpLane(batch);
      } else this.lookIn(dueMs - now);
    }
  }

  /**
   * Whether the time has come at which a batch or its lane is given up; if not, looks again then. What the lane
   * said in time may still be unread if this event loop was held up, so it gets one more turn.
   */
  #isOver(batch: Batch, dueMs: number): boolean {
    const lateMs = clock.now() - dueMs;
    const isHeldUp = lateMs > LEAST_TIMER_MS && batch.missedDueMs !== dueMs;
    if (isHeldUp) batch.missedDueMs = dueMs;
    else if (lateMs >= 0) return true;
    this.lookIn(-lateMs);
    return false;
  }

  /**
   * Gives a batch back to its run if none of it has started; returns false if it is too late.
   *
   * @param goesOn Whether the lane is to go on loading the task, though no batch waits for it.
   */
  takeBack(batch: Batch, goesOn = false): boolean {
    const isBack = this.#recall(batch, goesOn);
    if (isBack) batch.run.putBack(batch);
    return isBack;
  }

  #recall(batch: Batch, goesOn = false): boolean {
    if (!batch.openLane!.lane.recall(batch, goesOn)) return false;
    this.#release(batch, batch.items.length);
    return true;
  }

  recallAll(): void {
    for (const batch of this.#all.reverse()) this.takeBack(batch);
  }
}

/** The least time until a batch may exceed a limit, in milliseconds; one not sent may be loading too long. */
function leastMs({ sentCount, settings }: Batch): number {
  return sentCount > 0 ? settings.timeoutMs : Math.min(settings.loadTimeoutMs, settings.timeoutMs);
}

/** The cause given for a lane that was ended to stop one of its tasks. */
const GIVEN_UP = "was ended, for another task on it ignored that it was to stop";
