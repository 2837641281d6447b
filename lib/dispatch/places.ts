/**
 * The places of a pool's lanes: chosen for each batch, opened where wanted, closed, and filled anew when
 * lost.
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
import { nameOf, type Task } from "../lanes/task.ts";
import { Alarm, clock, within } from "../lanes/timers.ts";
import { type Batch, OpenLane, type PoolRun } from "./batch.ts";

/**
 * Makes a lane of the executor's kind, perhaps still starting.
 *
 * @param number The lane's number, from 0.
 * @throws If it can't be started.
 */
export type LaneFactory = (number: number, events: LaneEvents, tasks: readonly Task[]) => Lane;

export interface PlacesOptions {
  readonly lanes: number;
  /** Slots on each lane at first, from 1; Infinity for no limit. */
  readonly slots: number;
  /** After so many tasks a lane gets no more, and is replaced; never unless given. */
  readonly tasksPerLane?: number;
  /** A lane that has had nothing to do for so long is closed, in milliseconds; never unless given. */
  readonly idleMs?: number;
  readonly makeLane: LaneFactory;
  /** Whether batches may wait on a lane for a slot: only if they can be taken back while it is busy. */
  readonly takesAhead: boolean;
  /** Says where tasks may go; anywhere unless given. */
  readonly guide?: { readonly tasks: TaskPlaces };
}

/** Where tasks may go in a pool whose first lane is this event loop, the others elsewhere. */
export interface TaskPlaces {
  /** So many batches of a task may be on lanes elsewhere. */
  mostThere(task: Task): number;
  /** Whether it is known to run in the event loop: while it is tried elsewhere it goes on there. */
  hasRunHere(task: Task): boolean;
  /** Whether a task never leaves the event loop. */
  staysHere(task: Task): boolean;
  /** Whether a batch that is about to be sent elsewhere can't be; it is run in the event loop then. */
  keeps(batch: Batch): boolean;
}

export interface PlacesHost {
  readonly inFlight: {
    /** What a lane tells is told here. */
    eventsOf(openLane: OpenLane): LaneEvents;
    /** Gives a batch back of which nothing has been started; false if it is too late. */
    takeBack(batch: Batch): boolean;
  };
  /** Whether a pause holds back what lanes would do: then none is idle. */
  readonly isHeldBack: boolean;
  /** Does something after what is being done now. */
  do(action: () => void): void;
  /** Where no lane could be started, it may be tried again. */
  wakeAll(): void;
  failAll(error: LaneStartError): void;
}

/** A lane's place. Lanes come and go; the place stays, so a lost lane doesn't shrink the pool. */
export class Place {
  open: OpenLane | undefined;
  /** Lanes that were here, and get nothing more: what runs on them still takes up slots until they are closed. */
  readonly retired: Set<OpenLane> = new Set();
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
    return this.open?.isExclusive !== true &&
      !(this.restsUntilMs > 0 && this.restsUntilMs > clock.now());
  }

  /** Whether its lane may run a task, or a new one may take its place. */
  accepts(task: Task): boolean {
    return this.isIdle || this.open!.lane.accepts?.(task) !== false;
  }

  /** The run that waits for it, unless what it was wanted for was dropped. */
  get heldFor(): PoolRun | undefined {
    return this.reservedFor?.peek()?.alone === true ? this.reservedFor : undefined;
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
  /** Whether all go to one place, so that nothing is to be chosen. */
  isSimple: boolean;
  /** Tasks that were loaded on some lane, the latest last. */
  readonly #loadable = new Map<string, Task>();
  readonly #closing = new Set<Promise<void>>();
  /** Those for which no lane was free: one that is closed may be had for them. */
  readonly #wanting = new Set<Place>();
  /** What couldn't be disposed in lanes that were closed; told when all are. */
  readonly #teardownFailures: TeardownError[] = [];
  #startFailures = 0;
  /** How many were starting at once, since one could be. */
  #mostStarting = 0;
  #lastStartFailure: unknown;
  readonly #rested = new Alarm(() => this.host.wakeAll());
  /** What closes idle lanes is no work that keeps a program alive. */
  readonly #idle = new Alarm(() => this.host.do(() => this.closeIdle()), false);
  /** How many wait for lanes: only then do lanes keep the program alive. */
  #waiters = 0;

  constructor(private readonly options: PlacesOptions, private readonly host: PlacesHost) {
    this.all = Array.from({ length: options.lanes }, (_, at) => new Place(at, options.slots));
    this.isSimple = options.lanes === 1 && !options.takesAhead && options.guide === undefined;
  }

  /** The lanes that are open, in the order of their numbers. */
  get openLanes(): OpenLane[] {
    return this.all.flatMap(({ open }) => open ?? []);
  }

  /** And those that get nothing more. */
  get lanes(): OpenLane[] {
    return [...this.openLanes, ...this.all.flatMap(({ retired }) => [...retired])];
  }

  /** Gives lanes so many slots from now on, each by its number. */
  resize(slotsOf: (lane: number) => number): void {
    for (const place of this.all) place.slots = slotsOf(place.number);
    if (this.options.guide === undefined) return;
    this.isSimple = this.all.slice(1).every(({ slots }) => slots === 0);
  }

  /** How many slots are free, though perhaps not for everybody. */
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
    // What may have ended a lane is tried again on one, for here it would end the program.
    if (alone) return isHere ? 0 : Math.max(1, slots);
    const most = guide.tasks.mostThere(task);
    const isTried = most < Infinity && this.#countThere(task) >= most;
    if (isHere) return isTried && guide.tasks.hasRunHere(task) ? Math.max(1, slots) : slots;
    return isTried ? 0 : slots;
  }

  /** Whether something is on lanes beside this event loop. */
  get isUsedElsewhere(): boolean {
    return this.all.some(({ number, load }) => number > 0 && load > 0);
  }

  /** How many batches of a task are on lanes beside this event loop. */
  #countThere(task: Task): number {
    let count = 0;
    for (const { number, inFlight } of this.lanes) {
      if (number > 0) { for (const batch of inFlight) count += Number(batch.task === task); }
    }
    return count;
  }

  /**
   * The place that a batch of a run had better go to, whether there is room or not. If no lane that is there
   * can run its task, it is that of one to be replaced.
   */
  best(run: PoolRun, alone: boolean): Place | undefined {
    let best: Place | undefined;
    let least = Infinity;
    for (const place of this.all) {
      if (!place.isUsable || this.#slotsFor(place, run, alone) === 0) continue;
      const { heldFor } = place;
      if (heldFor !== undefined && (heldFor !== run || !alone && !place.isIdle)) continue;
      const accepts = place.accepts(run.task);
      // One that was replaced before goes on beside it: a third would compute beside both.
      if (!accepts && place.retired.size > 0) continue;
      const order = accepts ? rank(place) : Infinity;
      if (best !== undefined && order >= least) continue;
      best = place;
      least = order;
    }
    return best;
  }

  /**
   * A place whose lane has room for one more batch of a run. If there is none, room is made: a lane that can't
   * run its task is retired, and one is kept free for a batch that must be alone.
   */
  placeFor(run: PoolRun, alone: boolean): Place | undefined {
    const only = this.all[0]!;
    const isOnly = this.isSimple && !alone && only.reservedFor === undefined && only.isUsable;
    if (isOnly && only.accepts(run.task)) return only.load < only.slots ? only : undefined;
    const best = this.best(run, alone);
    if (best === undefined) return undefined;
    // It makes room for one that can run it once it has done what it was sent: if that were taken back, two
    // such runs would end each other's lanes before anything ran.
    if (!best.accepts(run.task)) this.retire(best.open!, false);
    best.reservedFor = alone && !best.isIdle ? run : best.heldFor;
    if (alone && !best.isIdle) return undefined;
    // What runs on a lane that is replaced takes up slots here, but doesn't hold up what is sent ahead.
    const isReplaced = best.retired.size > 0 || best.open?.isSpent;
    const isHere = this.options.guide !== undefined && best.number === 0;
    const takesAhead = this.options.takesAhead && !isReplaced && !isHere;
    const slots = this.#slotsFor(best, run, alone);
    return best.load < slots * (1 + (takesAhead ? run.ahead : 0)) ? best : undefined;
  }

  /** A run has what it waited for. */
  unreserve(run: PoolRun): void {
    for (const place of this.all) {
      if (place.reservedFor === run) place.reservedFor = undefined;
    }
  }

  of(openLane: OpenLane): Place {
    return this.all[openLane.number]!;
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
      // What then waits there may go elsewhere.
      this.host.do(() => {});
    });
    return openLane;
  }

  #onStartFailure(place: Place, error: unknown, isAtOnce = false): void {
    if (this.isClosed) return;
    this.#lastStartFailure = error;
    const isForNow = error instanceof NoneFreeError;
    const opened = this.all.flatMap(({ open, slots }) => slots > 0 ? open ?? [] : []);
    // One of those that are starting may be the first that can: what there is enough for shows by them.
    const starting = opened.filter(({ startMs }) => startMs === undefined).length;
    if (isForNow) this.#wanting.add(place);
    else if (!isAtOnce || starting === 0) {
      this.#startFailures++;
      this.#mostStarting = Math.max(this.#mostStarting, starting + 1);
    }
    // Those that started together count as one.
    const isHopeless = this.#startFailures > MOST_START_FAILURES + this.#mostStarting - 2;
    if (isForNow || opened.length > starting || starting > 0 && !isHopeless) {
      // Others do the work, and what was short here may be had again later.
      place.restsUntilMs = clock.now() + REST_MS;
      this.#rested.within(REST_MS);
    } else if (isHopeless) {
      this.#startFailures = this.#mostStarting = 0;
      this.host.failAll(startError(error));
    }
  }

  /** A lane ended before it was ready. */
  endedStarting(openLane: OpenLane, { how, error }: Death): void {
    this.#leave(openLane);
    const isForNow = error instanceof NoneFreeError;
    const why = isForNow ? error : new LaneStartError(`Cannot start a lane: it ${how}`);
    this.#onStartFailure(this.of(openLane), why);
  }

  /** Starts the lanes of these places, loads a task on each, and waits until all that can be started are ready. */
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
    // Lanes that take the place of these meanwhile know it, too.
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

  async #load(task: Task, lanes: readonly OpenLane[], timeoutMs: number): Promise<void> {
    const loaded = Promise.all(lanes.map(({ lane }) => lane.load(task)));
    await within<unknown>(timeoutMs, loaded, () => {
      throw loadsTooLong(task, timeoutMs, lanes.map(({ lane }) => lane.stageOf(task)));
    });
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

  /** A lane may have nothing to do: if that stays so, or it is to get nothing more, it is closed. */
  noteIdle(openLane: OpenLane): void {
    if (openLane.inFlight.size > 0 || openLane.awaited > 0) return;
    const isLeft = openLane.isSpent || this.of(openLane).retired.has(openLane);
    if (isLeft) return this.close(openLane);
    const { idleMs = Infinity } = this.options;
    if (idleMs === Infinity || this.isClosed) return;
    openLane.idleSinceMs = clock.now();
    this.#idle.within(idleMs);
  }

  /** Closes lanes that have had nothing to do for long; looks again when others may have. */
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
   * A lane gets nothing more; the next batch in its place gets a new one.
   *
   * @param recalls Whether it is not even to end what it was sent, and nobody is to wait for it.
   */
  retire(openLane: OpenLane, recalls = true): void {
    const place = this.of(openLane);
    if (place.open !== openLane) return;
    this.#leave(openLane);
    place.retired.add(openLane);
    if (openLane.inFlight.size === 0) {
      return recalls ? this.close(openLane) : this.noteIdle(openLane);
    }
    for (const batch of recalls ? openLane.inFlight : []) {
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
      if (error instanceof TeardownError) this.#teardownFailures.push(error);
      else reportError(error);
    }).finally(() => {
      this.#closing.delete(closing);
      // One that never started gives nothing back.
      if (this.#wanting.size === 0 || openLane.startMs === undefined) return;
      for (const place of this.#wanting) place.restsUntilMs = 0;
      this.#wanting.clear();
      this.host.wakeAll();
    });
    this.#closing.add(closing);
  }

  /** No lane is opened any more, and those that are there keep the program alive until they are closed. */
  beginClosing(): void {
    this.isClosed = true;
    this.wait(1);
    this.#rested.stop();
    this.#idle.stop();
  }

  /** Waits until nothing is left; a TeardownError is told once. */
  async closeAll(): Promise<void> {
    for (const openLane of this.lanes) this.close(openLane);
    await Promise.all(this.#closing);
    const failures = this.#teardownFailures.splice(0);
    if (failures.length > 0) throw allAsOne(failures);
  }
}

/** Full places come behind all others. */
const FULL = 2 ** 40;

/** Idle lanes come first, then places whose lane must be started, the least busy, and those held up. */
function rank({ open, load, slots }: Place): number {
  if (load >= slots) return FULL + load - slots;
  if (open?.isHeldUp) return FULL - 1;
  return open === undefined ? 0.5 + load : load;
}

/**
 * What is told of a task whose module isn't loaded and set up in time by lanes that are so far with it.
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
