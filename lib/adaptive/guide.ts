/**
 * Leads a pool by a controller's decisions: tells it what happens, makes the pool as it says, and starts
 * lanes where they are wanted. Tasks that can't be sent to them as they are stay in the event loop.
 */

import type { Batch } from "../dispatch/batch.ts";
import type { LanePool, PoolGuide } from "../dispatch/lane_pool.ts";
import { attempt } from "../lanes/attempt.ts";
import type { Failure, Report } from "../lanes/lane.ts";
import { encodeAtOnce } from "../lanes/remote/channel.ts";
import { loss, type Way } from "../lanes/remote/clone.ts";
import type { Task } from "../lanes/task.ts";
import { classifyFailure } from "../tasks/classify_failure.ts";
import { httpSigns, isRefusal } from "../tasks/http_signs.ts";
import { Controller, type ControllerOptions, type Decision } from "./controller.ts";
import { ONE, type Seen, type Shape } from "./watch.ts";

/** What a guide is made of. */
export interface GuideOptions extends Omit<ControllerOptions, "cores"> {
  /** How values travel to the lanes. */
  readonly way: Way;
  /** Whether lanes are processes of their own. */
  readonly isolated: boolean;
  /** Who told what it begins with, if anybody did. */
  readonly toldBy?: string | undefined;
}

/** So many items and results are looked at for what can't travel: the first ones, then fewer and fewer. */
const MOST_LOOKS = 24;
const FIRST_LOOKS = 8;
const FEWER = 1.5;
/** Of so many of them it is measured what sending costs: the least counts, for the first pays for more. */
const TIMED_LOOKS = 3;
/** A job that goes on for days keeps so many decisions; those that follow on each other are one. */
const MOST_DECISIONS = 1000;
/** What lanes told longer ago, in milliseconds, says nothing of now. */
const STALE_MS = 100;
/** Timers come late by so much anyway. */
const TIMER_MS = 1;
/** How long lanes may take to load a task, in milliseconds. */
const LOAD_MS = 30_000;
/** If so many tasks fail where they are sent before one succeeds, they may need what is only here. */
const FAILED_THERE = 3;
/** What tells that there are too many at once. */
const TOO_MANY: readonly string[] = [
  "too many open files",
  "refused",
  "reset",
  "refused stream",
  "truncated",
];

/** What is known of a task from its items and results. */
interface Looked {
  looks: number;
  seen: number;
  next: number;
  /** Why it stays in the event loop. */
  stays: string | undefined;
  /** What copying an item and its result took. */
  sendMs: number | undefined;
  /** How many of its tasks failed on lanes before one succeeded there; NaN once one has, or one failed here. */
  failedThere: number;
}

/** Leads a pool. */
export class Guide implements PoolGuide {
  /** What was decided so far. */
  readonly decisions: Decision[] = [];
  readonly #options: GuideOptions;
  readonly #controller: Controller;
  readonly #looked = new WeakMap<Task, Looked>();
  #pool!: LanePool;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStarting = false;
  #heldMs = 0;
  /** When the next tick is due, and how late those before came, all together. */
  #dueMs = Infinity;
  #lateMs = 0;
  /** CPU time of lanes that are processes, as they last told. */
  #childrenCpuMs = 0;
  #toldCpuMs = 0;
  #isAsking = false;
  #answeredMs = -Infinity;

  constructor(options: GuideOptions) {
    this.#options = options;
    const cores = navigator.hardwareConcurrency;
    const { start: to, toldBy: detail } = options;
    const atMs = performance.now();
    this.#controller = new Controller({ ...options, cores }, atMs);
    if (detail !== undefined) {
      const figures = { busyShare: 0, latencyMs: NaN, perSecond: 0, refused: 0 };
      this.decisions.push({ atMs, from: ONE, to, why: "start", figures, detail });
    }
  }

  /** Leads this pool from now on. */
  lead(pool: LanePool): void {
    this.#pool = pool;
    this.#shapePool();
  }

  get shape(): Shape {
    return this.#controller.shape;
  }

  /** Whether its lanes are processes of their own. */
  get isolated(): boolean {
    return this.#options.isolated;
  }

  get gapMs(): number {
    return this.#controller.gapMs;
  }

  get isBraking(): boolean {
    return this.#controller.isBraking;
  }

  get together(): boolean {
    return this.shape.place === "lanes";
  }

  staysHere(task: Task): boolean {
    return this.#options.maxLanes === 0 || task.module.startsWith("function:") ||
      this.#looked.get(task)?.stays !== undefined;
  }

  keeps({ task, items, firstIndex }: Batch): boolean {
    if (encodeAtOnce(items) !== undefined) return false;
    for (const [at, item] of items.entries()) {
      if (this.#stays(task, `item ${firstIndex + at}`, item)) return true;
    }
    return false;
  }

  held(ms: number): void {
    this.#heldMs += ms;
  }

  reported(batch: Batch, report: Report): void {
    const { count, startedAtMs, endedAtMs, failures, values } = report;
    if (Number.isNaN(startedAtMs)) return;
    const refused = failures?.some((failure) => isTooMany(failure)) ?? false;
    if (this.#controller.onEnded(count, startedAtMs, endedAtMs, refused)) {
      this.#pool.do(() => this.#tick());
    }
    const isHere = batch.on!.number === 0;
    if (isHere) this.#look(batch, values?.[0]);
    if (!refused) this.#noteFailures(batch.task, isHere, (failures?.length ?? 0) === count);
  }

  lost({ task }: Batch): void {
    this.#noteFailures(task, false, true);
  }

  /** Looks at some items and results for what wouldn't arrive. */
  #look({ task, items, firstIndex, reported }: Batch, value: unknown): void {
    const looked = this.#lookedOf(task);
    if (this.staysHere(task) || looked.looks === MOST_LOOKS) return;
    if (looked.seen++ < looked.next) return;
    looked.next = looked.seen < FIRST_LOOKS ? looked.seen : Math.ceil(looked.seen * FEWER);
    looked.looks++;
    const at = firstIndex + reported;
    if (!this.#stays(task, `item ${at}`, items[reported])) {
      const isFine = !this.#stays(task, `the result of item ${at}`, value);
      if (isFine && looked.looks <= TIMED_LOOKS) {
        // Tiny ones share what a copy costs anyway.
        const anywayMs = timeOf(() => structuredClone([0, 0]));
        const copyMs = timeOf(() => structuredClone([items[reported], value])) - anywayMs;
        looked.sendMs = Math.min(looked.sendMs ?? Infinity, Math.max(0, copyMs));
      }
    }
  }

  /** Tasks that fail elsewhere from the first on, and haven't here, are sent no more. */
  #noteFailures(task: Task, isHere: boolean, failed: boolean): void {
    const looked = this.#lookedOf(task);
    if (isHere ? failed : !failed) looked.failedThere = NaN;
    else if (!isHere && ++looked.failedThere === FAILED_THERE) {
      this.#keepHere(task, `the first ${FAILED_THERE} that were sent there failed`);
    }
  }

  #stays(task: Task, what: string, value: unknown): boolean {
    const why = loss(what, value, this.#options.way);
    if (why !== undefined) this.#keepHere(task, why);
    return why !== undefined;
  }

  #keepHere(task: Task, why: string): void {
    this.#lookedOf(task).stays = why;
    // Later, for the pool is in the midst of something.
    this.#pool.do(() => this.#follow(this.#controller.stay(this.#seen(), why)));
  }

  #lookedOf(task: Task): Looked {
    let looked = this.#looked.get(task);
    if (looked === undefined) {
      looked = { looks: 0, seen: 0, next: 0, stays: undefined, sendMs: undefined, failedThere: 0 };
      this.#looked.set(task, looked);
    }
    return looked;
  }

  begin(): void {
    this.#controller.begin(this.#seen());
    this.#tickLater();
    // The first timer of a program comes late.
    queueMicrotask(() => {
      if (this.#pool.load > 0) this.#tick();
    });
  }

  rest(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }

  #tickLater(): void {
    clearTimeout(this.#timer);
    const { nextTickMs } = this.#controller;
    this.#dueMs = performance.now() + nextTickMs;
    this.#timer = setTimeout(() => {
      this.#tick();
      this.#lateMs += this.#overdueMs;
      this.#tickLater();
    }, nextTickMs);
    // What watches is no work that keeps a program alive.
    Deno.unrefTimer(this.#timer);
  }

  get #overdueMs(): number {
    return Math.max(0, performance.now() - this.#dueMs - TIMER_MS);
  }

  #tick(): void {
    const { isBraking, keepsLanes } = this.#controller;
    // Tasks may hold up this event loop for long, one after another.
    for (const { lane } of this.#pool.openLanes) lane.receive?.();
    this.#follow(this.#controller.tick(this.#seen()));
    const isOver = isBraking && !this.isBraking || keepsLanes && !this.#controller.keepsLanes;
    if (isOver) this.#shapePool();
    if (this.#controller.wantsLanes && !this.#isStarting) void this.#startLanes();
  }

  /** Starts the lanes that are wanted, as many at once as there are cores; each may be used when it is there. */
  async #startLanes(): Promise<void> {
    this.#isStarting = true;
    const { lanes: wanted } = this.#controller;
    const task = this.#pool.tasks.find((task) => !this.staysHere(task));
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
      // Those that are there go on.
      this.#follow(
        ready > 0
          ? this.#controller.lanesReady(this.#seen(), ready, ready)
          : this.#controller.noLanes(this.#seen(), (error as Error).message),
      );
    } finally {
      this.#isStarting = false;
    }
  }

  #follow(decision: Decision | undefined): void {
    if (decision === undefined) return;
    const last = this.decisions.at(-1);
    const isMore = last?.why === decision.why && last.to.place === decision.to.place;
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
    const { load, remaining, tasks } = this.#pool;
    const { involuntaryContextSwitches, voluntaryContextSwitches } = process.resourceUsage();
    const travelling = tasks.filter((task) => !this.staysHere(task));
    const sendMs = travelling.flatMap((task) => this.#looked.get(task)?.sendMs ?? []);
    if (this.isolated && !this.#isAsking && this.shape.place === "lanes") this.#ask();
    return {
      nowMs: performance.now(),
      loopCpuMs: sum(process.threadCpuUsage()),
      cpuMs: this.#isStale ? undefined : sum(process.cpuUsage()) + this.#childrenCpuMs,
      heldMs: this.#heldMs,
      switches: { involuntary: involuntaryContextSwitches, voluntary: voluntaryContextSwitches },
      inFlight: load,
      remaining,
      travels: travelling.length > 0,
      ...(sendMs.length > 0 && { sendMs: Math.min(...sendMs) }),
      memoryBytes: this.#options.memoryBytes === Infinity ? 0 : Deno.memoryUsage().rss,
      lateMs: this.#lateMs + this.#overdueMs,
    };
  }

  /** Whether lanes that are processes haven't told for a while what they used. */
  get #isStale(): boolean {
    return this.isolated && this.shape.place === "lanes" &&
      performance.now() - this.#answeredMs > STALE_MS;
  }

  /** Asks lanes that are processes for their CPU time. */
  #ask(): void {
    this.#isAsking = true;
    const usages = this.#pool.openLanes.map(({ lane }) => lane.usage());
    void Promise.all(usages).then((all) => {
      const toldMs = all.reduce((sum, { cpuMs = 0 }) => sum + cpuMs, 0);
      // Lanes that were closed took what they had used along.
      this.#childrenCpuMs += Math.max(0, toldMs - this.#toldCpuMs);
      this.#toldCpuMs = toldMs;
      this.#answeredMs = performance.now();
    }).finally(() => this.#isAsking = false);
  }
}

const sum = ({ user, system }: { readonly user: number; readonly system: number }) =>
  (user + system) / 1000;

/** How long something takes, in milliseconds; Infinity if it fails. */
function timeOf(action: () => void): number {
  const fromMs = performance.now();
  return attempt(() => (action(), performance.now() - fromMs)) ?? Infinity;
}

function isTooMany({ ended, reason, retryAfterMs }: Failure): boolean {
  // Those in flight beside it may have held it up.
  if (ended === "timed-out") return true;
  if (ended !== "failed") return false;
  if (retryAfterMs !== undefined || isRefusal(httpSigns(reason))) return true;
  // What was thrown may resist every question.
  const why = attempt(() => classifyFailure(reason).reason);
  return why !== undefined && TOO_MANY.includes(why);
}
