/**
 * The lanes of an executor, shared by all its runs: which run sends next, and to which lane. in_flight.ts
 * handles what happens to batches once they are sent.
 *
 * Every change goes through {@linkcode LanePool.do}, one action after another: a caller's function that runs in
 * between, such as an input or `onProgress`, may request anything, and it is done once that function has
 * returned.
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

export interface PoolOptions extends PlacesOptions, LossOptions {
  /** Whether lanes are outside this event loop; messages are then so costly that tiny tasks travel together. */
  readonly remote: boolean;
  /** Whether buffers can move to lanes and back with the option `transfer`. */
  readonly moves: boolean;
  /** Limits of batches that differ from the usual ones. */
  readonly batches?: Partial<BatchLimits>;
  /** How many lanes are available, where that changes; undefined while it isn't known. */
  readonly lanesThere?: () => number | undefined;
  /** Decides how many slots each place has while runs go on; without it they stay as they are. */
  readonly guide?: PoolGuide;
}

/** Decides where tasks go in a pool whose first lane is this event loop and whose others are elsewhere. */
export interface PoolGuide extends BatchWatch {
  /** How much of results and errors must arrive unchanged. */
  readonly fidelity: Fidelity;
  /** The least time between two starts, in milliseconds. */
  readonly gapMs: number;
  /** Whether no task may start for now; the guide resizes the pool when this ends. */
  readonly isBraking: boolean;
  /** Gives the pace of each key. */
  readonly pace: PaceMaker;
  readonly tasks: TaskPlaces;
  /** Whether a task's items travel together if they are tiny. */
  together(task: Task): boolean;
  /** Called with how long starting a batch's task blocked the event loop, in milliseconds. */
  held(ms: number, batch: Batch): void;
  noLanes(why: string): void;
  begin(): void;
  rest(): void;
}

/** How many waiting runs are checked for batches to send ahead while all slots are taken. */
const MOST_ASKED = 16;

export class LanePool implements PlacesHost {
  /** Whether every task runs in this event loop, so that the size of items doesn't matter. */
  readonly staysHere: boolean;
  readonly inFlight: InFlight;
  readonly #places: Places;
  readonly #runs = new Bag<PoolRun>();
  /** Runs that may have something to send, in the order of their turns. */
  readonly #ready = new Fifo<PoolRun>();
  /** Those that found no place meanwhile: others may send before them, but they keep their turns. */
  readonly #skipped: PoolRun[] = [];
  /** How many runs were removed while they waited, since these were last taken out of `#ready`. */
  #removed = 0;
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

  /** The most slots that any open lane has, where lanes may have fewer than were asked for. */
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

  /** Items not yet sent, of all runs; undefined if any run can't tell. */
  get remaining(): number | undefined {
    let sum = 0;
    for (const { remaining = NaN } of this.#runs) sum += remaining;
    return Number.isNaN(sum) ? undefined : sum;
  }

  /** Whether slots are free and every run waits for its input. */
  get awaitsItems(): boolean {
    return this.#runs.size > 0 && [...this.#runs].every(({ awaitsItems }) => awaitsItems === true);
  }

  /** The tasks of all runs, each once: thousands of calls may share one. */
  get tasks(): Task[] {
    return [...new Set(Array.from(this.#runs, ({ task }) => task))];
  }

  /** Whether a task's items travel together if they are tiny. */
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

  get openLanes(): OpenLane[] {
    return this.#places.openLanes;
  }

  /** Sends nothing more and takes back batches that haven't started; running tasks go on. */
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

  /** Sets the slots of each lane, by its number; tasks that run beyond them go on. */
  resize(slotsOf: (lane: number) => number): void {
    this.#places.resize(slotsOf);
    this.wakeAll();
  }

  /** Closes lanes that have no slots any more, once their running tasks have ended. */
  retireUnused(): void {
    this.do(() => {
      for (const { slots, open } of this.#places.all) {
        if (slots === 0 && open !== undefined) this.#places.retire(open);
      }
    });
  }

  /** Gives every run a turn to send. */
  wakeAll(): void {
    this.do(() => {
      for (const run of this.#runs) this.#queue(run);
    });
  }

  /** Fails all runs, or those with tasks of a module, because no lane can be started or run them. */
  failAll(error: LaneStartError | TaskLoadError, module?: string): void {
    const { guide } = this.options;
    if (guide !== undefined) return guide.noLanes(error.message);
    for (const run of this.#runs) {
      if (module === undefined || run.task.module === module) run.fail(error);
    }
  }

  /** The current time; the last report's time is reused while nothing has taken any time since. */
  now(): number {
    const { nowMs } = this.inFlight;
    return Number.isNaN(nowMs) ? clock.now() : nowMs;
  }

  /** Runs an action after the current one, then sends whatever can be sent. */
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

  /** Adds a run; throws a TypeError that names `what` if the executor is closed. */
  add(run: PoolRun, what: "map" | "run" = "map"): void {
    if (this.#places.isClosed) throw new TypeError(`Cannot ${what}: the executor is closed`);
    this.#runs.add(run);
    if (this.#runs.size === 1) this.options.guide?.begin();
    this.#places.wait(1);
    this.#queue(run);
  }

  /** Whether other runs already wait for a turn, so that a new one could send nothing now. */
  get isCrowded(): boolean {
    const isHere = this.#places.isSimple && !this.options.remote;
    return isHere && !this.#isBusy && this.#ready.size > 0;
  }

  /** Sets whether a run rests: then it keeps neither lanes nor the program alive. */
  rest(run: PoolRun, rests: boolean): void {
    if ((run.rests ?? false) === rests || !this.#runs.has(run)) return;
    run.rests = rests;
    this.#places.wait(rests ? -1 : 1);
    if (rests) this.inFlight.rest();
  }

  /**
   * Gives a run a turn, because it may have something to send.
   *
   * @param isNext Whether its turn comes before those of all others that wait, because it was its turn before.
   */
  wake(run: PoolRun, isNext = false): void {
    if (!run.isReady) {
      if (!this.#runs.has(run)) return;
      this.#queue(run, isNext);
    }
    if (!this.#isBusy) this.do(() => {});
  }

  /** Adds a run to those that wait for a turn. */
  #queue(run: PoolRun, isNext = false): void {
    if (run.isReady) return;
    run.isReady = true;
    if (isNext) this.#ready.prepend([run]);
    else this.#ready.push(run);
  }

  /** Removes the run whose turn it is from the waiting runs. */
  #unqueue(run: PoolRun): void {
    run.isReady = false;
    this.#ready.shift();
  }

  remove(run: PoolRun): void {
    if (!this.#runs.delete(run)) return;
    // Calls that are aborted while they wait would be kept, with their items, for as long as those before them.
    if (run.isReady && ++this.#removed > this.#ready.size / 2) {
      this.#ready.filter((one) => this.#runs.has(one));
      this.#removed = 0;
    }
    if (run.rests !== true) this.#places.wait(-1);
    this.inFlight.rest();
    if (this.#runs.size > 0) return;
    // The timer would keep the program alive for nothing.
    this.#paced.stop();
    this.options.guide?.rest();
    if (this.#isPaused) this.#places.closeIdle();
  }

  /** Fills free slots from the runs' queues, then with batches that wait on busy lanes. */
  readonly #fill = () => {
    this.#sendQueued();
    if (this.#places.isSimple) return;
    const moved = new Set<Batch>();
    for (let free = this.freeSlots; free > 0 && this.#recallWaiting(moved); free--) {
      this.#sendQueued();
    }
  };

  /**
   * Takes back, or asks back, one batch that waits on a lane if another lane has a slot free for it, and adds it
   * to those that were in this round.
   */
  #recallWaiting(moved: Set<Batch>): boolean {
    const someIdle = this.openLanes.some(({ inFlight }) => inFlight.size === 0);
    if (!someIdle && !this.options.takesAhead) return false;
    for (const openLane of this.openLanes) {
      const { inFlight, lane } = openLane;
      // One that was asked back is in flight until its lane answers.
      const left = [...inFlight].filter((batch) => !moved.has(batch));
      const isOverfull = left.length > this.#places.of(openLane).slots;
      // The batch that was sent last would start last.
      for (const batch of left.reverse()) {
        const waits = isOverfull || batch.isHeldUp;
        if (!waits && !(someIdle && lane.stageOf(batch.task) !== "loaded")) continue;
        const place = this.#places.best(batch.run, false);
        if (place === undefined || place.load >= place.slots) continue;
        if (place.open === undefined && this.openLanes.length >= this.lanes) continue;
        if (!place.accepts(batch.task) || batch.isHeldUp && place.open?.isHeldUp) continue;
        // A busy lane takes nothing from one that only starts or loads the task: both share the work.
        if (!waits && !place.isReadyFor(batch.task)) continue;
        if (!this.inFlight.takeBack(batch, !waits) && lane.askBack?.(batch) !== true) continue;
        // A batch that was asked back may have started meanwhile.
        batch.isHeldUp = false;
        moved.add(batch);
        return true;
      }
    }
    return false;
  }

  #sendQueued(): void {
    try {
      this.#sendMost();
    } finally {
      if (this.#skipped.length > 0) this.#ready.prepend(this.#skipped.splice(0));
    }
  }

  #sendMost(): void {
    const { guide } = this.options;
    while (this.#actions.size === 0 && !this.#isPaused) {
      const run = this.#ready.first;
      if (run === undefined) return;
      if (this.#places.isSimple && this.#places.isFull) return;
      const wanted = run.peek();
      if (guide !== undefined && wanted !== undefined && this.#isPaced(guide)) return;
      const place = wanted && this.#places.placeFor(run, wanted.alone);
      if (wanted !== undefined && place === undefined) {
        if (this.#places.isFull) return this.#sendAhead();
        this.#skipped.push(this.#ready.shift()!);
        continue;
      }
      // Only batches for the event loop wait for its next turn.
      const isHere = place?.number === 0 && !this.options.remote;
      if (isHere && this.#turn.isOver(Math.max(this.#lastSentMs, this.inFlight.endedMs))) return;
      const batch = place && run.take();
      if (batch === undefined || run.isCall) this.#unqueue(run);
      else if (this.#ready.size > 1) {
        this.#unqueue(run);
        this.#queue(run);
      }
      if (batch !== undefined) this.#send(run, place!, batch);
    }
  }

  /** All slots are taken: only runs that send ahead may send more, regardless of turns. */
  #sendAhead(): void {
    if (!this.options.takesAhead || this.#places.isSimple) return;
    for (const run of this.#ready.slice(1, MOST_ASKED)) {
      if (run.ahead === 0 || run.peek()?.alone !== false) continue;
      const place = this.#places.placeFor(run, false);
      const batch = place && run.take();
      if (place !== undefined && batch !== undefined) this.#send(run, place, batch);
    }
  }

  /** How many slots are free, though perhaps not for every run. */
  get freeSlots(): number {
    return this.#isPaused ? 0 : this.#places.freeSlots;
  }

  /** Whether the next task must wait, because the guide brakes or the last start was too recent. */
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
    // The run may have reserved another place before; if the reservation stayed, that place would be kept free.
    if (batch.alone) this.#places.unreserve(run);
    this.inFlight.send(batch, openLane);
    this.#lastSentMs = batch.sentAtMs;
    if (place.number === 0 && this.options.guide !== undefined) {
      // A task that never awaited anything has ended by now.
      const hasEnded = !openLane.inFlight.has(batch);
      const untilMs = hasEnded ? this.inFlight.endedMs : clock.now();
      this.options.guide.held(untilMs - batch.sentAtMs, batch);
    }
  }

  /**
   * Starts every lane that has slots, or the wanted ones, loads a task on each, and waits until every lane that
   * can start is ready.
   *
   * @throws {TypeError} If the executor is closed.
   * @throws {LaneStartError} If no lane can be started.
   * @throws {TaskLoadError} If the task can't be loaded, or not within `loadTimeoutMs`.
   */
  openAll(
    task: Task | undefined,
    loadTimeoutMs: number,
    isWanted: (place: Place) => boolean = ({ slots }) => slots > 0,
  ): Promise<void> {
    return this.#places.openAll(task, loadTimeoutMs, this.#places.all.filter(isWanted));
  }

  /** Stops all runs and closes all lanes. A TeardownError is thrown only once. */
  async close(): Promise<void> {
    this.#places.beginClosing();
    const why = new TypeError("The executor was closed");
    // All runs stop at once: a slot that one of them frees isn't given to another.
    this.#isPaused = true;
    await new Promise<unknown>((resolve) => {
      this.do(() => {
        this.inFlight.recallAll();
        resolve(Promise.all([...this.#runs].map((run) => run.close(why))));
      });
    });
    this.#turn.close();
    this.inFlight.stop();
    this.#paced.stop();
    await this.#places.closeAll();
  }
}

/** Reports an error of the pool's own code and goes on, so that other runs don't wait forever. */
function guarded(action: () => void): void {
  try {
    action();
  } catch (error) {
    reportError(error);
  }
}
