/**
 * The lanes of an executor, shared by all its runs: finds a free slot for each batch, whichever run's
 * turn it is, and settles what becomes of batches whose lanes are lost.
 *
 * All that changes is done through {@linkcode LanePool.do}, one thing after another: callers'
 * functions that run in between, such as an input's or `onProgress`, may ask for anything, and it is
 * done when they have returned.
 */

import { attempt, shown, wordsOf } from "../lanes/attempt.ts";
import type { LaneStartError } from "../lanes/errors.ts";
import { Turn } from "../lanes/event_loop.ts";
import type { Death, Fidelity, Forced, LaneEvents, Report } from "../lanes/lane.ts";
import { unloadable } from "../lanes/lane_tasks.ts";
import type { Task } from "../lanes/task.ts";
import { clock } from "../lanes/timers.ts";
import { type Batch, type BatchLimits, OpenLane, type PaceMaker, type PoolRun } from "./batch.ts";
import { blame, isActive, progressOf } from "./blame.ts";
import { Bag, Fifo } from "./collections.ts";
import {
  loadsTooLong,
  type Place,
  Places,
  type PlacesHost,
  type PlacesOptions,
  type TaskPlaces,
} from "./places.ts";
import type { LossOptions } from "./settler.ts";
import { Deadlines } from "./stops.ts";

/** What a pool of lanes is told. */
export interface PoolOptions extends PlacesOptions, LossOptions {
  /** Whether a message to a lane costs so much that tiny tasks had better travel together. */
  readonly remote: boolean;
  /** Whether buffers move to lanes and back if they are told to. */
  readonly moves: boolean;
  /** What batches are to be like, unless their items run one after another. */
  readonly batches?: BatchLimits;
  /** How many lanes there are to be had, where that changes; undefined while it isn't known. */
  readonly lanesThere?: () => number | undefined;
  /** After so many tasks a lane gets no more, and is replaced; never unless given. */
  readonly tasksPerLane?: number;
  /** Decides while runs go on how many slots each place has; they stay as they are unless given. */
  readonly guide?: PoolGuide;
}

/** What is known of tasks in such a pool. */
interface GuidedTasks extends TaskPlaces {
  /** Whether a batch that is about to be sent elsewhere can't be; it is run in the event loop then. */
  keeps(batch: Batch): boolean;
}

/** What decides where tasks go in a pool whose first lane is this event loop, the others elsewhere. */
export interface PoolGuide {
  /** How much of what tasks give and throw must arrive as it is. */
  readonly fidelity: Fidelity;
  /** Tasks are started no closer together than this, in milliseconds. */
  readonly gapMs: number;
  /** Whether none is started at all for now; it will tell by a new size. */
  readonly isBraking: boolean;
  /** Paces what has a key. */
  readonly pace: PaceMaker;
  readonly tasks: GuidedTasks;
  /** Whether tiny ones of a task's items are to travel together. */
  together(task: Task): boolean;
  /** Starting a task held up the event loop for so long. */
  held(ms: number): void;
  reported(batch: Batch, report: Report): void;
  /** A batch's task ran on a lane that died by itself. */
  lost(batch: Batch): void;
  /** Its task can't be loaded where it was sent; returns whether it is run in the event loop then. */
  unloadable(batch: Batch, error: Error): boolean;
  /** No lane can be started. */
  noLanes(why: string): void;
  /** There is something to do. */
  begin(): void;
  /** Everything is done. */
  rest(): void;
}

/** A task that runs. */
export interface RunningTask {
  /** The number of the lane that it runs on, from 0. */
  readonly lane: number;
  /** The task's name; that of a plain function has the module `function:`. */
  readonly task: Task;
  /** The item's place in the input, from 0; 0 for a call of `run`. */
  readonly index: number;
  /** What it works on. */
  readonly item: unknown;
  /** Which try this is, from 1. */
  readonly attempt: number;
  /**
   * Since when it runs, on the caller's `performance.now()` clock. A subprocess doesn't say which one of
   * tiny tasks that travelled together it is at: then this is when they were sent, and the item is the
   * first of which nothing is known.
   */
  readonly startedAtMs: number;
}

/** A module that ended so many lanes before any task of it could start is taken to do so always. */
const MOST_EARLY_ENDS = 3;
/** So many errors are told that no item tells. */
const MOST_WARNINGS = 16;
/** While all slots are taken, so many runs are asked whether they send ahead. */
const MOST_ASKED = 16;

/** The lanes of one executor. */
export class LanePool implements PlacesHost {
  /** Whether nothing ever runs elsewhere, so that nothing need be known of how items travel. */
  readonly staysHere: boolean;
  readonly #places: Places;
  readonly #runs = new Bag<PoolRun>();
  /** Those that may have something to send, in the order of their turns. */
  readonly #ready = new Fifo<PoolRun>();
  /** Those on lanes that must not exceed some time. */
  readonly #watched = new Set<Batch>();
  readonly #deadlines = new Deadlines(this, this.#watched);
  /** The task that ran last on some lane, and so can be loaded. */
  #loaded: Task | undefined;
  /** How many lanes each module ended before a task of it could start; −Infinity once one has ended. */
  readonly #earlyEnds = new Map<string, number>();
  /** Errors that were told, for no item tells them. */
  readonly #warned = new Set<string>();
  readonly #actions = new Fifo<() => void>();
  #isBusy = false;
  /** Whether a lane is just being given a batch, which it may report at once. */
  #isSending = false;
  /** Whether nothing is sent. */
  #isPaused = false;
  readonly #turn = new Turn(() => this.do(() => {}), () => this.#places.isUsedElsewhere);
  #lastSentMs = 0;
  /** When what was reported last had ended. */
  #endedMs = 0;
  /** The time, if nothing has taken any since it was looked at; else NaN. */
  #nowMs = NaN;
  #paceTimer: ReturnType<typeof setTimeout> | undefined;

  /** Starts no lane yet. */
  constructor(readonly options: PoolOptions) {
    this.#places = new Places(options, this);
    this.staysHere = !options.remote && options.guide === undefined;
  }

  /** Slots of the lane that has the most, where lanes may have fewer than were asked for. */
  get givenSlots(): number | undefined {
    const given = this.openLanes.flatMap(({ lane }) => lane.slots ?? []);
    return given.length > 0 ? Math.max(...given) : undefined;
  }

  /** Slots on all lanes together. */
  get slots(): number {
    let sum = 0;
    for (let at = 0; at < this.lanes; at++) sum += this.#places.all[at]!.slots;
    return sum;
  }

  get load(): number {
    return this.#places.all.reduce((sum, { load }) => sum + load, 0);
  }

  /** Items that were not sent yet; undefined if some run can't tell. */
  get remaining(): number | undefined {
    let sum = 0;
    for (const { remaining } of this.#runs) {
      if (remaining === undefined) return undefined;
      sum += remaining;
    }
    return sum;
  }

  /** What runs run, each task once: thousands of calls may have the same one. */
  get tasks(): Task[] {
    const tasks = new Set<Task>();
    for (const { task } of this.#runs) tasks.add(task);
    return [...tasks];
  }

  /** Whether tiny ones of a task's items travel together. */
  sendsTogether(task: Task): boolean {
    const { remote, guide } = this.options;
    return remote || !this.#places.isSimple && guide?.together(task) === true;
  }

  /** How many lanes there can be now. */
  get lanes(): number {
    const { lanes, lanesThere } = this.options;
    return Math.min(lanes, lanesThere?.() ?? lanes);
  }

  /** Whether several runs use the lanes. */
  get isShared(): boolean {
    return this.#runs.size > 1;
  }

  /** The lanes that are open, in the order of their numbers. */
  get openLanes(): OpenLane[] {
    return this.#places.openLanes;
  }

  /** What lanes have of a run. */
  batchesOf(run: PoolRun): Batch[] {
    return this.#places.lanes.flatMap(({ inFlight }) =>
      [...inFlight].filter((batch) => batch.run === run)
    );
  }

  /** What runs at this moment, lane by lane. */
  get running(): RunningTask[] {
    return this.#places.lanes.flatMap(({ number, inFlight }) =>
      [...inFlight].flatMap((batch) => {
        const at = progressOf(batch);
        if (!isActive(at)) return [];
        const { offset, sinceMs } = at.state === "running"
          ? at
          : { offset: batch.reported, sinceMs: NaN };
        return {
          lane: number,
          task: batch.task,
          index: batch.firstIndex + offset,
          item: batch.items[offset],
          attempt: batch.attempt,
          startedAtMs: Number.isNaN(sinceMs) ? batch.sentAtMs : sinceMs,
        };
      })
    );
  }

  /** Sends nothing more, and takes back what wasn't started; what runs goes on. */
  pause(): void {
    this.#isPaused = true;
    this.do(() => this.#recallAll());
  }

  #recallAll(): void {
    for (const { inFlight } of this.#places.lanes) {
      for (const batch of inFlight) this.takeBack(batch);
    }
  }

  resume(): void {
    this.#isPaused = false;
    this.wakeAll();
  }

  /** Gives lanes so many slots from now on, each by its number; what runs beyond them goes on. */
  resize(slotsOf: (lane: number) => number): void {
    this.#places.resize(slotsOf);
    this.wakeAll();
  }

  /** Closes lanes that have no slots any more, once what runs on them has ended. */
  retireUnused(): void {
    this.do(() => {
      for (const { slots, open } of this.#places.all) {
        if (slots === 0 && open !== undefined) this.#places.retire(open);
      }
    });
  }

  /** What could not be sent may be sent now. */
  wakeAll(): void {
    this.do(() => {
      for (const run of this.#runs) this.#queue(run);
    });
  }

  /** No lane can be started. */
  failAll(error: LaneStartError): void {
    const { guide } = this.options;
    if (guide !== undefined) return guide.noLanes(error.message);
    for (const run of this.#runs) run.fail(error);
  }

  /** Does something after what is being done now, and then sends what can be sent. */
  do(action: () => void): void {
    if (this.#isBusy) return this.#actions.push(action);
    this.#isBusy = true;
    for (let next: (() => void) | undefined = action; next !== undefined;) {
      guarded(next);
      if (this.#actions.size === 0) guarded(this.#fill);
      this.#nowMs = NaN;
      next = this.#actions.shift();
    }
    this.#isBusy = false;
  }

  /** Throws a TypeError, by `what` it can't do, if the executor is closed. */
  add(run: PoolRun, what: "map" | "run" = "map"): void {
    if (this.#places.isClosed) throw new TypeError(`Cannot ${what}: the executor is closed`);
    this.#runs.add(run);
    if (this.#runs.size === 1) this.options.guide?.begin();
    this.#places.wait(1);
    this.#queue(run);
  }

  /** Whether runs wait already, so that of one that comes behind them nothing can be sent now. */
  get isCrowded(): boolean {
    return !this.options.remote && !this.#isBusy && this.#ready.size > 0;
  }

  /** A run keeps lanes, and with them the program, alive no more, or does so again. */
  rest(run: PoolRun, rests: boolean): void {
    if ((run.rests ?? false) === rests || !this.#runs.has(run)) return;
    run.rests = rests;
    this.#places.wait(rests ? -1 : 1);
    if (rests) this.#deadlines.rest();
  }

  /** A run may have something to send. */
  wake(run: PoolRun): void {
    if (!run.isReady) {
      if (!this.#runs.has(run)) return;
      this.#queue(run);
    }
    if (!this.#isBusy) this.do(() => {});
  }

  /** A run waits for its turn, behind all others. */
  #queue(run: PoolRun): void {
    if (run.isReady) return;
    run.isReady = true;
    this.#ready.push(run);
  }

  /** The run whose turn it is waits no more. */
  #unqueue(run: PoolRun): void {
    run.isReady = false;
    this.#ready.shift();
  }

  remove(run: PoolRun): void {
    if (!this.#runs.delete(run)) return;
    if (run.rests !== true) this.#places.wait(-1);
    this.#deadlines.rest();
    if (this.#runs.size === 0) this.options.guide?.rest();
  }

  /** Fills free slots; where nothing is queued for them, with what waits on busy lanes. */
  readonly #fill = () => {
    this.#sendQueued();
    if (!this.#takesAhead) return;
    for (let free = this.freeSlots; free > 0 && this.#recallWaiting(); free--) this.#sendQueued();
  };

  /** Whether batches wait on lanes for slots. */
  get #takesAhead(): boolean {
    return this.options.takesAhead && !this.#places.isSimple;
  }

  /** Whether a place has a lane, or there is one to be had for it. */
  #canOpen({ open }: Place): boolean {
    return open !== undefined || this.openLanes.length < this.lanes;
  }

  /** Takes a batch back that waits on a lane, or asks for it, if another has a slot free for it. */
  #recallWaiting(): boolean {
    for (const openLane of this.openLanes) {
      const { inFlight } = openLane;
      const isOverfull = inFlight.size > this.#places.of(openLane).slots;
      // What was sent last would start last.
      for (const batch of [...inFlight].reverse()) {
        if (!isOverfull && !batch.isHeldUp) continue;
        const place = this.#places.placeFor(batch.run, false);
        if (place === undefined || place.load >= place.slots || !this.#canOpen(place)) continue;
        if (batch.isHeldUp && place.open?.isHeldUp) continue;
        if (!this.takeBack(batch) && openLane.lane.askBack?.(batch) !== true) continue;
        // It may have been started meanwhile.
        batch.isHeldUp = false;
        return true;
      }
    }
    return false;
  }

  /** Sends run by run in turn. */
  #sendQueued(): void {
    const { guide } = this.options;
    /** Runs in a row for which there was no place. */
    let refused = 0;
    while (this.#actions.size === 0 && !this.#isPaused) {
      const run = this.#ready.first;
      if (run === undefined) return;
      if (this.#places.isSimple && this.#places.isFull) return;
      const wanted = run.peek();
      if (guide !== undefined && wanted !== undefined && this.#isPaced(guide)) return;
      const place = wanted && this.#places.placeFor(run, wanted.alone);
      if (wanted !== undefined && place === undefined) {
        if (this.#places.isFull) return this.#sendAhead();
        if (++refused >= this.#ready.size) return;
        this.#pass(run);
        continue;
      }
      // Lanes elsewhere are fed all the same.
      const isHere = place?.number === 0 && !this.options.remote;
      if (isHere && this.#turn.isOver(Math.max(this.#lastSentMs, this.#endedMs))) return;
      const batch = place && run.take(this.#nowMs);
      if (batch === undefined || run.isCall) this.#unqueue(run);
      else if (this.#ready.size > 1) this.#pass(run);
      if (batch === undefined) continue;
      refused = 0;
      this.#send(run, place!, batch);
    }
  }

  /** All slots are taken: only runs that send ahead may send more, whoever's turn it is. */
  #sendAhead(): void {
    if (!this.#takesAhead) return;
    for (const run of this.#ready.slice(1, MOST_ASKED)) {
      if (run.ahead === 0 || run.peek()?.alone !== false) continue;
      const place = this.#places.placeFor(run, false);
      const batch = place && run.take(NaN);
      if (place !== undefined && batch !== undefined) this.#send(run, place, batch);
    }
  }

  #pass(run: PoolRun): void {
    this.#unqueue(run);
    this.#queue(run);
  }

  /** How many slots are free, though perhaps not for everybody. */
  get freeSlots(): number {
    return this.#isPaused ? 0 : this.#places.freeSlots;
  }

  /** Whether the next task is to wait, for others were started shortly before. */
  #isPaced({ gapMs, isBraking }: PoolGuide): boolean {
    if (gapMs === 0 || isBraking) return isBraking;
    const waitMs = this.#lastSentMs + gapMs - clock.now();
    if (waitMs <= 0) return false;
    this.#paceTimer ??= clock.setTimeout(() => {
      this.#paceTimer = undefined;
      this.do(() => {});
    }, Math.ceil(waitMs));
    return true;
  }

  #send(run: PoolRun, place: Place, batch: Batch): void {
    if (place.number > 0 && this.options.guide?.tasks.keeps(batch)) place = this.#places.all[0]!;
    if (place.open?.lane.accepts(run.task) === false) this.#places.retire(place.open, false);
    const openLane = place.open ?? this.#places.open(place, [run.task]);
    if (openLane === undefined) return run.putBack(batch);
    const { tasksPerLane = Infinity } = this.options;
    const left = tasksPerLane - openLane.tasks;
    if (batch.items.length > left) {
      run.putBack(batch.part(left, batch.items.length));
      batch = batch.part(0, left);
    }
    openLane.tasks += batch.items.length;
    if (batch.alone) {
      openLane.exclusive = true;
      // It may have waited for other places before: a reservation that is kept would be waited for.
      this.#places.unreserve(run);
    }
    batch.openLane = openLane;
    openLane.inFlight.add(batch);
    run.onSend(batch);
    this.#lastSentMs = batch.sentAtMs;
    this.#nowMs = NaN;
    this.#isSending = true;
    try {
      openLane.lane.send(batch);
    } finally {
      this.#isSending = false;
    }
    if (openLane.inFlight.has(batch)) {
      if (place.number === 0) this.options.guide?.held(clock.now() - batch.sentAtMs);
      run.onSent?.(batch);
      this.#deadlines.watch(batch);
    } else if (place.number === 0) {
      // What never waited has ended by now.
      this.options.guide?.held(this.#endedMs - batch.sentAtMs);
    }
    if (openLane.tasks >= tasksPerLane) this.#places.retire(openLane, false);
  }

  eventsOf(openLane: OpenLane): LaneEvents {
    return {
      report: (batch, report) => {
        // What ends while it is sent needs no turn of its own.
        if (this.#isSending) this.#onReport(batch as Batch, report);
        else this.do(() => this.#onReport(batch as Batch, report));
      },
      heldUp: (batch) => this.do(() => (batch as Batch).isHeldUp = openLane.isHeldUp = true),
      leaving: () => this.do(() => this.#places.retire(openLane)),
      unloadable: (batch, error) => this.do(() => this.#onUnloadable(batch as Batch, error)),
      died: (death) => this.do(() => this.#onDeath(openLane, death)),
    };
  }

  /**
   * Starts every lane that has slots, or those that are wanted, loads a task on each, and waits until
   * all that can be started are ready.
   *
   * @throws {TypeError} If the executor is closed.
   * @throws {LaneStartError} If no lane can be started.
   * @throws {TaskLoadError} If the task can't be loaded, or not in so many milliseconds.
   */
  openAll(
    task: Task | undefined,
    loadTimeoutMs: number,
    isWanted: (place: Place) => boolean = ({ slots }) => slots > 0,
  ): Promise<void> {
    return this.#places.openAll(task, loadTimeoutMs, this.#places.all.filter(isWanted));
  }

  #onReport(batch: Batch, report: Report): void {
    if (!batch.openLane!.inFlight.has(batch)) return;
    // This event loop itself keeps what it has loaded.
    if (this.options.remote && report.count > 0 && batch.task !== this.#loaded) {
      this.#loaded = batch.task;
      this.#places.noteLoadable(batch.task);
      this.#earlyEnds.set(batch.task.module, -Infinity);
    }
    if (report.count > 0) batch.openLane!.isHeldUp = false;
    this.#endedMs = report.endedAtMs;
    this.#nowMs = this.staysHere && report.last ? report.endedAtMs : NaN;
    this.options.guide?.reported(batch, report);
    if (report.last) this.#release(batch);
    batch.run.onReport(batch, report);
  }

  #onUnloadable(batch: Batch, error: Error): void {
    if (!batch.openLane!.inFlight.has(batch)) return;
    this.#places.noteUnloadable(batch.task);
    this.#loaded = undefined;
    this.#release(batch);
    if (this.options.guide?.unloadable(batch, error)) batch.run.putBack(batch);
    else batch.run.onUnloadable(batch, error);
  }

  #release(batch: Batch): void {
    const openLane = batch.openLane!;
    openLane.inFlight.delete(batch);
    this.#watched.delete(batch);
    if (batch.alone) openLane.exclusive = false;
    this.#places.noteIdle(openLane);
  }

  #onDeath(openLane: OpenLane, death: Death, forced: Forced = "stopped"): void {
    if (death.starting) this.#places.endedStarting(openLane, death);
    const lost = [...openLane.inFlight];
    const verdicts = blame(lost, openLane.isForced || death.starting, death.suspicion);
    const hadOthers = verdicts.filter(({ at }) => isActive(at)).length > 1;
    this.#places.close(openLane);
    openLane.inFlight.clear();
    for (const [index, batch] of lost.entries()) {
      this.#watched.delete(batch);
      const verdict = verdicts[index]!;
      if (!openLane.isForced && !death.starting && isActive(verdict.at)) {
        this.options.guide?.lost(batch);
      }
      // Those that were asked to stop and didn't are why it was ended.
      if (!openLane.isForced || batch.asked === undefined) batch.run.onLost(batch, verdict, death);
      else batch.run.onForced(batch, verdict.at, forced, hadOthers);
    }
    // In the event loop such an error ends the program: on a lane it had better be told, if no item tells it.
    const isTold = verdicts.some(({ fault }) => fault === "certain");
    if ("error" in death && !death.starting && !openLane.isForced && !isTold) {
      this.#warn(openLane, death);
    }
    const isEarly = verdicts.every(({ at }) => !isActive(at)) &&
      verdicts.some(({ fault }) => fault !== "none");
    if (this.options.remote && isEarly) {
      this.#noteEarlyEnd(lost.map(({ task }) => task.module), death);
    }
  }

  /** Says what ended a lane though no task is known to have done it; the same only once. */
  #warn({ number }: OpenLane, { how, error }: Death): void {
    const said = shown(wordsOf(error));
    if (this.#warned.has(said) || this.#warned.size === MOST_WARNINGS) return;
    this.#warned.add(said);
    const stack = attempt(() => String((error as Error).stack), "");
    const [, place] = /(\w+:\/\/\S+:\d+)/.exec(stack) ?? [];
    console.error(
      `warning: lane ${number} ${how}, when nothing ran there that is known to have done it: ${said}` +
        (place === undefined ? "" : ` (${place})`),
    );
  }

  /** A lane ended before what it was sent could start: if that goes on, none that wait for it will. */
  #noteEarlyEnd([module, ...others]: readonly string[], { how }: Death): void {
    if (module === undefined || others.some((other) => other !== module)) return;
    const ends = (this.#earlyEnds.get(module) ?? 0) + 1;
    this.#earlyEnds.set(module, ends);
    if (ends < MOST_EARLY_ENDS) return;
    const error = unloadable(module, `lanes end before a task can start: the lane ${how}`);
    for (const run of this.#runs) if (run.task.module === module) run.fail(error);
  }

  /**
   * Makes a batch's task stop that went on after it was asked to. If its lane is ended for that, what
   * else ran there has lost it; what only waited goes elsewhere.
   */
  force(batch: Batch): void {
    const openLane = batch.openLane!;
    const others = [...openLane.inFlight].some((other) =>
      other !== batch && isActive(openLane.lane.progress(other))
    );
    const forced = openLane.lane.force(batch, others);
    if (forced === "goes on" || forced === "goes on for now") {
      const at = openLane.lane.progress(batch);
      if (forced === "goes on for now") this.#places.retire(openLane);
      this.#release(batch);
      return batch.run.onForced(batch, at, forced, others);
    }
    openLane.isForced = true;
    if (forced === "ends") this.#places.retire(openLane);
    else this.#onDeath(openLane, { how: GIVEN_UP, starting: false }, forced);
  }

  /** A task doesn't come to the end of its loading. Nothing else is sent to that lane. */
  giveUpLoading(batch: Batch): void {
    const { task, run } = batch;
    const openLane = batch.openLane!;
    const stage = openLane.lane.stageOf(task);
    this.#recall(batch);
    const isHere = !this.options.remote && openLane.number === 0;
    if (!isHere) this.#places.retire(openLane);
    run.onUnloadable(batch, loadsTooLong(task, run.settings.loadTimeoutMs, [stage], isHere));
  }

  /** Its lane doesn't come to start it: what is there goes elsewhere, but not from lane to lane for ever. */
  giveUpLane(batch: Batch): void {
    const openLane = batch.openLane!;
    if (openLane.isForced) return;
    openLane.isForced = true;
    const how = `started nothing in ${batch.run.settings.loadTimeoutMs} ms`;
    const forced = openLane.lane.force(batch, false);
    if (forced === "ends") this.#places.retire(openLane, false);
    else this.#onDeath(openLane, { how, starting: false }, forced);
  }

  /** Asks a batch's task to stop, and sees to it that it does. */
  cancel(batch: Batch, reason: unknown): void {
    this.#deadlines.ask(batch, "cancel", reason);
  }

  /** Gives a batch back of which nothing has been started; false if it is too late. */
  takeBack(batch: Batch): boolean {
    const isBack = this.#recall(batch);
    if (isBack) batch.run.putBack(batch);
    return isBack;
  }

  #recall(batch: Batch): boolean {
    if (!batch.openLane!.lane.recall(batch)) return false;
    this.#release(batch);
    return true;
  }

  /** Waits until nothing is left; a TeardownError is told once. */
  async close(): Promise<void> {
    this.#places.beginClosing();
    const why = new TypeError("The executor was closed");
    // All at once: a slot that one of them frees is nothing for the others.
    this.#isPaused = true;
    await new Promise<unknown>((resolve) => {
      this.do(() => {
        this.#recallAll();
        resolve(Promise.all([...this.#runs].map((run) => run.close(why))));
      });
    });
    this.#turn.close();
    this.#deadlines.stop();
    clock.clearTimeout(this.#paceTimer);
    await this.#places.closeAll();
  }
}

/** How a lane was lost whose task had to be stopped by force. */
export const GIVEN_UP = "was ended, for another task on it ignored that it was to stop";

/** A mistake of ours must not leave the others waiting. */
function guarded(action: () => void): void {
  try {
    action();
  } catch (error) {
    reportError(error);
  }
}
