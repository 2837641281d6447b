/**
 * The lanes of an executor, shared by all its runs: whose turn it is to send, and which lane has a slot free
 * for it. What becomes of what was sent is in_flight.ts's matter.
 *
 * All that changes is done through {@linkcode LanePool.do}, one thing after another: callers'
 * functions that run in between, such as an input's or `onProgress`, may ask for anything, and it is
 * done when they have returned.
 */

import type { LaneStartError, TaskLoadError } from "../lanes/errors.ts";
import { Turn } from "../lanes/event_loop.ts";
import type { Fidelity } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import { Alarm, clock } from "../lanes/timers.ts";
import type { Batch, OpenLane, PaceMaker, PoolRun } from "./batch.ts";
import type { BatchLimits } from "./batch_size.ts";
import { Bag, Fifo } from "./collections.ts";
import { type BatchWatch, InFlight } from "./in_flight.ts";
import {
  type Place,
  Places,
  type PlacesHost,
  type PlacesOptions,
  type TaskPlaces,
} from "./places.ts";
import type { LossOptions } from "./settler.ts";

/** What a pool of lanes is told. */
export interface PoolOptions extends PlacesOptions, LossOptions {
  /** Whether a message to a lane costs so much that tiny tasks had better travel together. */
  readonly remote: boolean;
  /** Whether buffers move to lanes and back if they are told to. */
  readonly moves: boolean;
  /** What batches are to be like, where that isn't as usual. */
  readonly batches?: Partial<BatchLimits>;
  /** How many lanes there are to be had, where that changes; undefined while it isn't known. */
  readonly lanesThere?: () => number | undefined;
  /** Decides while runs go on how many slots each place has; they stay as they are unless given. */
  readonly guide?: PoolGuide;
}

/** What decides where tasks go in a pool whose first lane is this event loop, the others elsewhere. */
export interface PoolGuide extends BatchWatch {
  /** How much of what tasks give and throw must arrive as it is. */
  readonly fidelity: Fidelity;
  /** Tasks are started no closer together than this, in milliseconds. */
  readonly gapMs: number;
  /** Whether none is started at all for now; it will tell by a new size. */
  readonly isBraking: boolean;
  /** Paces what has a key. */
  readonly pace: PaceMaker;
  readonly tasks: TaskPlaces;
  /** Whether tiny ones of a task's items are to travel together. */
  together(task: Task): boolean;
  /** Starting a batch's task held up the event loop for so long. */
  held(ms: number, batch: Batch): void;
  noLanes(why: string): void;
  begin(): void;
  rest(): void;
}

/** While all slots are taken, so many runs are asked whether they send ahead. */
const MOST_ASKED = 16;

export class LanePool implements PlacesHost {
  /** Whether nothing ever runs elsewhere, so that nothing need be known of how items travel. */
  readonly staysHere: boolean;
  readonly inFlight: InFlight;
  readonly #places: Places;
  readonly #runs = new Bag<PoolRun>();
  /** Those that may have something to send, in the order of their turns. */
  readonly #ready = new Fifo<PoolRun>();
  readonly #actions = new Fifo<() => void>();
  #isBusy = false;
  #isPaused = false;
  readonly #turn = new Turn(() => this.do(() => {}), () => this.#places.isUsedElsewhere);
  #lastSentMs = 0;
  readonly #paced = new Alarm(() => this.do(() => {}));

  constructor(readonly options: PoolOptions) {
    this.#places = new Places(options, this);
    this.inFlight = new InFlight(this, this.#places);
    this.staysHere = !options.remote && options.guide === undefined;
  }

  /** Slots of the lane that has the most, where lanes may have fewer than were asked for. */
  get givenSlots(): number | undefined {
    const given = this.openLanes.flatMap(({ lane }) => lane.slots ?? []);
    return given.length > 0 ? Math.max(...given) : undefined;
  }

  get slots(): number {
    const { lanes } = this;
    let sum = 0;
    for (let at = 0; at < lanes; at++) sum += this.#places.all[at]!.slots;
    return sum;
  }

  get load(): number {
    return this.#places.all.reduce((sum, { load }) => sum + load, 0);
  }

  /** Items that were not sent yet; undefined if some run can't tell. */
  get remaining(): number | undefined {
    let sum = 0;
    for (const { remaining = NaN } of this.#runs) sum += remaining;
    return Number.isNaN(sum) ? undefined : sum;
  }

  /** Whether slots are free, and all runs wait for what their sources haven't given yet. */
  get awaitsItems(): boolean {
    return this.#runs.size > 0 && [...this.#runs].every(({ awaitsItems }) => awaitsItems === true);
  }

  /** What runs run, each task once: thousands of calls may have the same one. */
  get tasks(): Task[] {
    return [...new Set(Array.from(this.#runs, ({ task }) => task))];
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

  /** Sends nothing more, and takes back what wasn't started; what runs goes on. */
  pause(): void {
    this.#isPaused = true;
    this.do(() => this.inFlight.recallAll());
  }

  resume(): void {
    this.#isPaused = false;
    this.wakeAll();
    this.do(() => this.#places.closeIdle());
  }

  get isHeldBack(): boolean {
    return this.#isPaused && this.#runs.size > 0;
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

  /** No lane can be started, or none can run tasks of a module. */
  failAll(error: LaneStartError | TaskLoadError, module?: string): void {
    const { guide } = this.options;
    if (guide !== undefined) return guide.noLanes(error.message);
    for (const run of this.#runs) {
      if (module === undefined || run.task.module === module) run.fail(error);
    }
  }

  /** The time, which is looked at again only if something has taken any since the last report. */
  now(): number {
    const { nowMs } = this.inFlight;
    return Number.isNaN(nowMs) ? clock.now() : nowMs;
  }

  /** Does something after what is being done now, and then sends what can be sent. */
  do(action: () => void): void {
    if (this.#isBusy) return this.#actions.push(action);
    this.#isBusy = true;
    for (let next: (() => void) | undefined = action; next !== undefined;) {
      guarded(next);
      if (this.#actions.size === 0) guarded(this.#fill);
      this.inFlight.nowMs = NaN;
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
    if (rests) this.inFlight.deadlines.rest();
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
    this.inFlight.deadlines.rest();
    if (this.#runs.size > 0) return;
    // A program that has nothing else to do needn't wait for it.
    this.#paced.stop();
    this.options.guide?.rest();
    if (this.#isPaused) this.#places.closeIdle();
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
        const place = this.#places.best(batch.run, false);
        if (place === undefined || place.load >= place.slots || !this.#canOpen(place)) continue;
        if (!place.accepts(batch.task) || batch.isHeldUp && place.open?.isHeldUp) continue;
        if (!this.inFlight.takeBack(batch) && openLane.lane.askBack?.(batch) !== true) continue;
        // It may have been started meanwhile.
        batch.isHeldUp = false;
        return true;
      }
    }
    return false;
  }

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
      if (isHere && this.#turn.isOver(Math.max(this.#lastSentMs, this.inFlight.endedMs))) return;
      const batch = place && run.take();
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
      const batch = place && run.take();
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
    this.#paced.within(waitMs);
    return true;
  }

  #send(run: PoolRun, place: Place, batch: Batch): void {
    if (place.number > 0 && this.options.guide?.tasks.keeps(batch)) place = this.#places.all[0]!;
    const isLast = place.open?.isSpent || place.open?.lane.accepts?.(run.task) === false;
    if (isLast) this.#places.retire(place.open!, false);
    const openLane = place.open ?? this.#places.open(place, [run.task]);
    if (openLane === undefined) {
      run.onLeave(batch, NaN);
      return run.putBack(batch);
    }
    const { tasksLeft } = openLane;
    if (batch.items.length > tasksLeft) {
      run.putBack(batch.part(tasksLeft, batch.items.length));
      batch = batch.part(0, tasksLeft);
    }
    openLane.tasksLeft -= batch.items.length;
    // It may have waited for other places before: a reservation that is kept would be waited for.
    if (batch.alone) this.#places.unreserve(run);
    this.inFlight.send(batch, openLane);
    this.#lastSentMs = batch.sentAtMs;
    if (place.number === 0 && this.options.guide !== undefined) {
      // What never waited has ended by now.
      const hasEnded = !openLane.inFlight.has(batch);
      const untilMs = hasEnded ? this.inFlight.endedMs : clock.now();
      this.options.guide.held(untilMs - batch.sentAtMs, batch);
    }
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

  /** Waits until nothing is left; a TeardownError is told once. */
  async close(): Promise<void> {
    this.#places.beginClosing();
    const why = new TypeError("The executor was closed");
    // All at once: a slot that one of them frees is nothing for the others.
    this.#isPaused = true;
    await new Promise<unknown>((resolve) => {
      this.do(() => {
        this.inFlight.recallAll();
        resolve(Promise.all([...this.#runs].map((run) => run.close(why))));
      });
    });
    this.#turn.close();
    this.inFlight.deadlines.stop();
    this.#paced.stop();
    await this.#places.closeAll();
  }
}

/** A mistake of ours must not leave the others waiting. */
function guarded(action: () => void): void {
  try {
    action();
  } catch (error) {
    reportError(error);
  }
}
