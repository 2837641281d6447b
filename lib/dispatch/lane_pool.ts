/**
 * The lanes of an executor, shared by all its runs: finds a free slot for each batch, replaces lanes
 * that were lost, and does with fewer where one can't be started.
 *
 * All that changes is done through {@linkcode LanePool.do}, one thing after another: callers'
 * functions that run in between, such as an input's or `onProgress`, may ask for anything, and it is
 * done when they have returned.
 *
 * @module
 */

import { allAsOne } from "../lanes/closing.ts";
import { LaneStartError, TaskLoadError, TeardownError } from "../lanes/errors.ts";
import type { Death, Lane, LaneEvents, Report } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import { type Batch, OpenLane, type PoolRun } from "./batch.ts";
import type { BatchLimits } from "./batch_size.ts";
import { blame, progressOf } from "./blame.ts";
import { MOST_TIMER_MS } from "./deadlines.ts";

/**
 * Makes a lane of the executor's kind, perhaps still starting.
 *
 * @param number The lane's number, from 0.
 * @throws If it can't be started.
 */
export type LaneFactory = (number: number, events: LaneEvents, tasks: readonly Task[]) => Lane;

/** How a pool is made up. */
export interface PoolOptions {
  /** How many lanes, from 1. */
  readonly lanes: number;
  /** Slots on each lane at first, from 1; Infinity for no limit. */
  readonly slots: number;
  /** How long a task that was asked to stop may go on before it is made to, in milliseconds. */
  readonly graceMs: number;
  /** Whether a message to a lane costs so much that tiny tasks had better travel together. */
  readonly remote: boolean;
  /** Whether batches may wait on a lane for a slot: only if they can be taken back while it is busy. */
  readonly takesAhead: boolean;
  /** Whether buffers move to lanes and back if they are told to. */
  readonly moves: boolean;
  /** What batches are to be like, unless their items run one after another. */
  readonly batches?: BatchLimits;
  /** After so many tasks a lane gets no more, and is replaced; never unless given. */
  readonly tasksPerLane?: number;
  /** A lane that has had nothing to do for so long is closed, in milliseconds; never unless given. */
  readonly idleMs?: number;
  readonly makeLane: LaneFactory;
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

/** A lane's place. Lanes come and go; the place stays, so a lost lane doesn't shrink the pool. */
class Place {
  readonly number: number;
  open: OpenLane | undefined;
  /** Lanes that were here, and get nothing more: what runs on them still takes up slots. */
  readonly retired = new Set<OpenLane>();
  /** One batch has it for itself, to find out whether it kills. */
  exclusive = false;
  /** A run waits for it to be free, to have it for itself. */
  reservedFor: PoolRun | undefined;
  /** No lane could be started here: not to be tried again before. */
  restsUntilMs = 0;

  constructor(number: number) {
    this.number = number;
  }

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

  get rests(): boolean {
    return this.restsUntilMs > 0 && this.restsUntilMs > performance.now();
  }
}

/** If so many lanes in a row can't be started, and none is there, it isn't by chance. */
const MOST_START_FAILURES = 3;
/** A place where no lane could be started is left alone for this long. */
const REST_MS = 1_000;
/** How long tasks may hold this event loop up before timers, signals and aborts come through. */
const TURN_MS = 20;
/** So many tasks are loaded by a new lane from the start, those that were run last. */
const MOST_PRELOADED = 32;
/** While all slots are taken, so many runs are asked whether they send ahead. */
const MOST_ASKED = 16;

/** The lanes of one executor. */
export class LanePool {
  readonly options: PoolOptions;
  /** Slots on each lane. */
  slotsOnEach: number;
  readonly #places: readonly Place[];
  /** Every run that hasn't ended. */
  readonly #runs = new Set<PoolRun>();
  /** Those that may have something to send, in the order of their turns, from `#turn` on. */
  #ready: PoolRun[] = [];
  #turn = 0;
  /** Tasks that were loaded on some lane, the latest last. */
  readonly #loadable = new Map<string, Task>();
  /** Runs whose tasks are among these. */
  readonly #proven = new WeakSet<PoolRun>();
  readonly #closing = new Set<Promise<void>>();
  /** What couldn't be disposed in lanes that were closed; told when the pool is. */
  readonly #teardownFailures: TeardownError[] = [];
  readonly #actions: (() => void)[] = [];
  readonly #fillSlots = () => this.#fill();
  #isBusy = false;
  /** Whether a lane is just being given a batch, which it may report at once. */
  #isSending = false;
  #isClosed = false;
  #startFailures = 0;
  #lastStartFailure: unknown;
  #restTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** Whether nothing is sent. */
  #isPaused = false;
  /** How many wait for lanes: only then do lanes keep the program alive. */
  #waiters = 0;
  #turnBeganMs = performance.now();
  #turnEnds = false;
  #nextTurn: ReturnType<typeof setImmediate> | undefined;
  #lastSentMs = 0;

  /** Starts no lane yet. */
  constructor(options: PoolOptions) {
    this.options = options;
    this.slotsOnEach = options.slots;
    this.#places = Array.from({ length: options.lanes }, (_, number) => new Place(number));
  }

  /** Slots on all lanes together. */
  get slots(): number {
    return this.options.lanes * this.slotsOnEach;
  }

  /** Whether some lane has nothing to do. */
  get hasIdleLane(): boolean {
    return this.#places.some((place) => place.load === 0 && !place.rests && !place.exclusive);
  }

  /** The lanes that are open, in the order of their numbers. */
  get openLanes(): OpenLane[] {
    return this.#places.flatMap(({ open }) => open ?? []);
  }

  #allLanes(): OpenLane[] {
    return [...this.openLanes, ...this.#places.flatMap(({ retired }) => [...retired])];
  }

  /** What runs at this moment, lane by lane. */
  get running(): RunningTask[] {
    return this.#allLanes().flatMap(({ number, inFlight }) =>
      [...inFlight].flatMap((batch) => {
        const at = progressOf(batch);
        if (at.state !== "running" && at.state !== "unknown") return [];
        const offset = at.state === "running" ? at.offset : batch.reported;
        const sinceMs = at.state === "running" ? at.sinceMs : NaN;
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
    this.do(() => {
      for (const { inFlight } of this.#allLanes()) {
        for (const batch of inFlight) if (this.recall(batch)) batch.run.putBack(batch);
      }
    });
  }

  /** Sends again. */
  resume(): void {
    this.#isPaused = false;
    this.#wakeAll();
  }

  /** Gives each lane so many slots from now on; what runs beyond them goes on. */
  resize(slotsOnEach: number): void {
    this.slotsOnEach = slotsOnEach;
    this.#wakeAll();
  }

  #wakeAll(): void {
    this.do(() => this.#runs.forEach((run) => this.#queue(run)));
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
      attempt(this.#fillSlots);
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
    if (this.#isClosed) throw new TypeError(`Cannot ${what}: the executor is closed`);
    this.#runs.add(run);
    this.#wait();
    this.#queue(run);
  }

  /** Whether runs wait already, so that of one that comes behind them nothing can be sent now. */
  get isCrowded(): boolean {
    return !this.options.remote && !this.#isBusy && this.#turn < this.#ready.length;
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
    this.#turn++;
    if (this.#turn === this.#ready.length) {
      this.#ready = [];
      this.#turn = 0;
    } else if (this.#turn > 1024 && 2 * this.#turn > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#turn);
      this.#turn = 0;
    }
  }

  /** A run is over. */
  remove(run: PoolRun): void {
    if (this.#runs.delete(run)) this.#waitNoMore();
  }

  #unreserve(run: PoolRun): void {
    for (const place of this.#places) if (place.reservedFor === run) place.reservedFor = undefined;
  }

  #wait(): void {
    if (this.#waiters++ > 0) return;
    for (const { lane } of this.#allLanes()) lane.hold(true);
  }

  #waitNoMore(): void {
    if (--this.#waiters > 0) return;
    for (const { lane } of this.#allLanes()) lane.hold(false);
  }

  /** Fills free slots, run by run in turn. */
  #fill(): void {
    /** Runs in a row for which there was no place. */
    let refused = 0;
    while (
      this.#turn < this.#ready.length && this.#actions.length === 0 && !this.#isPaused
    ) {
      const run = this.#ready[this.#turn]!;
      const wanted = run.peek();
      if (wanted === undefined) {
        this.#unqueue(run);
        continue;
      }
      if (this.#turnIsOver()) return;
      const place = this.#placeFor(run, wanted.alone);
      if (place === undefined) {
        if (!this.#hasRoom) return this.#sendAhead();
        if (++refused >= this.#ready.length - this.#turn) return;
        this.#pass(run);
        continue;
      }
      refused = 0;
      const batch = run.take();
      if (batch === undefined) this.#unqueue(run);
      else {
        this.#pass(run);
        this.#send(run, place, batch);
      }
    }
  }

  /** All slots are taken: only runs of tiny tasks may send more, whoever's turn it is. */
  #sendAhead(): void {
    if (!this.options.takesAhead) return;
    for (const run of this.#ready.slice(this.#turn + 1, this.#turn + MOST_ASKED)) {
      if (run.ahead === 0 || run.peek()?.alone !== false) continue;
      const place = this.#placeFor(run, false);
      const batch = place && run.take();
      if (place !== undefined && batch !== undefined) this.#send(run, place, batch);
    }
  }

  /** The next run has its turn. */
  #pass(run: PoolRun): void {
    if (this.#turn === this.#ready.length - 1) return;
    this.#unqueue(run);
    this.#queue(run);
  }

  /** How many slots are free, though perhaps not for everybody. */
  get freeSlots(): number {
    if (this.#isPaused) return 0;
    return this.#places.reduce((free, { rests, exclusive, load }) => {
      return rests || exclusive ? free : free + Math.max(0, this.slotsOnEach - load);
    }, 0);
  }

  /** Whether some slot is free, though perhaps not for everybody. */
  get #hasRoom(): boolean {
    const slots = this.slotsOnEach;
    return this.#places.some(({ rests, exclusive, load }) => !rests && !exclusive && load < slots);
  }

  /** Tasks that never wait are stopped now and then, so that timers, signals and aborts come through. */
  #turnIsOver(): boolean {
    if (this.options.remote) return false;
    if (this.#turnEnds) return true;
    if (this.#lastSentMs - this.#turnBeganMs < TURN_MS) return false;
    this.#turnEnds = true;
    this.#nextTurn = setImmediate(() => {
      this.#turnEnds = false;
      this.#turnBeganMs = performance.now();
      this.do(() => {});
    });
    return true;
  }

  /** A place whose lane has room for one more batch of a run. */
  #placeFor(run: PoolRun, alone: boolean): Place | undefined {
    let best: Place | undefined;
    let unusable: OpenLane | undefined;
    for (const place of this.#places) {
      if (place.exclusive || place.rests) continue;
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
      this.#retire(unusable, false);
      return this.#placeFor(run, alone);
    }
    if (alone && !best.isIdle) {
      best.reservedFor = run;
      return undefined;
    }
    // What runs on a retired lane takes up slots here, but doesn't hold up what is sent ahead.
    const takesAhead = this.options.takesAhead && best.retired.size === 0;
    return best.load < this.slotsOnEach * (1 + (takesAhead ? run.ahead : 0)) ? best : undefined;
  }

  #send(run: PoolRun, place: Place, batch: Batch): void {
    if (place.open?.lane.accepts(run.task) === false) this.#retire(place.open);
    const on = this.#open(place, [run.task]);
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
    const waits = on.inFlight.size >= this.slotsOnEach;
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
    run.onSent(batch, waits);
    if (on.tasks >= tasksPerLane) this.#retire(on, false);
  }

  /** The place's lane, opened if need be; undefined if that can't be done. */
  #open(place: Place, tasks: readonly Task[]): OpenLane | undefined {
    if (place.open !== undefined) return place.open;
    const on = new OpenLane(place.number);
    const events: LaneEvents = {
      report: (batch, report) => {
        // What ends while it is sent needs no turn of its own.
        if (this.#isSending) this.#onReport(batch as Batch, report);
        else this.do(() => this.#onReport(batch as Batch, report));
      },
      unloadable: (batch, error) => this.do(() => this.#onUnloadable(batch as Batch, error)),
      died: (death) => this.do(() => this.#onDeath(on, place, death)),
    };
    try {
      const known = [...this.#loadable.values()].filter((task) => !tasks.includes(task));
      on.lane = this.options.makeLane(place.number, events, [...tasks, ...known]);
    } catch (error) {
      this.#onStartFailure(place, error);
      return undefined;
    }
    place.open = on;
    this.#noteIdle(on);
    if (this.#waiters === 0) on.lane.hold(false);
    void on.lane.ready.then((startMs) => {
      if (Number.isNaN(startMs)) return;
      on.startMs = startMs;
      this.#startFailures = 0;
    });
    return on;
  }

  #onStartFailure(place: Place, error: unknown): void {
    if (this.#isClosed) return;
    this.#lastStartFailure = error;
    this.#startFailures++;
    if (this.#places.some(({ open }) => open !== undefined)) {
      // Others do the work, and what was short here may be had again later.
      place.restsUntilMs = performance.now() + REST_MS;
      this.#restTimer ??= setTimeout(() => {
        this.#restTimer = undefined;
        this.#wakeAll();
      }, REST_MS);
    } else if (this.#startFailures >= MOST_START_FAILURES) {
      this.#startFailures = 0;
      const failure = startError(error);
      for (const run of [...this.#runs]) run.fail(failure);
    }
  }

  /**
   * Starts every lane, loads a task on each, and waits until all that can be started are ready.
   *
   * @throws {TypeError} If the executor is closed.
   * @throws {LaneStartError} If no lane can be started.
   * @throws {TaskLoadError} If the task can't be loaded, or not in so many milliseconds.
   */
  async openAll(task: Task | undefined, loadTimeoutMs: number): Promise<void> {
    const refuseClosed = () => {
      if (this.#isClosed) throw new TypeError("Cannot start lanes: the executor is closed");
    };
    refuseClosed();
    this.#wait();
    const tasks = task === undefined ? [] : [task];
    const opened = this.#places.flatMap((place) => this.#open(place, tasks) ?? []);
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
        if (on.inFlight.size === 0) this.#noteIdle(on);
      }
      this.#waitNoMore();
    }
  }

  async #load(task: Task, lanes: readonly OpenLane[], timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const inSetup = lanes.some(({ lane }) => lane.isSettingUp(task));
        reject(loadsTooLong(task, timeoutMs, inSetup));
      }, timeoutMs);
    });
    await Promise.race([Promise.all(lanes.map(({ lane }) => lane.load(task))), late])
      .finally(() => clearTimeout(timer));
    this.#loads(task);
  }

  #onReport(batch: Batch, report: Report): void {
    if (!batch.on!.inFlight.has(batch)) return;
    // This event loop itself keeps what it has loaded.
    if (this.options.remote && !this.#proven.has(batch.run)) this.#prove(batch.run);
    if (report.last) this.release(batch);
    batch.run.onReport(batch, report);
  }

  #prove(run: PoolRun): void {
    this.#proven.add(run);
    this.#loads(run.task);
  }

  #loads(task: Task): void {
    const name = nameOf(task);
    this.#loadable.delete(name);
    this.#loadable.set(name, task);
    if (this.#loadable.size <= MOST_PRELOADED) return;
    const [oldest] = this.#loadable.keys();
    this.#loadable.delete(oldest!);
  }

  #onUnloadable(batch: Batch, error: Error): void {
    if (!batch.on!.inFlight.has(batch)) return;
    this.#loadable.delete(nameOf(batch.task));
    this.#proven.delete(batch.run);
    this.release(batch);
    batch.run.onUnloadable(batch, error);
  }

  /** A batch is done with: its slot is free. */
  release(batch: Batch): void {
    const on = batch.on!;
    on.inFlight.delete(batch);
    const place = this.#places[on.number]!;
    if (batch.alone && place.open === on) place.exclusive = false;
    if (on.inFlight.size > 0) return;
    if (on.retired) this.#closeLane(on);
    else this.#noteIdle(on);
  }

  /** A lane has nothing to do: if that stays so, it is closed. */
  #noteIdle(on: OpenLane): void {
    const { idleMs = Infinity } = this.options;
    if (idleMs === Infinity) return;
    on.idleSinceMs = performance.now();
    this.#closeIdleIn(idleMs);
  }

  #closeIdleIn(ms: number): void {
    if (this.#idleTimer !== undefined || this.#isClosed) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      this.do(() => this.#closeIdle());
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
      if (leftMs <= 0) this.#retire(on);
      else nextMs = Math.min(nextMs, leftMs);
    }
    if (nextMs !== Infinity) this.#closeIdleIn(nextMs);
  }

  #onDeath(on: OpenLane, place: Place, death: Death): void {
    if (death.starting) {
      this.#leavePlace(on);
      this.#onStartFailure(place, new LaneStartError(`Cannot start a lane: it ${death.how}`));
    }
    const lost = [...on.inFlight];
    const verdicts = blame(lost, on.isForced || death.starting);
    this.#closeLane(on);
    on.inFlight.clear();
    for (const [at, batch] of lost.entries()) {
      // Those that were asked to stop and didn't are why it was ended.
      if (on.isForced && batch.asked !== undefined) {
        batch.run.onForced(batch, "stopped", lost.length > 1);
      } else batch.run.onLost(batch, verdicts[at]!, death);
    }
  }

  /**
   * Makes a batch's task stop that went on after it was asked to. If its lane is ended for that, what
   * else ran there has lost it; what only waited goes elsewhere.
   */
  force(batch: Batch): void {
    const on = batch.on!;
    const others = [...on.inFlight].filter((other) => {
      const { state } = on.lane.progress(other);
      return other !== batch && (state === "running" || state === "unknown");
    });
    const forced = on.lane.force(batch, others.length > 0);
    const at = on.lane.progress(batch);
    if (forced === "ends") {
      on.isForced = true;
      return this.#retire(on);
    }
    if (forced === "goes on" || forced === "goes on for now") {
      if (forced === "goes on for now") this.#retire(on);
      this.release(batch);
    } else {
      // Those that were asked to stop as well would have been next.
      const asked = others.filter(({ asked }) => asked !== undefined);
      const states = asked.map((other) => on.lane.progress(other));
      for (const ended of [batch, ...asked]) on.inFlight.delete(ended);
      on.isForced = true;
      this.#onDeath(on, this.#places[on.number]!, { how: GIVEN_UP, starting: false });
      for (const [index, other] of asked.entries()) {
        other.run.onForced(other, forced, true, states[index]!);
      }
    }
    batch.run.onForced(batch, forced, others.length > 0, at);
  }

  /** A task doesn't come to the end of its loading. Nothing else is sent to that lane. */
  giveUpLoading(batch: Batch): void {
    const on = batch.on!;
    this.recall(batch);
    if (this.options.remote) this.#retire(on);
  }

  /** Takes a batch back of which nothing has been started; false if it is too late. */
  recall(batch: Batch): boolean {
    if (!batch.on!.lane.recall(batch)) return false;
    this.release(batch);
    return true;
  }

  /** A lane gets nothing more; the next batch in its place gets a new one. */
  #retire(on: OpenLane, recalls = true): void {
    if (on.retired) return;
    this.#leavePlace(on);
    on.retired = true;
    this.#places[on.number]!.retired.add(on);
    for (const batch of recalls ? [...on.inFlight] : []) {
      if (!on.lane.recall(batch)) continue;
      on.inFlight.delete(batch);
      batch.run.putBack(batch);
    }
    if (on.inFlight.size === 0) this.#closeLane(on);
  }

  #leavePlace(on: OpenLane): void {
    const place = this.#places[on.number]!;
    if (place.open !== on) return;
    place.open = undefined;
    place.exclusive = false;
  }

  #closeLane(on: OpenLane): void {
    this.#leavePlace(on);
    this.#places[on.number]!.retired.delete(on);
    const closing = on.lane.close().catch((error) => {
      if (error instanceof TeardownError) this.#teardownFailures.push(error);
      else reportError(error);
    }).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /**
   * Stops every run, ends every lane, and waits until nothing is left.
   *
   * @throws {TeardownError} If what was set up in a lane couldn't be disposed; told once.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wait();
    clearTimeout(this.#restTimer);
    clearTimeout(this.#idleTimer);
    const why = new TypeError("The executor was closed");
    // All at once: a slot that one of them frees is nothing for the others.
    await new Promise<unknown>((resolve) => {
      this.do(() => resolve(Promise.all([...this.#runs].map((run) => run.close(why)))));
    });
    clearImmediate(this.#nextTurn);
    for (const on of this.#allLanes()) this.#closeLane(on);
    await Promise.all(this.#closing);
    const failures = this.#teardownFailures.splice(0);
    if (failures.length > 0) throw allAsOne(failures);
  }
}

/** How a lane was lost whose task had to be stopped by force. */
export const GIVEN_UP = "was ended, for another task on it ignored that it was to stop";

/** What is told of a task whose module isn't loaded and set up in time. */
export function loadsTooLong(
  { module }: Task,
  timeoutMs: number,
  inSetup: boolean,
): TaskLoadError {
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

/** Idle lanes come first, then places whose lane must be started, then the least busy. */
function rank({ open, load }: Place): number {
  return open === undefined ? 0.5 + load : load;
}

function nameOf(task: Task): string {
  return `${task.export} ${task.module}`;
}

function startError(cause: unknown): LaneStartError {
  if (cause instanceof LaneStartError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LaneStartError(`Cannot start a lane: ${why}`, { cause });
}

/** A mistake of ours must not leave the others waiting. */
function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    reportError(error);
  }
}
