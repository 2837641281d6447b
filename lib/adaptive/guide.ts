/**
 * Applies a controller's decisions to a pool: reports what happens to the controller, resizes the pool as it
 * decides, and starts lanes where it wants them. Tasks that can't be sent unchanged stay in the event loop.
 */

import type { Batch, Key, PaceMaker } from "../dispatch/batch.ts";
import type { LanePool, PoolGuide } from "../dispatch/lane_pool.ts";
import type { Fidelity, Report } from "../lanes/lane.ts";
import { LaneStartError, TaskLoadError } from "../lanes/errors.ts";
import { platform } from "../lanes/platform.ts";
import type { Cloning } from "../lanes/remote/clone.ts";
import type { Task } from "../lanes/task.ts";
import { clock, type Timer } from "../lanes/timers.ts";
import { Controller, type ControllerOptions, type Decision, WORTH_LOOK_MS } from "./controller.ts";
import { endsOf, isLacking, WELL } from "./ends.ts";
import { KeyPace } from "./key_pace.ts";
import { KnownTasks } from "./known_tasks.ts";
import { ONE, type Seen, type Shape } from "./watch.ts";

export interface GuideOptions extends Omit<ControllerOptions, "cores"> {
  /** How values are cloned on their way to the lanes. */
  readonly cloning: Cloning;
  readonly fidelity: Fidelity;
  /** Whether lanes are processes of their own. */
  readonly isolated: boolean;
  /** Where the first shape or guess comes from, for the first decision; undefined if it is the default. */
  readonly toldBy?: string | undefined;
  /** Why no lane can be started without asking for a permission; undefined if lanes can be. */
  readonly refusal: () => string | undefined;
}

/** The most decisions kept of a job that runs for days; successive ones with the same reason are one. */
const MOST_DECISIONS = 1000;
/** CPU time that lanes reported longer ago than this, in milliseconds, isn't used. */
const STALE_MS = 100;
/** Tasks that end at once aren't watched before this many milliseconds. */
const UNWATCHED_MS = 10;
/** How late timers come on an idle machine, in milliseconds. */
const TIMER_MS = 1;
/** How long a limited pace is kept that no run uses, in milliseconds: as long as it takes to grow again. */
const UNUSED_MS = 30_000;
/** How long lanes may take to load a task, in milliseconds. */
const LOAD_MS = 30_000;

export class Guide implements PoolGuide {
  readonly decisions: Decision[] = [];
  readonly tasks: KnownTasks;
  readonly #options: GuideOptions;
  readonly #controller: Controller;
  /** Whether no task has started yet because its module is being loaded. */
  #isLoading = false;
  /** The paces of keys, each shared by all runs that have tasks of it. */
  readonly #paces = new Map<Key, KeyPace>();
  /** Those that are limited and that no run uses just now, the latest last. */
  readonly #unused = new Map<Key, KeyPace>();
  /** The paces of keys that are limited, because some of their tasks were refused. */
  readonly #bound = new Map<KeyPace, Key>();
  /** The first two keys that came, which is enough to know if there are several. */
  readonly #keys = new Set<Key>();
  #pool!: LanePool;
  #timer: Timer | undefined;
  #isStarting = false;
  /** Since when the pool has had work, if it has any, and whether ticks run. */
  #begunMs: number | undefined;
  #isWatching = false;
  #heldMs = 0;
  /** When the next tick is due, and how late all ticks before came in total, in milliseconds. */
  #dueMs = Infinity;
  #lateMs = 0;
  /** CPU time of lanes that are processes, closed ones included, and the sum that open ones last reported. */
  #childrenCpuMs = 0;
  #toldCpuMs = 0;
  #isAsking = false;
  #answeredMs = -Infinity;

  constructor(options: GuideOptions) {
    this.#options = options;
    const cores = navigator.hardwareConcurrency;
    const { start: to, toldBy: detail } = options;
    const atMs = clock.now();
    this.#controller = new Controller({ ...options, cores }, atMs);
    this.tasks = new KnownTasks(options.cloning, options.fidelity, (why) => this.#stay(why));
    this.tasks.allStay = options.maxLanes === 0;
    if (detail !== undefined) {
      const figures = { busyShare: 0, latencyMs: NaN, perSecond: 0, refused: 0 };
      this.decisions.push({ atMs, from: ONE, to, why: "start", figures, detail });
    }
  }

  lead(pool: LanePool): void {
    this.#pool = pool;
    this.#shapePool();
  }

  get shape(): Shape {
    return this.#controller.shape;
  }

  /** The shape and pace to report, as far as they are judged; the pace of a single key limits them too. */
  get outcome(): Shape & Pick<PoolGuide, "gapMs"> {
    const { lanes, slots, place } = this.#controller.judged;
    const [first] = this.#keys.size > 1 ? [] : this.#bound.keys();
    const { judged: most, gapMs } = first ?? { judged: Infinity, gapMs: 0 };
    return {
      place,
      lanes,
      slots: Math.min(slots, Math.ceil(most / lanes)),
      gapMs: Math.max(gapMs, this.gapMs),
    };
  }

  /** Whether its lanes are processes. */
  get isolated(): boolean {
    return this.#options.isolated;
  }

  get fidelity(): Fidelity {
    return this.#options.fidelity;
  }

  get gapMs(): number {
    return this.#controller.gapMs;
  }

  get isBraking(): boolean {
    return this.#controller.isBraking;
  }

  readonly pace: PaceMaker = (key) =>
    this.#paces.getOrInsertComputed(key, () => {
      this.#forgetUnused();
      const known = this.#unused.get(key);
      this.#unused.delete(key);
      return known ?? new KeyPace(this.#options.maxSlots, (pace) => {
        this.#paces.delete(key);
        if (pace.isBound) this.#unused.set(key, pace);
      });
    }).join();

  #forgetUnused(): void {
    for (const [key, { unusedMs }] of this.#unused) {
      if (clock.now() - unusedMs < UNUSED_MS) break;
      this.#unused.delete(key);
    }
  }

  together(task: Task): boolean {
    return this.shape.place === "lanes" && this.tasks.isProven(task);
  }

  held(ms: number, { task, openLane }: Batch): void {
    this.#heldMs += ms;
    if (this.#isWatching || this.#begunMs === undefined) return;
    const { load, remaining = Infinity, inFlight } = this.#pool;
    if (this.#isLoading && load > 0 && inFlight.running.length === 0) {
      const loaded = () => this.#loaded();
      return void openLane!.lane.load(task).then(loaded, loaded);
    }
    const isBrief = clock.now() - this.#begunMs < UNWATCHED_MS || ms * remaining < WORTH_LOOK_MS;
    if (load === 0 && isBrief) return;
    this.#watch();
    if (load === 0) this.#pool.do(() => this.#tick());
  }

  /** Called when a task's module is loaded and the task started; a task that never waits has ended by now. */
  #loaded(): void {
    const { load, inFlight } = this.#pool;
    if (this.#isWatching || load === 0) return;
    // The time to load the module doesn't count as the task's.
    const startedMs = inFlight.running.map(({ startedAtMs }) => startedAtMs);
    const nowMs = Math.min(clock.now(), ...startedMs);
    if (this.#isLoading) this.#controller.begin({ ...this.#seen(), nowMs });
    this.#watch();
  }

  reported(batch: Batch, report: Report): void {
    const { count, startedAtMs, endedAtMs, failures } = report;
    if (Number.isNaN(startedAtMs)) return;
    // No tick came since the module was loaded: the task held this event loop, after its start was timed.
    if (this.#isLoading) this.#heldMs += endedAtMs - startedAtMs;
    this.#isLoading = false;
    const { task } = batch;
    const { lanes, slots } = this.shape;
    const isAgain = batch.attempt > 1;
    const how = failures === undefined && !isAgain
      ? WELL
      : endsOf(failures ?? [], lanes * slots > 1, isAgain);
    // Files or sockets that run short here say nothing about a key's server.
    const isKeyed = batch.history.key !== undefined && !how.isShort;
    const pace = isKeyed ? batch.pace as KeyPace | undefined : undefined;
    const { failed, refused: elsewhere } = how;
    const ours = pace === undefined ? how : { failed, isAgain, elsewhere };
    // Cancelled tasks tell nothing.
    const ended = count - how.cancelled;
    const { number } = batch.openLane!;
    const isHere = number === 0;
    // While a task is tried on a lane, tasks that end here tell nothing about lanes.
    const isBeside = isHere && this.shape.place === "lanes" && !this.tasks.isProven(task) &&
      !this.tasks.staysHere(task);
    let isDue = ended > 0 && !isBeside &&
      this.#controller.onEnded(ended, startedAtMs, endedAtMs, ours, number);
    if (pace !== undefined && ended > 0) {
      isDue = pace.ended(ended, startedAtMs, endedAtMs, how) || isDue;
      const key = batch.history.key!;
      if (this.#keys.size < 2) this.#keys.add(key);
      if (pace.isBound) this.#bound.set(pace, key);
    }
    if (failures !== undefined) this.#watch();
    // A job that isn't watched may be over soon, so it is spared the tick.
    if (isDue && this.#isWatching) this.#pool.do(() => this.#tick());
    // The task that is tried on a lane may have ended by now.
    else if (isBeside) this.#pool.do(() => this.#listen(task, endedAtMs - startedAtMs));
    if (isHere && this.#isWatching) this.tasks.look(batch, report);
    if (failures === undefined) return this.tasks.note(task, isHere, count, 0);
    for (const { offset, lost } of failures) {
      const index = batch.firstIndex + batch.reported + offset;
      if (lost !== undefined) this.tasks.keepHere(task, `what came of item ${index}: ${lost}`);
    }
    // Refusals don't count, as a server may refuse the task here too.
    this.tasks.note(task, isHere, ended, how.unwell, failures.some(isLacking));
  }

  lost({ task }: Batch): void {
    this.tasks.note(task, false, 1, 1);
  }

  unloadable({ task, openLane }: Batch, error: Error): boolean {
    if (openLane!.number === 0) return false;
    this.tasks.keepHere(task, error.message);
    return true;
  }

  noLanes(why: string): void {
    if (this.tasks.allStay) return;
    this.tasks.allStay = true;
    this.#stay(why);
  }

  /** Tells the controller once the pool has finished its present call. */
  #stay(why: string): void {
    this.#pool.do(() => this.#follow(this.#controller.stay(this.#seen(), why)));
  }

  begin(): void {
    this.#bound.clear();
    this.#keys.clear();
    this.#isLoading = this.shape.place === "event loop";
    if (!this.#isLoading) this.#mayStartLanes();
    const isNew = this.#pool.tasks.every((task) => this.tasks.isNew(task));
    this.#follow(this.#controller.begin(this.#seen(), isNew));
    this.#begunMs = clock.now();
    // A short list of tasks that end at once is spared the ticks, unless an earlier refusal still keeps tasks
    // from starting.
    if (!this.#isLoading || this.#pool.remaining === undefined || this.isBraking) this.#watch();
  }

  #watch(): void {
    if (this.#isWatching || this.#begunMs === undefined) return;
    this.#isWatching = true;
    this.#tickLater();
  }

  rest(): void {
    this.#begunMs = undefined;
    if (!this.#isWatching) return;
    // Refusals can be judged now that all tasks have ended, and no later tick will do it.
    if (this.isBraking || this.#bound.size > 0) this.#tick();
    this.#isWatching = false;
    clock.clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }

  #tickLater(): void {
    clock.clearTimeout(this.#timer);
    const { nextTickMs } = this.#controller;
    this.#dueMs = clock.now() + nextTickMs;
    this.#timer = clock.setTimeout(() => {
      this.#tick();
      // The tick may have started the last tasks, after which ticks stop.
      if (this.#dueMs === Infinity) return;
      this.#lateMs += this.#overdueMs;
      this.#tickLater();
    }, nextTickMs);
    // The timer keeps the program alive only while tasks wait for a tick to let them start.
    if (!this.isBraking) clock.hold(this.#timer, false);
  }

  get #overdueMs(): number {
    return Math.max(0, clock.now() - this.#dueMs - TIMER_MS);
  }

  #tick(): void {
    this.tasks.tick();
    // While the task's module is being loaded, no task runs, so measuring begins anew.
    if (this.#isLoading && this.#pool.load > 0) {
      if (this.#pool.inFlight.running.length === 0) {
        return void this.#controller.begin(this.#seen());
      }
      this.#isLoading = false;
    }
    const { isBraking, keepsLanes } = this.#controller;
    this.#receive();
    const seen = this.#seen();
    const stillMs = this.#controller.leaveOut(seen);
    for (const [pace, key] of this.#bound) {
      if (stillMs > 0) pace.leaveOut(seen.nowMs, stillMs);
      this.#pace(pace, `${key}`, seen);
    }
    this.#follow(this.#controller.tick(seen));
    // A second tick reads CPU time now, before the next task holds this event loop.
    const isFirst = this.#controller.wantsUsage && seen.loopCpuMs === undefined;
    if (isFirst && seen.inFlight === 0) {
      this.#follow(this.#controller.tick(this.#seen()));
    }
    if (this.isBraking && this.#dueMs < Infinity) clock.hold(this.#timer!, true);
    const isOver = isBraking && !this.isBraking || keepsLanes && !this.#controller.keepsLanes;
    if (isOver) this.#shapePool();
    if (this.#controller.wantsLanes && !this.#isStarting && this.#mayStartLanes()) {
      void this.#startLanes();
    }
  }

  /** Reads messages of lanes now, as tasks may hold this event loop for long, one after another. */
  #receive(): void {
    for (const { lane } of this.#pool.openLanes) lane.receive?.();
  }

  /** Checks if the task tried on a lane has ended, before another task holds this event loop for long. */
  #listen(task: Task, tookMs: number): void {
    this.#receive();
    if (!this.tasks.isProven(task)) this.#controller.listen(clock.now(), tookMs);
  }

  /** Updates a key's pace, and records a decision if that is because of refusals. */
  #pace(pace: KeyPace, key: string, seen: Seen): void {
    const { slots, refused } = pace;
    const wanted = pace.tick(seen);
    // With several keys, an idle pace isn't updated until a task of its key ends.
    if (this.#keys.size > 1 && pace.isIdle) this.#bound.delete(pace);
    if (wanted?.why !== "refused") return;
    const [from, to] = [slots, pace.slots].map((slots) => ({ ...this.shape, lanes: 1, slots }));
    const figures = { ...this.#controller.figures(seen), refused };
    this.#follow({ atMs: seen.nowMs, from: from!, to: to!, why: "refused", figures, detail: key });
  }

  /** Whether lanes may start: not if that would ask for a permission although lanes weren't requested. */
  #mayStartLanes(): boolean {
    const why = this.#options.refusal();
    if (why !== undefined) this.noLanes(why);
    return why === undefined;
  }

  /** Starts the wanted lanes, as many at once as there are cores; each group is used once it is open. */
  async #startLanes(): Promise<void> {
    this.#isStarting = true;
    const { lanes: wanted } = this.#controller;
    const task = this.#pool.tasks.find((task) => !this.tasks.staysHere(task));
    const { place, lanes } = this.shape;
    let ready = place === "lanes" ? lanes : 0;
    try {
      while (ready < wanted && this.#controller.wantsLanes) {
        const next = Math.min(wanted, ready + navigator.hardwareConcurrency);
        const from = ready;
        await this.#pool.openAll(task, LOAD_MS, ({ number }) => number > from && number <= next);
        ready = next;
        if (!this.#controller.wantsLanes) break;
        this.#follow(this.#controller.lanesReady(this.#seen(), ready, wanted));
      }
    } catch (error) {
      // An error after lanes were given up, or after the run ended, tells nothing.
      if (!this.#controller.wantsLanes || this.#pool.tasks.length === 0) return;
      if (task !== undefined && error instanceof TaskLoadError) {
        this.tasks.keepHere(task, error.message);
      } else if (ready > 0) {
        // The lanes that are open go on.
        this.#follow(this.#controller.lanesReady(this.#seen(), ready, ready));
      } else if (error instanceof LaneStartError) this.noLanes(error.message);
    } finally {
      this.#isStarting = false;
    }
  }

  #follow(decision: Decision | undefined): void {
    if (decision === undefined) return;
    const last = this.decisions.at(-1);
    const isMore = last?.why === decision.why && last.to.place === decision.to.place &&
      last.detail === decision.detail;
    if (isMore || this.decisions.length === MOST_DECISIONS) {
      this.decisions[this.decisions.length - 1] = { ...decision, from: last!.from };
    } else this.decisions.push(decision);
    this.#shapePool();
  }

  #shapePool(): void {
    const { place, lanes, slots } = this.shape;
    const inLoop = place === "event loop";
    this.#pool.resize((number) =>
      number === 0 ? (inLoop ? slots : 0) : !inLoop && number <= lanes ? slots : 0
    );
    if (inLoop && !this.#controller.keepsLanes) this.#pool.retireUnused();
  }

  #seen(): Seen {
    const { load, remaining, awaitsItems, tasks } = this.#pool;
    const usage = this.#controller.wantsUsage ? this.#usage() : {};
    const travelling = tasks.filter((task) => !this.tasks.staysHere(task));
    const sendMs = this.tasks.sendMs(travelling);
    if (this.isolated && !this.#isAsking && this.shape.place === "lanes") this.#ask();
    return {
      nowMs: clock.now(),
      ...usage,
      heldMs: this.#heldMs,
      inFlight: load,
      remaining,
      awaitsItems,
      travels: travelling.length > 0,
      ...(sendMs !== undefined && { sendMs }),
      memoryBytes: this.#options.memoryBytes === Infinity ? 0 : Deno.memoryUsage().rss,
      lateMs: this.#lateMs + this.#overdueMs,
    };
  }

  /** Reads CPU time and context switches; the first time takes 15 ms, as Deno loads `process`. */
  #usage(): Pick<Seen, "loopCpuMs" | "cpuMs" | "switches"> {
    const { involuntaryContextSwitches, voluntaryContextSwitches } = platform.process
      .resourceUsage();
    return {
      loopCpuMs: sum(platform.process.threadCpuUsage()),
      cpuMs: this.#isStale ? undefined : sum(platform.process.cpuUsage()) + this.#childrenCpuMs,
      switches: { involuntary: involuntaryContextSwitches, voluntary: voluntaryContextSwitches },
    };
  }

  /** Whether lanes that are processes haven't reported their CPU time for a while. */
  get #isStale(): boolean {
    return this.isolated && this.shape.place === "lanes" &&
      clock.now() - this.#answeredMs > STALE_MS;
  }

  /** Asks lanes that are processes for their CPU time. */
  #ask(): void {
    this.#isAsking = true;
    const usages = this.#pool.openLanes.map(({ lane }) => lane.usage());
    void Promise.all(usages).then((all) => {
      const toldMs = all.reduce((sum, { cpuMs = 0 }) => sum + cpuMs, 0);
      // The sum falls when lanes close, so only its increases count.
      this.#childrenCpuMs += Math.max(0, toldMs - this.#toldCpuMs);
      this.#toldCpuMs = toldMs;
      this.#answeredMs = clock.now();
    }).finally(() => this.#isAsking = false);
  }
}

const sum = ({ user, system }: { readonly user: number; readonly system: number }) =>
  (user + system) / 1000;
