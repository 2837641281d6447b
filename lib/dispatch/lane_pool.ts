/**
 * The lanes of an executor, shared by all its runs: finds a free slot for each batch, whichever run's
 * turn it is, and settles what becomes of batches whose lanes are lost.
 *
 * All that changes is done through {@linkcode LanePool.do}, one thing after another: callers'
 * functions that run in between, such as an input's or `onProgress`, may ask for anything, and it is
 * done when they have returned.
 */

import { wordsOf } from "../lanes/attempt.ts";
import { LaneStartError, TaskLoadError, TeardownError } from "../lanes/errors.ts";
import type { Death, Forced, Lane, LaneEvents, Report } from "../lanes/lane.ts";
import { allAsOne } from "../lanes/lane_tasks.ts";
import { nameOf, type Task } from "../lanes/task.ts";
import { MOST_TIMER_MS, within } from "../lanes/timers.ts";
import { type Batch, type BatchLimits, Fifo, OpenLane, type PoolRun } from "./batch.ts";
import { blame, isActive, type LossOptions, progressOf } from "./settler.ts";

/** How a pool is made up. */
export interface PoolOptions extends PlacesOptions, LossOptions {
  /** Whether a message to a lane costs so much that tiny tasks had better travel together. */
  readonly remote: boolean;
  /** Whether batches may wait on a lane for a slot: only if they can be taken back while it is busy. */
  readonly takesAhead: boolean;
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

/** What decides where tasks go in a pool whose first lane is this event loop, the others elsewhere. */
export interface PoolGuide {
  /** Tasks are started no closer together than this, in milliseconds. */
  readonly gapMs: number;
  /** Whether none is started at all for now; it will tell by a new size. */
  readonly isBraking: boolean;
  /** Whether tiny tasks are to travel together. */
  readonly together: boolean;
  /** Whether a task never leaves the event loop. */
  staysHere(task: Task): boolean;
  /** Whether a batch that is about to be sent elsewhere can't be; it is run in the event loop then. */
  keeps(batch: Batch): boolean;
  /** Starting a task held up the event loop for so long. */
  held(ms: number): void;
  reported(batch: Batch, report: Report): void;
  /** A batch's task ran on a lane that died by itself. */
  lost(batch: Batch): void;
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

/** How long tasks may hold this event loop up before timers, signals and aborts come through. */
const TURN_MS = 20;
/**
 * What other threads have for this event loop, such as bytes that were read or a signal, comes through
 * when it sleeps, else after 31 turns: so it sleeps after so long. That takes a millisecond.
 */
const AWAKE_MS = 200;
/** While all slots are taken, so many runs are asked whether they send ahead. */
const MOST_ASKED = 16;

/** The lanes of one executor. */
export class LanePool implements PlacesHost {
  readonly #places: Places;
  /** The place, where there is one alone and the choice is simple. */
  readonly #only: Place | undefined;
  /** Every run that hasn't ended. */
  readonly #runs = new Set<PoolRun>();
  /** Those that may have something to send, in the order of their turns. */
  readonly #ready = new Fifo<PoolRun>();
  /** Runs whose tasks were loaded on some lane. */
  readonly #proven = new WeakSet<PoolRun>();
  readonly #actions: (() => void)[] = [];
  #isBusy = false;
  /** Whether a lane is just being given a batch, which it may report at once. */
  #isSending = false;
  /** Whether nothing is sent. */
  #isPaused = false;
  #turnBeganMs = performance.now();
  #turnEnds = false;
  #nextTurn: ReturnType<typeof setImmediate> | undefined;
  #sleptMs = this.#turnBeganMs;
  #sleep: ReturnType<typeof setTimeout> | undefined;
  #lastSentMs = 0;
  #paceTimer: ReturnType<typeof setTimeout> | undefined;

  /** Starts no lane yet. */
  constructor(readonly options: PoolOptions) {
    this.#places = new Places(options, this);
    const isSimple = options.lanes === 1 && !options.takesAhead && options.guide === undefined;
    this.#only = isSimple ? this.#places.all[0] : undefined;
  }

  /** Slots on all lanes together. */
  get slots(): number {
    let sum = 0;
    for (let at = 0; at < this.lanes; at++) sum += this.#places.all[at]!.slots;
    return sum;
  }

  /** How many batches are on lanes. */
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

  /** What the runs that have not ended run. */
  get tasks(): Task[] {
    return [...this.#runs].map(({ task }) => task);
  }

  /** Whether tiny tasks travel together. */
  get sendsTogether(): boolean {
    return this.options.remote || this.options.guide?.together === true;
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
      for (const batch of inFlight) if (this.recall(batch)) batch.run.putBack(batch);
    }
  }

  /** Sends again. */
  resume(): void {
    this.#isPaused = false;
    this.wakeAll();
  }

  /** Gives lanes so many slots from now on, each by its number; what runs beyond them goes on. */
  resize(slotsOf: (lane: number) => number): void {
    for (const place of this.#places.all) place.slots = slotsOf(place.number);
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
    this.do(() => this.#runs.forEach((run) => this.#queue(run)));
  }

  /** No lane can be started. */
  failAll(error: LaneStartError): void {
    for (const run of [...this.#runs]) run.fail(error);
  }

  /** Does something after what is being done now, and then sends what can be sent. */
  do(action: () => void): void {
    this.#actions.push(action);
    if (this.#isBusy) return;
    this.#isBusy = true;
    do {
      // No shift(), for there may be many.
      for (let at = 0; at < this.#actions.length; at++) attempt(this.#actions[at]!);
      this.#actions.length = 0;
      attempt(this.#fill);
    } while (this.#actions.length > 0);
    this.#isBusy = false;
  }

  /**
   * Lets a run take part.
   *
   * @param what What can't be done otherwise.
   * @throws {TypeError} If the executor is closed.
   */
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
  }

  /** A run may have something to send. */
  wake(run: PoolRun): void {
    if (!this.#runs.has(run)) return;
    this.#queue(run);
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

  /** A run is over. */
  remove(run: PoolRun): void {
    if (!this.#runs.delete(run)) return;
    if (run.rests !== true) this.#places.wait(-1);
    if (this.#runs.size === 0) this.options.guide?.rest();
  }

  #unreserve(run: PoolRun): void {
    for (const place of this.#places.all) {
      if (place.reservedFor === run) place.reservedFor = undefined;
    }
  }

  /** Fills free slots; where nothing is queued for them, with what waits on busy lanes. */
  readonly #fill = () => {
    this.#sendQueued();
    if (!this.options.takesAhead) return;
    for (let free = this.freeSlots; free > 0 && this.#recallWaiting(); free--) this.#sendQueued();
  };

  /** Whether a place has a lane, or there is one to be had for it. */
  #canOpen({ open }: Place): boolean {
    return open !== undefined || this.openLanes.length < this.lanes;
  }

  /** Takes a batch back that waits on a lane, or asks for it, if another has a slot free for it. */
  #recallWaiting(): boolean {
    for (const on of this.openLanes) {
      const { inFlight } = on;
      if (inFlight.size <= this.#places.of(on).slots) continue;
      // What was sent last would start last.
      for (const batch of [...inFlight].reverse()) {
        const place = this.#placeFor(batch.run, false);
        if (place === undefined || place.load >= place.slots || !this.#canOpen(place)) continue;
        if (this.recall(batch)) batch.run.putBack(batch);
        else if (on.lane.askBack?.(batch) !== true) continue;
        return true;
      }
    }
    return false;
  }

  /** Sends run by run in turn. */
  #sendQueued(): void {
    /** Runs in a row for which there was no place. */
    let refused = 0;
    while (this.#actions.length === 0 && !this.#isPaused) {
      const run = this.#ready.first;
      if (run === undefined) return;
      if (run.isCall && this.#only !== undefined && this.#only.load >= this.#only.slots) return;
      const wanted = run.peek();
      if (wanted !== undefined && this.#isPaced()) return;
      const place = wanted && this.#placeFor(run, wanted.alone);
      if (wanted !== undefined && place === undefined) {
        if (this.freeSlots === 0) return this.#sendAhead();
        if (++refused >= this.#ready.size) return;
        this.#pass(run);
        continue;
      }
      // Lanes elsewhere are fed all the same.
      if (place?.number === 0 && this.#turnIsOver()) return;
      const batch = place && run.take();
      if (batch === undefined || run.isCall) this.#unqueue(run);
      else this.#pass(run);
      if (batch === undefined) continue;
      refused = 0;
      this.#send(run, place!, batch);
    }
  }

  /** All slots are taken: only runs that send ahead may send more, whoever's turn it is. */
  #sendAhead(): void {
    if (!this.options.takesAhead) return;
    for (const run of this.#ready.slice(1, MOST_ASKED)) {
      if (run.ahead === 0 || run.peek()?.alone !== false) continue;
      const place = this.#placeFor(run, false);
      const batch = place && run.take();
      if (place !== undefined && batch !== undefined) this.#send(run, place, batch);
    }
  }

  /** The next run has its turn. */
  #pass(run: PoolRun): void {
    if (this.#ready.size === 1) return;
    this.#unqueue(run);
    this.#queue(run);
  }

  /** How many slots are free, though perhaps not for everybody. */
  get freeSlots(): number {
    if (this.#isPaused) return 0;
    return this.#places.all.reduce((free, { isUsable, load, slots }) => {
      return isUsable ? free + Math.max(0, slots - load) : free;
    }, 0);
  }

  /** Tasks that never wait are stopped now and then, so that timers, signals and aborts come through. */
  #turnIsOver(): boolean {
    if (this.options.remote) return false;
    if (this.#turnEnds) return true;
    if (this.#lastSentMs - this.#turnBeganMs < TURN_MS) return false;
    this.#turnEnds = true;
    const next = () => {
      this.#turnEnds = false;
      this.#turnBeganMs = performance.now();
      this.do(() => {});
    };
    if (this.#lastSentMs - this.#sleptMs < AWAKE_MS) this.#nextTurn = setImmediate(next);
    else {
      this.#sleep = setTimeout(() => {
        this.#sleptMs = performance.now();
        next();
      });
    }
    return true;
  }

  /** Whether the next task is to wait, for others were started shortly before. */
  #isPaced(): boolean {
    const { guide } = this.options;
    if (guide === undefined) return false;
    const { gapMs, isBraking } = guide;
    if (gapMs === 0 || isBraking) return isBraking;
    const waitMs = this.#lastSentMs + gapMs - performance.now();
    if (waitMs <= 0) return false;
    this.#paceTimer ??= setTimeout(() => {
      this.#paceTimer = undefined;
      this.do(() => {});
    }, Math.ceil(waitMs));
    return true;
  }

  /** How many batches of a run a place may have. */
  #slotsFor({ number, slots }: Place, { task }: PoolRun, alone: boolean): number {
    const { guide } = this.options;
    if (guide === undefined) return slots;
    const isHere = number === 0;
    if (guide.staysHere(task)) return isHere ? Math.max(1, slots) : 0;
    // What may have ended a lane is tried again on one, for here it would end the program.
    if (alone) return isHere ? 0 : Math.max(1, slots);
    return slots;
  }

  /** A place whose lane has room for one more batch of a run. */
  #placeFor(run: PoolRun, alone: boolean): Place | undefined {
    const only = this.#only;
    if (only !== undefined && !alone && only.reservedFor === undefined && only.isUsable) {
      const accepts = only.isIdle || only.open!.lane.accepts(run.task);
      if (accepts) return only.load < only.slots ? only : undefined;
    }
    let best: Place | undefined;
    let unusable: OpenLane | undefined;
    for (const place of this.#places.all) {
      if (!place.isUsable || this.#slotsFor(place, run, alone) === 0) continue;
      // What it was wanted for may have been dropped.
      if (place.reservedFor?.peek()?.alone !== true) place.reservedFor = undefined;
      if (place.reservedFor !== undefined && place.reservedFor !== run) continue;
      if (place.reservedFor === run && !alone && !place.isIdle) continue;
      if (!place.isIdle && !place.open!.lane.accepts(run.task)) unusable ??= place.open;
      else if (best === undefined || rank(place) < rank(best)) best = place;
    }
    if (best === undefined) {
      if (unusable === undefined) return undefined;
      // A lane that can't run it makes room for one that can, once it has done what it was sent: if
      // that were taken back, two such runs would end each other's lanes before anything ran.
      this.#places.retire(unusable, false);
      return this.#placeFor(run, alone);
    }
    if (alone && !best.isIdle) {
      best.reservedFor = run;
      return undefined;
    }
    // What runs on a retired lane takes up slots here, but doesn't hold up what is sent ahead.
    const isHere = this.options.guide !== undefined && best.number === 0;
    const takesAhead = this.options.takesAhead && best.retired.size === 0 && !isHere;
    const slots = this.#slotsFor(best, run, alone);
    return best.load < slots * (1 + (takesAhead ? run.ahead : 0)) ? best : undefined;
  }

  #send(run: PoolRun, place: Place, batch: Batch): void {
    if (place.number > 0 && this.options.guide?.keeps(batch)) place = this.#places.all[0]!;
    if (place.open?.lane.accepts(run.task) === false) this.#places.retire(place.open);
    const on = place.open ?? this.#places.open(place, [run.task]);
    if (on === undefined) return run.putBack(batch);
    const { tasksPerLane = Infinity } = this.options;
    const left = tasksPerLane - on.tasks;
    if (batch.items.length > left) {
      run.putBack(batch.part(left, batch.items.length));
      batch = batch.part(0, left);
    }
    on.tasks += batch.items.length;
    if (batch.alone) {
      place.exclusive = true;
      // It may have waited for other places before: a reservation that is kept would be waited for.
      this.#unreserve(run);
    }
    batch.on = on;
    on.inFlight.add(batch);
    run.onSend(batch);
    this.#lastSentMs = batch.sentAtMs;
    this.#isSending = true;
    try {
      on.lane.send(batch);
    } finally {
      this.#isSending = false;
    }
    if (place.number === 0) this.options.guide?.held(performance.now() - batch.sentAtMs);
    run.onSent(batch);
    if (on.tasks >= tasksPerLane) this.#places.retire(on, false);
  }

  eventsOf(on: OpenLane): LaneEvents {
    return {
      report: (batch, report) => {
        // What ends while it is sent needs no turn of its own.
        if (this.#isSending) this.#onReport(batch as Batch, report);
        else this.do(() => this.#onReport(batch as Batch, report));
      },
      unloadable: (batch, error) => this.do(() => this.#onUnloadable(batch as Batch, error)),
      died: (death) => this.do(() => this.#onDeath(on, death)),
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
    if (!batch.on!.inFlight.has(batch)) return;
    // This event loop itself keeps what it has loaded.
    if (this.options.remote && !this.#proven.has(batch.run)) {
      this.#proven.add(batch.run);
      this.#places.noteLoadable(batch.task);
    }
    this.options.guide?.reported(batch, report);
    if (report.last) this.#release(batch);
    batch.run.onReport(batch, report);
  }

  #onUnloadable(batch: Batch, error: Error): void {
    if (!batch.on!.inFlight.has(batch)) return;
    this.#places.noteUnloadable(batch.task);
    this.#proven.delete(batch.run);
    this.#release(batch);
    batch.run.onUnloadable(batch, error);
  }

  /** A batch is done with: its slot is free. */
  #release(batch: Batch): void {
    const on = batch.on!;
    on.inFlight.delete(batch);
    const place = this.#places.of(on);
    if (batch.alone && place.open === on) place.exclusive = false;
    if (on.inFlight.size > 0) return;
    if (on.retired) this.#places.close(on);
    else this.#places.noteIdle(on);
  }

  #onDeath(on: OpenLane, death: Death, forced: Forced = "stopped"): void {
    if (death.starting) this.#places.endedStarting(on, death.how);
    const lost = [...on.inFlight];
    const verdicts = blame(lost, on.isForced || death.starting, death.isElsewhere);
    const hadOthers = verdicts.filter(({ at }) => isActive(at)).length > 1;
    this.#places.close(on);
    on.inFlight.clear();
    for (const [index, batch] of lost.entries()) {
      const verdict = verdicts[index]!;
      if (!on.isForced && !death.starting && isActive(verdict.at)) this.options.guide?.lost(batch);
      // Those that were asked to stop and didn't are why it was ended.
      if (!on.isForced || batch.asked === undefined) batch.run.onLost(batch, verdict, death);
      else batch.run.onForced(batch, verdict.at, forced, hadOthers);
    }
  }

  /**
   * Makes a batch's task stop that went on after it was asked to. If its lane is ended for that, what
   * else ran there has lost it; what only waited goes elsewhere.
   */
  force(batch: Batch): void {
    const on = batch.on!;
    const others = [...on.inFlight].some((other) =>
      other !== batch && isActive(on.lane.progress(other))
    );
    const forced = on.lane.force(batch, others);
    if (forced === "goes on" || forced === "goes on for now") {
      const at = on.lane.progress(batch);
      if (forced === "goes on for now") this.#places.retire(on);
      this.#release(batch);
      return batch.run.onForced(batch, at, forced, others);
    }
    on.isForced = true;
    if (forced === "ends") this.#places.retire(on);
    else this.#onDeath(on, { how: GIVEN_UP, starting: false }, forced);
  }

  /** A task doesn't come to the end of its loading. Nothing else is sent to that lane. */
  giveUpLoading(batch: Batch): void {
    const { task, run } = batch;
    const on = batch.on!;
    const inSetup = on.lane.isSettingUp(task);
    this.recall(batch);
    if (this.options.remote || on.number > 0) this.#places.retire(on);
    run.onUnloadable(batch, loadsTooLong(task, run.settings.loadTimeoutMs, inSetup));
  }

  /** Takes a batch back of which nothing has been started; false if it is too late. */
  recall(batch: Batch): boolean {
    if (!batch.on!.lane.recall(batch)) return false;
    this.#release(batch);
    return true;
  }

  /**
   * Stops every run, ends every lane, and waits until nothing is left.
   *
   * @throws {TeardownError} If what was set up in a lane couldn't be disposed; told once.
   */
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
    clearImmediate(this.#nextTurn);
    clearTimeout(this.#sleep);
    clearTimeout(this.#paceTimer);
    await this.#places.closeAll();
  }
}

/** How a lane was lost whose task had to be stopped by force. */
export const GIVEN_UP = "was ended, for another task on it ignored that it was to stop";

/** Full places come behind all others. */
const FULL = 2 ** 40;

/** Idle lanes come first, then places whose lane must be started, then the least busy. */
function rank({ open, load, slots }: Place): number {
  if (load >= slots) return FULL + load - slots;
  return open === undefined ? 0.5 + load : load;
}

/** A mistake of ours must not leave the others waiting. */
function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    reportError(error);
  }
}

/**
 * Makes a lane of the executor's kind, perhaps still starting.
 *
 * @param number The lane's number, from 0.
 * @throws If it can't be started.
 */
export type LaneFactory = (number: number, events: LaneEvents, tasks: readonly Task[]) => Lane;

/** What lanes there are to be. */
export interface PlacesOptions {
  /** How many lanes, from 1. */
  readonly lanes: number;
  /** Slots on each lane at first, from 1; Infinity for no limit. */
  readonly slots: number;
  /** A lane that has had nothing to do for so long is closed, in milliseconds; never unless given. */
  readonly idleMs?: number;
  readonly makeLane: LaneFactory;
}

/** Who uses the lanes. */
export interface PlacesHost {
  /** What a lane tells is told here. */
  eventsOf(on: OpenLane): LaneEvents;
  /** Does something after what is being done now. */
  do(action: () => void): void;
  /** Where no lane could be started, it may be tried again. */
  wakeAll(): void;
  /** No lane can be started. */
  failAll(error: LaneStartError): void;
}

/** A lane's place. Lanes come and go; the place stays, so a lost lane doesn't shrink the pool. */
export class Place {
  open: OpenLane | undefined;
  /** Lanes that were here, and get nothing more: what runs on them still takes up slots. */
  readonly retired = new Set<OpenLane>();
  /** One batch has it for itself, to find out whether it kills. */
  exclusive = false;
  /** A run waits for it to be free, to have it for itself. */
  reservedFor: PoolRun | undefined;
  /** No lane could be started here: not to be tried again before. */
  restsUntilMs = 0;

  constructor(
    readonly number: number,
    /** How many batches its lane may have at once; Infinity for no limit. */
    public slots: number,
  ) {}

  /** How many batches are on its lanes. */
  get load(): number {
    const load = this.open === undefined ? 0 : this.open.inFlight.size;
    if (this.retired.size === 0) return load;
    return [...this.retired].reduce((sum, { inFlight }) => sum + inFlight.size, load);
  }

  /** Whether its lane has nothing to do. */
  get isIdle(): boolean {
    return this.open === undefined || this.open.inFlight.size === 0;
  }

  /** Whether it can be given something, if it has room for it. */
  get isUsable(): boolean {
    return !this.exclusive && !(this.restsUntilMs > 0 && this.restsUntilMs > performance.now());
  }
}

/** If so many lanes in a row can't be started, and none is there, it isn't by chance. */
const MOST_START_FAILURES = 3;
/** A place where no lane could be started is left alone for this long. */
const REST_MS = 1_000;
/** So many tasks are loaded by a new lane from the start, those that were run last. */
const MOST_PRELOADED = 32;

/**
 * The places of one executor: a lane is opened where one is first needed, and closed when it was lost, is
 * to get nothing more, or has had nothing to do for long. Then its place gets a new one.
 */
export class Places {
  readonly all: readonly Place[];
  isClosed = false;
  /** Tasks that were loaded on some lane, the latest last. */
  readonly #loadable = new Map<string, Task>();
  readonly #closing = new Set<Promise<void>>();
  /** What couldn't be disposed in lanes that were closed; told when all are. */
  readonly #teardownFailures: TeardownError[] = [];
  #startFailures = 0;
  #lastStartFailure: unknown;
  #restTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** How many wait for lanes: only then do lanes keep the program alive. */
  #waiters = 0;

  /** Starts no lane yet. */
  constructor(private readonly options: PlacesOptions, private readonly host: PlacesHost) {
    this.all = Array.from(
      { length: options.lanes },
      (_, number) => new Place(number, options.slots),
    );
  }

  /** The lanes that are open, in the order of their numbers. */
  get openLanes(): OpenLane[] {
    return this.all.flatMap(({ open }) => open ?? []);
  }

  /** And those that get nothing more. */
  get lanes(): OpenLane[] {
    return [...this.openLanes, ...this.all.flatMap(({ retired }) => [...retired])];
  }

  of(on: OpenLane): Place {
    return this.all[on.number]!;
  }

  /** One more, or one fewer, waits for lanes. */
  wait(more: 1 | -1): void {
    const held = this.#waiters > 0;
    this.#waiters += more;
    const holds = this.#waiters > 0;
    if (holds !== held) { for (const { lane } of this.lanes) lane.hold(holds); }
  }

  /** The place's lane, opened if need be; undefined if that can't be done. */
  open(place: Place, tasks: readonly Task[]): OpenLane | undefined {
    if (place.open !== undefined) return place.open;
    const on = new OpenLane(place.number);
    try {
      const known = [...this.#loadable.values()].filter((task) => !tasks.includes(task));
      const events = this.host.eventsOf(on);
      on.lane = this.options.makeLane(place.number, events, [...tasks, ...known]);
    } catch (error) {
      this.#onStartFailure(place, error);
      return undefined;
    }
    place.open = on;
    this.noteIdle(on);
    if (this.#waiters === 0) on.lane.hold(false);
    void on.lane.ready.then((startMs) => {
      if (Number.isNaN(startMs)) return;
      on.startMs = startMs;
      this.#startFailures = 0;
      if (on.lane.slots === undefined || place.open !== on) return;
      place.slots = on.lane.slots;
      // What then waits there may go elsewhere.
      this.host.do(() => {});
    });
    return on;
  }

  #onStartFailure(place: Place, error: unknown): void {
    if (this.isClosed) return;
    this.#lastStartFailure = error;
    this.#startFailures++;
    if (this.all.some(({ open }) => open !== undefined)) {
      // Others do the work, and what was short here may be had again later.
      place.restsUntilMs = performance.now() + REST_MS;
      this.#restTimer ??= setTimeout(() => {
        this.#restTimer = undefined;
        this.host.wakeAll();
      }, REST_MS);
    } else if (this.#startFailures >= MOST_START_FAILURES) {
      this.#startFailures = 0;
      this.host.failAll(startError(error));
    }
  }

  /** A lane ended before it was ready. */
  endedStarting(on: OpenLane, how: string): void {
    this.#leave(on);
    this.#onStartFailure(this.of(on), new LaneStartError(`Cannot start a lane: it ${how}`));
  }

  /** Starts the lanes of these places, loads a task on each, and waits until all that can be started are ready. */
  async openAll(
    task: Task | undefined,
    loadTimeoutMs: number,
    places: readonly Place[] = this.all,
  ): Promise<void> {
    const refuseClosed = () => {
      if (this.isClosed) throw new TypeError("Cannot start lanes: the executor is closed");
    };
    refuseClosed();
    this.wait(1);
    const tasks = task === undefined ? [] : [task];
    const opened = places.flatMap((place) => this.open(place, tasks) ?? []);
    for (const on of opened) on.awaited++;
    try {
      const startedMs = await Promise.all(opened.map(({ lane }) => lane.ready));
      refuseClosed();
      const started = opened.filter((_, at) => !Number.isNaN(startedMs[at]));
      if (started.length === 0) throw startError(this.#lastStartFailure);
      if (task !== undefined) await this.#load(task, started, loadTimeoutMs);
      refuseClosed();
    } finally {
      for (const on of opened) {
        on.awaited--;
        if (on.inFlight.size === 0) this.noteIdle(on);
      }
      this.wait(-1);
    }
  }

  async #load(task: Task, lanes: readonly OpenLane[], timeoutMs: number): Promise<void> {
    const loaded = Promise.all(lanes.map(({ lane }) => lane.load(task)));
    await within<unknown>(timeoutMs, loaded, () => {
      const inSetup = lanes.some(({ lane }) => lane.isSettingUp(task));
      throw loadsTooLong(task, timeoutMs, inSetup);
    });
    this.noteLoadable(task);
  }

  /** Lanes that are opened from now on load a task from the start. */
  noteLoadable(task: Task): void {
    const name = nameOf(task);
    this.#loadable.delete(name);
    this.#loadable.set(name, task);
    if (this.#loadable.size <= MOST_PRELOADED) return;
    const [oldest] = this.#loadable.keys();
    this.#loadable.delete(oldest!);
  }

  /** They don't any more. */
  noteUnloadable(task: Task): void {
    this.#loadable.delete(nameOf(task));
  }

  /** A lane has nothing to do: if that stays so, it is closed. */
  noteIdle(on: OpenLane): void {
    const { idleMs = Infinity } = this.options;
    if (idleMs === Infinity) return;
    on.idleSinceMs = performance.now();
    this.#closeIdleIn(idleMs);
  }

  #closeIdleIn(ms: number): void {
    if (this.#idleTimer !== undefined || this.isClosed) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      this.host.do(() => this.#closeIdle());
    }, Math.min(ms, MOST_TIMER_MS));
    // What closes idle lanes is no work that keeps a program alive.
    Deno.unrefTimer(this.#idleTimer);
  }

  #closeIdle(): void {
    const nowMs = performance.now();
    let nextMs = Infinity;
    for (const on of this.openLanes) {
      if (on.inFlight.size > 0 || on.awaited > 0) continue;
      const leftMs = on.idleSinceMs + this.options.idleMs! - nowMs;
      if (leftMs <= 0) this.retire(on);
      else nextMs = Math.min(nextMs, leftMs);
    }
    if (nextMs !== Infinity) this.#closeIdleIn(nextMs);
  }

  /** A lane gets nothing more; the next batch in its place gets a new one. */
  retire(on: OpenLane, recalls = true): void {
    if (on.retired) return;
    this.#leave(on);
    on.retired = true;
    this.of(on).retired.add(on);
    for (const batch of recalls ? [...on.inFlight] : []) {
      if (!on.lane.recall(batch)) {
        on.lane.askBack?.(batch);
        continue;
      }
      on.inFlight.delete(batch);
      batch.run.putBack(batch);
    }
    if (on.inFlight.size === 0) this.close(on);
  }

  #leave(on: OpenLane): void {
    const place = this.of(on);
    if (place.open !== on) return;
    place.open = undefined;
    if (on.lane.slots !== undefined) place.slots = this.options.slots;
    place.exclusive = false;
  }

  /** Closes a lane. */
  close(on: OpenLane): void {
    this.#leave(on);
    this.of(on).retired.delete(on);
    const closing = on.lane.close().catch((error) => {
      if (error instanceof TeardownError) this.#teardownFailures.push(error);
      else reportError(error);
    }).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** No lane is opened any more, and those that are there keep the program alive until they are closed. */
  beginClosing(): void {
    this.isClosed = true;
    this.wait(1);
    clearTimeout(this.#restTimer);
    clearTimeout(this.#idleTimer);
  }

  /**
   * Closes every lane, and waits until nothing is left.
   *
   * @throws {TeardownError} If what was set up in a lane couldn't be disposed; told once.
   */
  async closeAll(): Promise<void> {
    for (const on of this.lanes) this.close(on);
    await Promise.all(this.#closing);
    const failures = this.#teardownFailures.splice(0);
    if (failures.length > 0) throw allAsOne(failures);
  }
}

/** What is told of a task whose module isn't loaded and set up in time. */
export function loadsTooLong({ module }: Task, timeoutMs: number, inSetup: boolean): TaskLoadError {
  if (inSetup) {
    return new TaskLoadError(
      `Cannot set up task module ${module}: its setup has not ended after ${timeoutMs} ms`,
    );
  }
  const own = module === Deno.mainModule
    ? ": it is the program itself, whose top level waits for this; put it behind import.meta.main"
    : "";
  return new TaskLoadError(
    `Cannot load task module ${module}: it has not been loaded after ${timeoutMs} ms${own}`,
  );
}

function startError(cause: unknown): LaneStartError {
  if (cause instanceof LaneStartError) return cause;
  const why = wordsOf(cause);
  return new LaneStartError(`Cannot start a lane: ${why}`, { cause });
}
