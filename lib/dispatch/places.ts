/**
 * The places of a pool's lanes: chosen for each batch, their lanes opened when needed, closed, and replaced
 * when lost.
 */

import { wordsOf } from "../lanes/attempt.ts";
import {
  LaneStartError,
  NoneFreeError,
  type TaskLoadError,
  TeardownError,
} from "../lanes/errors.ts";
import type { Death, Lane, LaneEvents, LoadingStage } from "../lanes/lane.ts";
import { allAsOne, notSetUp, unloadable } from "../lanes/lane_tasks.ts";
import { type Task, taskName } from "../lanes/task.ts";
import { Alarm, clock, within } from "../lanes/timers.ts";
import { type Batch, OpenLane, type PoolRun } from "./batch.ts";
import { Fifo } from "./collections.ts";

/**
 * Makes a lane of the executor's kind, which may still be starting.
 *
 * @param number The lane's number, from 0.
 * @throws If the lane can't be started.
 */
export type LaneFactory = (number: number, events: LaneEvents, tasks: readonly Task[]) => Lane;

export interface PlacesOptions {
  readonly lanes: number;
  /** Slots on each lane at first, from 1; Infinity for no limit. */
  readonly slots: number;
  /** How many tasks a lane is given before it is replaced; no limit unless given. */
  readonly tasksPerLane?: number;
  /** How long a lane may be idle before it is closed, in milliseconds; no limit unless given. */
  readonly idleMs?: number;
  readonly makeLane: LaneFactory;
  /** Whether batches may wait on a lane for a slot: only if they can be taken back while the lane is busy. */
  readonly takesAhead: boolean;
  /** Decides where tasks may go; without it they may go anywhere. */
  readonly guide?: { readonly tasks: TaskPlaces };
}

/** Where tasks may go in a pool whose first lane is this event loop and whose others are elsewhere. */
export interface TaskPlaces {
  /** How many batches of a task may be in flight on lanes other than the event loop. */
  mostThere(task: Task): number;
  /** Whether the task has run in the event loop; if so, it goes on there while it is tried on other lanes. */
  hasRunHere(task: Task): boolean;
  /** Whether a task never leaves the event loop. */
  staysHere(task: Task): boolean;
  /** Whether a batch that is about to be sent to another lane can't be, and must run in the event loop. */
  keeps(batch: Batch): boolean;
}

export interface PlacesHost {
  readonly inFlight: {
    /** The handlers of a lane's events. */
    eventsOf(openLane: OpenLane): LaneEvents;
    /** Gives a batch back to its run if none of it has started; returns false if it is too late. */
    takeBack(batch: Batch): boolean;
  };
  /** Whether the pool is paused while runs wait; idle lanes then stay open. */
  readonly isHeldBack: boolean;
  /** Runs an action after the current one. */
  do(action: () => void): void;
  /** Lets all runs try to send again. */
  wakeAll(): void;
  failAll(error: LaneStartError): void;
}

/** Room for one lane. Lanes come and go; the place stays, so a lost lane doesn't shrink the pool. */
export class Place {
  open: OpenLane | undefined;
  /** Former lanes that get no more batches; until they are closed, batches on them take up slots. */
  readonly retired: Set<OpenLane> = new Set();
  /** The run that waits until the lane is idle, to have it to itself. */
  reservedFor: PoolRun | undefined;
  /** After a lane couldn't be started here: when it may be tried again. */
  restsUntilMs = 0;
  /** Modules that couldn't be loaded or set up here, though they could elsewhere, and when each is tried again. */
  readonly failed: Map<string, number> = new Map();

  constructor(
    readonly number: number,
    /** How many batches may run on its lane at once; Infinity for no limit. */
    public slots: number,
  ) {}

  /** How many batches are on its lanes. */
  get load(): number {
    const load = this.open === undefined ? 0 : this.open.inFlight.size;
    if (this.retired.size === 0) return load;
    return [...this.retired].reduce((sum, { inFlight }) => sum + inFlight.size, load);
  }

  /** Whether it has no lane, or one without batches. */
  get isIdle(): boolean {
    return this.open === undefined || this.open.inFlight.size === 0;
  }

  /** Whether it takes batches at all: no batch has its lane to itself, and no failed start is too recent. */
  get isUsable(): boolean {
    return this.open?.isExclusive !== true &&
      !(this.restsUntilMs > 0 && this.restsUntilMs > clock.now());
  }

  /** Whether a task's module failed to load here so recently that it isn't tried again yet. */
  restsFrom({ module }: Task): boolean {
    return this.failed.size > 0 && (this.failed.get(module) ?? 0) > clock.now();
  }

  /** Whether its lane may run a task, or is idle and can be replaced by one that may. */
  accepts(task: Task): boolean {
    return this.isIdle || this.open!.lane.accepts?.(task) !== false;
  }

  /** Whether its lane is idle and has loaded a task. */
  isReadyFor(task: Task): boolean {
    return this.load === 0 && this.open?.lane.stageOf(task) === "loaded";
  }

  /** The run that it is reserved for, if that still has a batch that must be alone. */
  get heldFor(): PoolRun | undefined {
    return this.reservedFor?.peek()?.alone === true ? this.reservedFor : undefined;
  }
}

/** After this many failed starts in a row, while no lane is open, the runs fail. */
const MOST_START_FAILURES = 3;
/** How long a place rests after a lane couldn't be started or set up there, in milliseconds. */
const REST_MS = 1_000;
/** How many tasks a new lane loads from the start; the ones that ran last are chosen. */
const MOST_PRELOADED = 32;

/**
 * The places of one executor. A lane is opened when its place is first needed, and closed when it is lost,
 * retired, or idle for too long; the place's next batch opens a new one.
 */
export class Places {
  readonly all: readonly Place[];
  isClosed = false;
  /** Whether every batch goes to the first place, so that there is nothing to choose. */
  isSimple: boolean;
  /** Tasks that were loaded on some lane, the most recent last. */
  readonly #loadable = new Map<string, Task>();
  readonly #closing = new Set<Promise<void>>();
  /** Places for which no lane was free; once another lane is closed, there may be one for them. */
  readonly #wanting = new Set<Place>();
  /** End the waits of those that wait for a task to be loaded. */
  readonly #loadings = new Set<() => void>();
  /**
   * How many lanes that were closed couldn't dispose of their resources, and the first one's error, which
   * `closeAll` throws.
   */
  #teardownFailures = 0;
  #firstTeardownFailure: TeardownError | undefined;
  #startFailures = 0;
  /** The most lanes that were starting at once, since one last succeeded. */
  #mostStarting = 0;
  #lastStartFailure: unknown;
  /** When the places that rest have rested, the earliest first. */
  readonly #restEndsMs = new Fifo<number>();
  readonly #rested = new Alarm(() => {
    while (this.#restEndsMs.first! <= clock.now()) this.#restEndsMs.shift();
    this.#awaitRest();
    this.host.wakeAll();
  });
  /** Doesn't keep the program alive: closing idle lanes isn't worth waiting for. */
  readonly #idle = new Alarm(() => this.host.do(() => this.closeIdle()), false);
  /** How many runs and other waiters need lanes; lanes keep the program alive only while there are any. */
  #waiters = 0;

  constructor(private readonly options: PlacesOptions, private readonly host: PlacesHost) {
    this.all = Array.from({ length: options.lanes }, (_, at) => new Place(at, options.slots));
    this.isSimple = options.lanes === 1 && !options.takesAhead && options.guide === undefined;
  }

  get openLanes(): OpenLane[] {
    return this.all.flatMap(({ open }) => open ?? []);
  }

  /** The open lanes, then the retired ones. */
  get lanes(): OpenLane[] {
    return [...this.openLanes, ...this.all.flatMap(({ retired }) => [...retired])];
  }

  /** Sets the slots of each place, by its lane's number. */
  resize(slotsOf: (lane: number) => number): void {
    for (const place of this.all) place.slots = slotsOf(place.number);
    if (this.options.guide === undefined) return;
    this.isSimple = this.all.slice(1).every(({ slots }) => slots === 0);
  }

  /** How many slots are free, though perhaps not for every run. */
  get freeSlots(): number {
    return this.all.reduce((free, { isUsable, load, slots }) => {
      return isUsable ? free + Math.max(0, slots - load) : free;
    }, 0);
  }

  get isFull(): boolean {
    const [first] = this.all;
    return this.isSimple ? first!.load >= first!.slots : this.freeSlots === 0;
  }

  #slotsFor({ number, slots }: Place, { task }: PoolRun, alone: boolean): number {
    const { guide } = this.options;
    if (guide === undefined) return slots;
    const isHere = number === 0;
    if (guide.tasks.staysHere(task)) return isHere ? Math.max(1, slots) : 0;
    // A batch that must be alone may end its lane: in the event loop it would end the program.
    if (alone) return isHere ? 0 : Math.max(1, slots);
    const most = guide.tasks.mostThere(task);
    const isTried = most < Infinity && this.#countThere(task) >= most;
    if (isHere) return isTried && guide.tasks.hasRunHere(task) ? Math.max(1, slots) : slots;
    return isTried ? 0 : slots;
  }

  /** Whether any batch is on a lane other than this event loop. */
  get isUsedElsewhere(): boolean {
    return this.all.some(({ number, load }) => number > 0 && load > 0);
  }

  /** How many batches of a task are on lanes other than this event loop. */
  #countThere(task: Task): number {
    let count = 0;
    for (const { number, inFlight } of this.lanes) {
      if (number > 0) { for (const batch of inFlight) count += Number(batch.task === task); }
    }
    return count;
  }

  /**
   * The best place for a run's next batch, whether or not it has room. If no open lane can run the task, it is
   * one whose lane must be replaced.
   */
  best(run: PoolRun, alone: boolean): Place | undefined {
    let best: Place | undefined;
    let least = Infinity;
    for (const place of this.all) {
      if (!place.isUsable || place.restsFrom(run.task)) continue;
      if (this.#slotsFor(place, run, alone) === 0) continue;
      const { heldFor } = place;
      if (heldFor !== undefined && (heldFor !== run || !alone && !place.isIdle)) continue;
      const accepts = place.accepts(run.task);
      // A retired lane still runs here beside the open one: a third would compute beside both.
      if (!accepts && place.retired.size > 0) continue;
      const order = accepts ? rank(place, run.task) : Infinity;
      if (best !== undefined && order >= least) continue;
      best = place;
      least = order;
    }
    return best;
  }

  /**
   * A place whose lane has room for one more batch of a run. If there is none, room is made: a lane that can't
   * run the task is retired, or a lane is reserved for a batch that must be alone.
   */
  placeFor(run: PoolRun, alone: boolean): Place | undefined {
    const only = this.all[0]!;
    const isOnly = this.isSimple && !alone && only.reservedFor === undefined && only.isUsable &&
      !only.restsFrom(run.task);
    if (isOnly && only.accepts(run.task)) return only.load < only.slots ? only : undefined;
    const best = this.best(run, alone);
    if (best === undefined) return undefined;
    // The lane first finishes the batches it was sent: if they were taken back, two such runs would end each
    // other's lanes before anything ran.
    if (!best.accepts(run.task)) this.retire(best.open!, false);
    best.reservedFor = alone && !best.isIdle ? run : best.heldFor;
    if (alone && !best.isIdle) return undefined;
    // A new lane would start batches sent ahead at once, in addition to those still on the retired lane.
    const isReplaced = best.retired.size > 0 || best.open?.isSpent;
    const isHere = this.options.guide !== undefined && best.number === 0;
    const takesAhead = this.options.takesAhead && !isReplaced && !isHere;
    const slots = this.#slotsFor(best, run, alone);
    return best.load < slots * (1 + (takesAhead ? run.ahead : 0)) ? best : undefined;
  }

  /** Drops a run's reservations, once its batch has a lane. */
  unreserve(run: PoolRun): void {
    for (const place of this.all) {
      if (place.reservedFor === run) place.reservedFor = undefined;
    }
  }

  of(openLane: OpenLane): Place {
    return this.all[openLane.number]!;
  }

  /** Adds or removes one waiter for lanes. */
  wait(more: 1 | -1): void {
    const held = this.#waiters > 0;
    this.#waiters += more;
    const holds = this.#waiters > 0;
    if (holds === held) return;
    for (const { lane } of this.lanes) lane.hold(holds);
    if (holds) this.#awaitRest();
    else this.#rested.stop();
  }

  /** Returns the place's lane, opened if needed; undefined if it can't be. */
  open(place: Place, tasks: readonly Task[]): OpenLane | undefined {
    if (place.open !== undefined) return place.open;
    const openLane = new OpenLane(place.number, this.options.tasksPerLane);
    try {
      const known = [...this.#loadable.values()].filter((task) => !tasks.includes(task));
      const events = this.host.inFlight.eventsOf(openLane);
      openLane.lane = this.options.makeLane(place.number, events, [...tasks, ...known]);
    } catch (error) {
      this.#onStartFailure(place, error, true);
      return undefined;
    }
    place.open = openLane;
    this.noteIdle(openLane);
    if (this.#waiters === 0) openLane.lane.hold(false);
    void openLane.lane.ready.then((startMs) => {
      if (Number.isNaN(startMs)) return;
      openLane.startMs = startMs;
      this.#startFailures = this.#mostStarting = 0;
      if (openLane.lane.slots === undefined || place.open !== openLane) return;
      place.slots = openLane.lane.slots;
      // It may have fewer slots than assumed: batches that wait there may go to other lanes.
      this.host.do(() => {});
    });
    return openLane;
  }

  #onStartFailure(place: Place, error: unknown, isAtOnce = false): void {
    if (this.isClosed) return;
    this.#lastStartFailure = error;
    const isForNow = error instanceof NoneFreeError;
    const opened = this.all.flatMap(({ open, slots }) => slots > 0 ? open ?? [] : []);
    // A lane that fails at once isn't counted while others are starting: they show whether any can start.
    const starting = opened.filter(({ startMs }) => startMs === undefined).length;
    if (isForNow) this.#wanting.add(place);
    else if (!isAtOnce || starting === 0) {
      this.#startFailures++;
      this.#mostStarting = Math.max(this.#mostStarting, starting + 1);
    }
    // Lanes that were starting at the same time count as one failure.
    const isHopeless = this.#startFailures > MOST_START_FAILURES + this.#mostStarting - 2;
    if (isForNow || opened.length > starting || starting > 0 && !isHopeless) {
      // Other lanes go on with the work, and this place is tried again after a rest.
      place.restsUntilMs = this.#rest();
    } else if (isHopeless) {
      this.#startFailures = this.#mostStarting = 0;
      this.host.failAll(startError(error));
    }
  }

  /** Begins a place's rest; returns when it ends. Then runs may try that place again. */
  #rest(): number {
    const endMs = clock.now() + REST_MS;
    this.#restEndsMs.push(endMs);
    this.#awaitRest();
    return endMs;
  }

  #awaitRest(): void {
    const { first: endMs } = this.#restEndsMs;
    if (endMs !== undefined) this.#rested.within(Math.max(0, endMs - clock.now()));
  }

  /**
   * Has a place rest from a task that couldn't be loaded or set up there, if another lane has loaded it, or may
   * yet: its items go there. A task that has run is tried once more. Returns false if it has no chance.
   */
  restFrom(task: Task, { number }: OpenLane, hasRun: boolean): boolean {
    const { module } = task;
    const place = this.all[number]!;
    // What was sent to the same lane fails with it, and is tried with it.
    const isTried = place.restsFrom(task) || hasRun && !place.failed.has(module);
    const mayRun = isTried || this.openLanes.some((other) => {
      if (other.number === number) return false;
      const stage = other.lane.stageOf(task);
      return stage === "loaded" || stage !== undefined && !this.of(other).failed.has(module);
    });
    if (mayRun) place.failed.set(module, this.#rest());
    return mayRun;
  }

  /** Handles a lane that ended before it was ready. */
  endedStarting(openLane: OpenLane, { how, error }: Death): void {
    this.#leave(openLane);
    const isForNow = error instanceof NoneFreeError;
    const why = isForNow ? error : new LaneStartError(`Cannot start a lane: it ${how}`);
    this.#onStartFailure(this.of(openLane), why);
  }

  /** Starts these places' lanes, loads a task on each, and waits until every lane that can start is ready. */
  async openAll(
    task: Task | undefined,
    loadTimeoutMs: number,
    places: readonly Place[],
  ): Promise<void> {
    const refuseClosed = () => {
      if (this.isClosed) throw new TypeError("Cannot start lanes: the executor is closed");
    };
    refuseClosed();
    this.wait(1);
    const tasks = task === undefined ? [] : [task];
    // A lane that replaces one of these meanwhile loads the task, too.
    for (const of of tasks) this.noteLoadable(of);
    for (const { open } of task === undefined ? [] : places) {
      if (open?.lane.accepts?.(task!) === false) this.retire(open, false);
    }
    const opened = places.flatMap((place) => this.open(place, tasks) ?? []);
    for (const openLane of opened) openLane.awaited++;
    try {
      const startedMs = await Promise.all(opened.map(({ lane }) => lane.ready));
      refuseClosed();
      const started = opened.filter((_, at) => !Number.isNaN(startedMs[at]));
      if (started.length === 0) throw startError(this.#lastStartFailure);
      if (task !== undefined) await this.#load(task, started, loadTimeoutMs);
      refuseClosed();
    } catch (error) {
      for (const of of tasks) this.noteUnloadable(of);
      throw error;
    } finally {
      for (const openLane of opened) {
        openLane.awaited--;
        this.noteIdle(openLane);
      }
      this.wait(-1);
    }
  }

  /**
   * Waits until every lane that can has loaded the task, or the executor is closed; rejects with the first
   * failure if none can.
   */
  async #load(task: Task, lanes: readonly OpenLane[], timeoutMs: number): Promise<void> {
    let some = false;
    const loads = lanes.map(({ lane }) => lane.load(task).then(() => void (some = true)));
    const { promise, resolve } = Promise.withResolvers<PromiseSettledResult<void>[]>();
    const end = () => resolve([]);
    this.#loadings.add(end);
    void Promise.allSettled(loads).then(resolve);
    const ended = await within(timeoutMs, promise, () => []);
    this.#loadings.delete(end);
    if (some || this.isClosed) return;
    const [first] = ended;
    throw first?.status === "rejected"
      ? first.reason
      : loadsTooLong(task, timeoutMs, lanes.map(({ lane }) => lane.stageOf(task)));
  }

  /** Has every lane that is opened from now on load a task from the start. */
  noteLoadable(task: Task): void {
    const name = taskName(task);
    this.#loadable.delete(name);
    this.#loadable.set(name, task);
    if (this.#loadable.size <= MOST_PRELOADED) return;
    const [oldest] = this.#loadable.keys();
    this.#loadable.delete(oldest!);
  }

  /** Undoes `noteLoadable`. */
  noteUnloadable(task: Task): void {
    this.#loadable.delete(taskName(task));
  }

  /** Closes an idle lane if it gets no more batches; otherwise has it closed after `idleMs`. */
  noteIdle(openLane: OpenLane): void {
    if (openLane.inFlight.size > 0 || openLane.awaited > 0) return;
    const isLeft = openLane.isSpent || this.of(openLane).retired.has(openLane);
    if (isLeft) return this.close(openLane);
    const { idleMs = Infinity } = this.options;
    if (idleMs === Infinity || this.isClosed) return;
    openLane.idleSinceMs = clock.now();
    this.#idle.within(idleMs);
  }

  /** Closes lanes that were idle for `idleMs`, and checks again when others may have been. */
  closeIdle(): void {
    const { idleMs = Infinity } = this.options;
    if (idleMs === Infinity || this.isClosed || this.host.isHeldBack) return;
    for (const openLane of this.openLanes) {
      if (openLane.inFlight.size > 0 || openLane.awaited > 0) continue;
      const leftMs = openLane.idleSinceMs + idleMs - clock.now();
      if (leftMs <= 0) this.retire(openLane);
      else this.#idle.within(leftMs);
    }
  }

  /**
   * Sends a lane no more batches; its place's next batch gets a new lane.
   *
   * @param recalls Whether to take back what it was sent, or to close it if idle even if `openAll` waits.
   */
  retire(openLane: OpenLane, recalls = true): void {
    const place = this.of(openLane);
    if (place.open !== openLane) return;
    this.#leave(openLane);
    place.retired.add(openLane);
    if (openLane.inFlight.size === 0) {
      return recalls ? this.close(openLane) : this.noteIdle(openLane);
    }
    for (const batch of recalls ? [...openLane.inFlight].reverse() : []) {
      if (!this.host.inFlight.takeBack(batch)) openLane.lane.askBack?.(batch);
    }
  }

  #leave(openLane: OpenLane): void {
    const place = this.of(openLane);
    if (place.open !== openLane) return;
    place.open = undefined;
    if (openLane.lane.slots !== undefined) place.slots = this.options.slots;
  }

  close(openLane: OpenLane): void {
    this.#leave(openLane);
    this.of(openLane).retired.delete(openLane);
    const closing = openLane.lane.close().catch((error) => {
      if (!(error instanceof TeardownError)) return reportError(error);
      this.#teardownFailures++;
      this.#firstTeardownFailure ??= error;
    }).finally(() => {
      this.#closing.delete(closing);
      // A lane that never started leaves no room for another.
      if (this.#wanting.size === 0 || openLane.startMs === undefined) return;
      for (const place of this.#wanting) place.restsUntilMs = 0;
      this.#wanting.clear();
      this.host.wakeAll();
    });
    this.#closing.add(closing);
  }

  /** Refuses new runs and lanes; open lanes keep the program alive until they are closed. */
  beginClosing(): void {
    this.isClosed = true;
    for (const end of this.#loadings) end();
    this.wait(1);
    this.#rested.stop();
    this.#idle.stop();
  }

  /** Closes all lanes and waits until none is left. A TeardownError is thrown only once. */
  async closeAll(): Promise<void> {
    for (const openLane of this.lanes) this.close(openLane);
    await Promise.all(this.#closing);
    const first = this.#firstTeardownFailure;
    this.#firstTeardownFailure = undefined;
    if (first !== undefined) throw allAsOne(first, this.#teardownFailures);
  }
}

/** The rank of a full place, after all others. */
const FULL = 2 ** 40;

/**
 * Lower is better: idle lanes, first those that have loaded the task; places without a lane; the least busy;
 * lanes held up; full places.
 */
function rank(place: Place, task: Task): number {
  const { open, load, slots } = place;
  if (load >= slots) return FULL + load - slots;
  if (open?.isHeldUp) return FULL - 1;
  if (open === undefined) return 0.5 + load;
  return load > 0 || place.isReadyFor(task) ? load : 0.25;
}

/**
 * The error of a task that isn't loaded and set up in time, by how far the lanes are with it.
 *
 * @param isHere Whether the lane is this event loop.
 */
export function loadsTooLong(
  { module }: Task,
  timeoutMs: number,
  stages: readonly (LoadingStage | undefined)[],
  isHere = false,
): TaskLoadError {
  const how = `after ${timeoutMs} ms`;
  if (stages.includes("setting up")) return notSetUp(module, `its setup has not ended ${how}`);
  if (!stages.includes("loading")) {
    return unloadable(module, `no lane came to that ${how}: they start, or are busy`);
  }
  const why = module === Deno.mainModule
    ? "it is the program itself, whose top level waits for this; " +
      (isHere ? "give the function instead of its name" : "put it behind import.meta.main")
    : "what its top level awaits doesn't end, or it exports `then`, which import() calls";
  return unloadable(module, `it has not been loaded ${how}: ${why}`);
}

function startError(cause: unknown): LaneStartError {
  if (cause instanceof LaneStartError) return cause;
  const why = wordsOf(cause);
  return new LaneStartError(`Cannot start a lane: ${why}`, { cause });
}
