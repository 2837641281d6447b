/**
 * The caller's side of a lane that runs elsewhere: in a thread, in a subprocess or on another machine. Only the
 * {@linkcode Channel} that carries its messages differs between these.
 *
 * A batch is kept here until the lane is ready and has loaded the batch's task, so a batch that is sent is
 * about to start. If the lane dies before that, the batch can go to another lane.
 */

import { attempt } from "../attempt.ts";
import { type TaskLoadError, TeardownError } from "../errors.ts";
import type {
  AskReason,
  BatchProgress,
  Death,
  Device,
  Forced,
  ItemFailure,
  Lane,
  LaneBatch,
  LaneEvents,
  LoadingStage,
  Report,
  Usage,
} from "../lane.ts";
import { closeWithin, notSetUp, unloadable } from "../lane_tasks.ts";
import { isMissing } from "../project.ts";
import { type PlacedTask, type Task, titleOf } from "../task.ts";
import { clock, within } from "../timers.ts";
import { SEVERAL } from "./cells.ts";
import {
  batchHead,
  type Channel,
  type ChannelEvents,
  encode,
  encodeAlone,
  encodeAtOnce,
  failedReport,
  FromLane,
  type Payload,
  readReport,
  type TaskToLoad,
  ToLane,
} from "./channel.ts";
import { movable, MOVE_BYTES, sendMoving } from "./buffers.ts";
import { inspect, refusal } from "./clone.ts";
import { type Envelope, openEnvelope, sealEnvelope } from "./envelope.ts";
import { RemoteTask, RemoteTasks } from "./remote_tasks.ts";

/** How long to wait for a lane to report its CPU and memory use, in milliseconds. */
const USAGE_MS = 1000;

/** A module that has been loading for longer than this many milliseconds may never finish. */
const STUCK_MS = 1000;

/** How long a lane may take to start, in milliseconds; until then no time counts as loading a module. */
const MOST_START_MS = 30_000;

/** This side's record of a batch that was sent or waits to be sent. */
class BatchState {
  /** 0 until it is sent. */
  id = 0;
  /** How many of its items the lane has reported. */
  reported = 0;
  /** The item that the lane last reported as started, and when. */
  started: { readonly offset: number; readonly sinceMs: number } | undefined;
  /** Whether the lane has read the last `ask`. */
  answered = false;
  recalled = false;
  isAskedBack = false;
  /** The batch's progress when it was frozen. */
  final: BatchProgress | undefined;

  constructor(readonly task: RemoteTask) {}
}

function stateOf({ laneState }: LaneBatch): BatchState {
  return laneState as BatchState;
}

/** Settings of a lane besides its channel. */
interface RemoteLaneOptions {
  /** Whether the lane, as it was started, may run a task; any task unless given. */
  readonly accepts?: (task: Task) => boolean;
  /** The caller's `shared`, encoded for sending; none unless given. */
  readonly shared?: Payload;
  /** How many milliseconds disposing resources may take; Infinity unless given. */
  readonly graceMs?: number;
  /** Appended to Deno's advice to use `--allow-$1`: says where this lane's permissions are given instead. */
  readonly granting?: string;
}

/** The path in Deno's error when a permission to read is missing, and the advice for any permission. */
const TO_READ = /Requires read access to "([^"]+)"/;
const ADVICE = /run again with the --allow-(\w+) flag/;

export class RemoteLane implements Lane {
  readonly #ready = Promise.withResolvers<number>();
  readonly ready: Promise<number> = this.#ready.promise;
  readonly #channel: Channel;
  readonly #tasks = new RemoteTasks((known) => {
    if (this.#state === "ready") this.#askToLoad(known);
  });
  readonly #sent = new Map<number, LaneBatch>();
  /** Resolved when the lane reports its usage; undefined unless it was asked. */
  #usageTold: PromiseWithResolvers<void> | undefined;
  readonly #startedMs = clock.now();
  #lastId = 0;
  #usage: Usage = { cpuMs: undefined, peakRssBytes: undefined };
  #state: "starting" | "ready" | "closing" | "gone" = "starting";
  /** Whether the lane has begun to load a task. It reports that it is ready before it has fully started. */
  #hasBegun = false;
  /** Whether a task that was asked to stop still runs here. */
  #hasLeftTask = false;
  /** Whether a task has run here: a stray error of it may end the lane later. */
  #hasRun = false;
  #closed: Promise<void> | undefined;
  #disposed: (failures: readonly TeardownError[]) => void = () => {};
  /** Whether the lane has announced its end, and before that what was running. */
  #isEnding = false;
  /** Added to a time of the lane's clock, gives the time of the caller's clock. */
  #clockOffsetMs = 0;

  constructor(
    private readonly events: LaneEvents,
    open: (events: ChannelEvents) => Channel,
    private readonly options: RemoteLaneOptions = {},
  ) {
    this.#channel = open({
      message: (kind, head, payload) => this.#receive(kind, head, payload),
      ended: (how, more) => this.#die({ how, ...more }),
    });
  }

  get slots(): number | undefined {
    return this.#channel.slots;
  }

  accepts(task: Task): boolean {
    const { blocking } = this.#tasks;
    const isBlocked = blocking !== undefined && blocking !== this.#tasks.find(task);
    return !isBlocked && (this.options.accepts?.(task) ?? true);
  }

  /** Gives up the lane if batches wait behind a module that nothing waits for and aren't recalled at once. */
  #letGo(): void {
    clock.queueMicrotask(() => {
      const { blocking, all } = this.#tasks;
      if (this.#state !== "ready" || blocking === undefined || blocking.isAwaited) return;
      if (all.some(({ held }) => held.size > 0)) this.events.leaving();
    });
  }

  load(task: Task): Promise<void> {
    if (this.#state === "gone" || this.#state === "closing") {
      return Promise.reject(loadError(task, "the lane is gone"));
    }
    const known = this.#tasks.of(task);
    known.isAwaited ||= known.held.size === 0;
    return known.loaded.promise;
  }

  stageOf(task: Task): LoadingStage | undefined {
    const known = this.#tasks.find(task);
    if (known?.state !== "loading") return known === undefined ? undefined : "loaded";
    return known.isSetUp ? "setting up" : known.isBegun ? "loading" : "not begun";
  }

  #askToLoad({ number, task }: RemoteTask): void {
    const { module, export: name, places } = task as PlacedTask;
    const isProgram = module === Deno.mainModule;
    const toLoad: TaskToLoad = { module, export: name, isProgram, ...(places && { places }) };
    this.#channel.send(ToLane.load, [number], toLoad);
  }

  send(batch: LaneBatch): void {
    const task = this.#tasks.of(batch.task);
    batch.laneState = new BatchState(task);
    if (task.state === "loaded") this.#post(batch);
    else task.held.add(batch);
  }

  /** Sends the batch's items, or as many of the first as can be sent together. */
  #post(batch: LaneBatch): void {
    const payload = encodeAtOnce(batch.items);
    if (payload === null) this.#postInspected(batch);
    else this.#give(batch, payload, batch.items.length);
  }

  #postInspected(batch: LaneBatch, most = batch.items.length): void {
    const { cloning } = this.#channel;
    const found = inspect(batch.items, cloning, { mostBytes: batch.settings.mostBytes, most });
    if (found.refused) return this.#refuse(batch);
    const { count, moves } = this.#moving(batch, found.count);
    const items = count === batch.items.length ? batch.items : batch.items.slice(0, count);
    try {
      const payload = encode(items, undefined, found.special, cloning);
      this.#give(batch, payload, count, found.bytes, moves);
    } catch (error) {
      this.#forget(batch);
      stateOf(batch).id = 0;
      // A proxy, for example, passes the inspection but can't be cloned.
      const canBe = (item: unknown) =>
        attempt(() => (encodeAlone("it", item, cloning), true), false);
      const bad = items.findIndex((item) => !canBe(item));
      // If every item can be cloned alone, they are too large together for one message.
      const fewer = bad < 0 ? count >> 1 : bad;
      if (fewer > 0) this.#postInspected(batch, fewer);
      else this.#refuse(batch, error);
    }
  }

  #give(batch: LaneBatch, payload: Payload, count: number, bytes = 0, moves?: ArrayBuffer[]): void {
    const state = stateOf(batch);
    state.id = this.#channel.cells?.offer() ?? ++this.#lastId;
    this.#sent.set(state.id, batch);
    // If a lane ends soon after loading, this report tells whether its first item had started.
    batch.tellsStarts ||= count === 1 && !this.#hasRun;
    const head = batchHead(state.id, state.task.number, batch, count);
    const send = (moves?: ArrayBuffer[]) => this.#channel.send(ToLane.batch, head, payload, moves);
    batch.moved = sendMoving(send, moves);
    batch.sentCount = count;
    batch.sentBytes = bytes;
  }

  /**
   * A batch with transferred buffers is sent alone and only to an idle lane: if sending fails, or another task
   * ends the lane before it starts, no item is lost with it.
   */
  #moving(batch: LaneBatch, count: number): { count: number; moves: ArrayBuffer[] } {
    if (!batch.settings.movesItems || this.#sent.size > 0) return { count, moves: [] };
    for (let at = 0; at < count; at++) {
      const moves = movable(batch.items[at]);
      if (moves.reduce((sum, { byteLength }) => sum + byteLength, 0) < MOVE_BYTES) continue;
      return at === 0 ? { count: 1, moves } : { count: at, moves: [] };
    }
    return { count, moves: [] };
  }

  /** Reports the first item as failed because it can't be sent; the dispatcher takes back the others. */
  #refuse(batch: LaneBatch, error?: unknown): void {
    const what = `item ${batch.firstIndex} of ${titleOf(batch.task)}`;
    const reason = refusal(what, batch.items[0], this.#channel.cloning, error);
    const state = stateOf(batch);
    const report: Report = { ...failedReport(1, reason), startedAtMs: NaN, unsent: true };
    // Deferred, because the dispatcher is still in `send`.
    clock.queueMicrotask(() => {
      if (this.#state !== "gone" && !state.recalled) this.events.report(batch, report);
    });
  }

  #forget(batch: LaneBatch): void {
    const state = stateOf(batch);
    state.task.held.delete(batch);
    if (state.id === 0) return;
    this.#sent.delete(state.id);
    this.#channel.cells?.release(state.id);
  }

  ask(batch: LaneBatch, why: AskReason, reason?: unknown, offset = 0): void {
    const state = stateOf(batch);
    if (state.id === 0) return;
    state.answered = false;
    if (why === "cancel") this.#channel.cells?.cancel(state.id);
    const envelope = why === "cancel" ? sealEnvelope(reason, this.#channel.cloning) : undefined;
    this.#channel.send(ToLane.ask, [state.id, Number(why === "cancel"), offset], envelope);
  }

  progress(batch: LaneBatch): BatchProgress {
    const { id, task, final } = stateOf(batch);
    if (final !== undefined) return final;
    // A lane that is busy can't load modules, so that time doesn't count as loading.
    if (id === 0 && (task.isBegun || !this.#hasBegun)) {
      const now = clock.now();
      const mayStart = this.#channel.isLeased === true || now < this.#startedMs + MOST_START_MS;
      const isWaiting = Number.isNaN(task.sinceMs) || (!this.#hasBegun && mayStart);
      return { state: "loading", sinceMs: isWaiting ? now : task.sinceMs };
    }
    const begun = id === 0 ? undefined : this.#begun(batch);
    if (begun !== undefined) return begun;
    const { loading } = this.#tasks;
    // No batch waits for a module that is loaded for `load` alone, so nothing limits how long that takes. And on
    // another machine a batch may wait for tasks of other programs.
    const mayBeNext = id === 0
      ? loading === task || loading?.held.size === 0
      : this.#channel.isLeased !== true;
    const isNext = mayBeNext &&
      ![...this.#sent.values()].some((other) => this.#begun(other) !== undefined);
    return { state: "waiting", ...(isNext && { isNext }) };
  }

  /** The progress of a batch that was sent; undefined if it hasn't started. */
  #begun(batch: LaneBatch): BatchProgress | undefined {
    const { id, started } = stateOf(batch);
    const { cells } = this.#channel;
    if (cells !== undefined) {
      const at = cells.state(id);
      if (at === undefined) return undefined;
      const { offset, sinceMs } = at;
      if (offset === SEVERAL) return { state: "unknown" };
      return { state: "running", offset, sinceMs: sinceMs + this.#clockOffsetMs };
    }
    if (started !== undefined) return { state: "running", ...started };
    return batch.tellsStarts || this.#isEnding ? undefined : { state: "unknown" };
  }

  recall(batch: LaneBatch, goesOn = false): boolean {
    const { id } = stateOf(batch);
    // Items whose buffers were transferred can't be sent again.
    if (batch.moved || (id !== 0 && !this.#channel.cells?.take(id))) return false;
    this.#forget(batch);
    stateOf(batch).recalled = true;
    if (goesOn) this.#tasks.of(batch.task).isWanted = true;
    if (this.#tasks.blocking !== undefined) this.#letGo();
    return true;
  }

  askBack(batch: LaneBatch): boolean {
    const state = stateOf(batch);
    if (this.#channel.isLeased !== true || state.id === 0 || state.started !== undefined) {
      return false;
    }
    if (!state.isAskedBack) this.#channel.send(ToLane.recall, [state.id]);
    return state.isAskedBack = true;
  }

  force(batch: LaneBatch, others: boolean): Forced {
    const { answered } = stateOf(batch);
    // While other tasks run there, the lane isn't ended if its event loop turns or another task blocks it.
    const goesOn = others && (answered || this.#someNeverYielded(batch));
    if (!goesOn && this.#channel.stopsByForce) {
      this.#channel.kill();
      return "ends";
    }
    this.#freeze(batch);
    this.#forget(batch);
    if (goesOn) {
      this.#hasLeftTask = true;
      return "goes on for now";
    }
    for (const other of this.#sent.values()) this.#freeze(other);
    this.#state = "gone";
    this.#channel.kill();
    this.#answerAll();
    // A thread whose event loop still turns can be ended; a busy loop in a thread can't.
    return answered ? "stopped" : "abandoned";
  }

  /**
   * Starts nothing more of a batch and fixes its `progress`: a thread runs on for a while after it is ended,
   * and items that it starts then must not be taken for never started.
   */
  #freeze(batch: LaneBatch): void {
    const state = stateOf(batch);
    const { cells } = this.#channel;
    if (cells === undefined || state.id === 0) return;
    if (cells.take(state.id)) state.final = { state: "waiting" };
    else {
      cells.cancel(state.id);
      state.final = this.progress(batch);
    }
  }

  /** Whether another task hasn't returned or waited since it was started. */
  #someNeverYielded(batch: LaneBatch): boolean {
    const { cells } = this.#channel;
    return [...this.#sent].some(([id, other]) =>
      other !== batch && cells?.state(id)?.waits === false
    );
  }

  usage(): Promise<Usage> {
    if (this.#state !== "ready") return Promise.resolve(this.#usage);
    this.#channel.send(ToLane.usage, []);
    const { promise } = this.#usageTold ??= Promise.withResolvers();
    return within(USAGE_MS, promise, () => {}).then(() => this.#usage);
  }

  #tellUsage(): void {
    this.#usageTold?.resolve();
    this.#usageTold = undefined;
  }

  receive(): void {
    this.#channel.receive?.();
  }

  hold(keepsAlive: boolean): void {
    this.#channel.hold(keepsAlive);
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { graceMs = Infinity } = this.options;
    const isSetUp = this.#state === "ready" && this.#tasks.all.some(({ isSetUp }) => isSetUp);
    const { loading } = this.#tasks;
    const mayLoadForEver = this.#state === "ready" && loading !== undefined &&
      clock.now() - loading.sinceMs > STUCK_MS;
    const mayGoOn = this.#hasLeftTask || mayLoadForEver;
    this.#state = isSetUp ? "closing" : "gone";
    this.#answerAll();
    try {
      const holds = () => this.#holdsResources();
      if (isSetUp) await closeWithin(graceMs, () => this.#dispose(), holds);
    } finally {
      this.#state = "gone";
      if (mayGoOn && !this.#channel.stopsByForce) this.#channel.kill();
      await this.#channel.close();
    }
  }

  /** Whether a set-up has completed here; if none has, there is nothing to dispose. */
  #holdsResources(): boolean {
    return this.#tasks.all.some(({ isSetUp, state }) => isSetUp && state === "loaded");
  }

  /** Resolves with the resources' failures. If the lane dies meanwhile, its resources are gone too. */
  #dispose(): Promise<readonly TeardownError[]> {
    const { promise, resolve } = Promise.withResolvers<readonly TeardownError[]>();
    this.#disposed = resolve;
    this.#channel.send(ToLane.dispose, []);
    return promise;
  }

  #receive(kind: number, head: ArrayLike<number>, payload: unknown): void {
    if (this.#state === "gone") return;
    const { shared } = this.options;
    switch (kind) {
      case FromLane.ready:
        this.#clockOffsetMs = head[0]! - clock.timeOriginMs;
        this.#state = "ready";
        this.#ready.resolve(clock.now() - this.#startedMs);
        // Sent once to each lane, before its first task.
        if (shared !== undefined) this.#channel.send(ToLane.shared, [], shared);
        for (const known of this.#tasks.all) this.#askToLoad(known);
        break;
      case FromLane.loaded:
        for (const batch of this.#tasks.end(head[0]!)) this.#post(batch);
        break;
      case FromLane.loading:
        this.#hasBegun = true;
        this.#tasks.begin(head[0]!, head[1] === 1);
        this.#letGo();
        break;
      case FromLane.disposed:
        this.#disposed((payload as Envelope[]).map(openEnvelope) as TeardownError[]);
        break;
      case FromLane.unloadable: {
        if (this.#state === "closing") break;
        const error = this.#unloadable(head[0]!, openEnvelope(payload as Envelope) as Error);
        // Deno loads a module only once, so on this lane every further attempt would fail in the same way.
        const isUseless = this.#tasks.all.length === 1 && !this.#tasks.loading?.isSetUp &&
          this.#channel.isLeased !== true;
        this.#endLoading(head[0]!, error);
        if (isUseless) this.events.leaving();
        break;
      }
      case FromLane.report:
        this.#report(head, payload as Payload);
        break;
      case FromLane.started:
      case FromLane.heldUp:
      case FromLane.asked:
        this.#onStatus(kind, head);
        break;
      case FromLane.usage: {
        const [cpuMs, peak] = Array.from(head);
        const peakRssBytes = Number.isNaN(peak) ? undefined : peak;
        const device = payload as Device | undefined;
        const { machine } = this.#channel;
        const where = { ...(device && { device }), ...(machine && { machine }) };
        this.#usage = { cpuMs, peakRssBytes, ...where };
        this.#tellUsage();
        break;
      }
      case FromLane.leaving:
        this.events.leaving();
        break;
      case FromLane.ending: {
        const { how, error, by } = payload as { how: string; error?: Envelope; by?: number };
        this.#isEnding = true;
        this.#die({
          how,
          ...(error !== undefined && { error: openEnvelope(error) }),
          ...(by !== undefined && { by: this.#sent.get(by) ?? "ended" }),
        });
        break;
      }
    }
  }

  /** What kept a task from being loaded, told with its remedy. */
  #unloadable(number: number, error: Error): Error {
    // Of an import, not of a file that the module itself reads.
    const [, path] = error.cause instanceof TypeError && TO_READ.exec(error.message) || [];
    // Deno doesn't tell a lane that may not read it that a link leads nowhere.
    if (path !== undefined && this.#channel.isLeased !== true && isMissing(path)) {
      return loadError(this.#tasks.numbered(number)!.task, `Module not found "${path}"`);
    }
    this.#advise(error);
    return error;
  }

  #endLoading(number: number, error: Error): void {
    for (const batch of this.#tasks.end(number, error)) this.events.unloadable(batch, error);
  }

  /** Handles messages about a batch other than its reports. */
  #onStatus(kind: number, head: ArrayLike<number>): void {
    const batch = this.#sent.get(head[0]!);
    if (batch === undefined) return; // the batch has ended
    const state = stateOf(batch);
    if (kind === FromLane.heldUp) this.events.heldUp(batch);
    else if (kind === FromLane.asked) state.answered = true;
    else if (isBetween(head[1]!, state.reported, batch.sentCount - 1)) {
      state.started = { offset: head[1]!, sinceMs: head[2]! + this.#clockOffsetMs };
    }
  }

  #report(head: ArrayLike<number>, payload: Payload): void {
    const batch = this.#sent.get(head[0]!);
    if (batch === undefined) return; // the batch was forced to stop and is settled
    this.#hasRun = true;
    const report = readReport(head, this.#clockOffsetMs, payload);
    const state = stateOf(batch);
    if (!isOf(report, batch.sentCount - state.reported)) {
      throw new TypeError("It reports items that it was not sent");
    }
    state.reported += report.count;
    for (const { reason } of report.failures ?? []) this.#advise(reason);
    if (report.last) this.#forget(batch);
    this.events.report(batch, report);
  }

  /** Adds to an error where the lane's permissions are given, because a flag of this program would not help. */
  #advise(thrown: unknown): void {
    const { granting } = this.options;
    if (granting === undefined || !(thrown instanceof Error)) return;
    for (const name of ["message", "stack"] as const) {
      const text: unknown = thrown[name];
      if (typeof text !== "string" || !ADVICE.test(text)) continue;
      // Defined instead of assigned, because a DOMException's properties can't be assigned.
      const value = text.replace(ADVICE, `$&, ${granting}`);
      Object.defineProperty(thrown, name, { value, writable: true, configurable: true });
    }
  }

  #die(death: Omit<Death, "starting">): void {
    if (this.#state === "gone") return;
    // A lane that is being closed has no batches any more.
    if (this.#state === "closing") {
      this.#state = "gone";
      const what = `A lane ${death.how} before all that was set up in it was disposed`;
      return this.#disposed(this.#holdsResources() ? [new TeardownError(what)] : []);
    }
    const starting = this.#state === "starting";
    this.#state = "gone";
    // A lane that ends by itself is only closed, not killed.
    void this.#channel.close();
    // If nothing has run on a lane yet, the module being loaded ended it, unless the machine was lost.
    const isOthers = starting || this.#hasRun || death.suspicion !== undefined;
    const known = isOthers ? undefined : this.#tasks.loading;
    if (known?.isBegun) {
      const when = known.isSetUp ? "in its setup" : "while it was loaded";
      const why = `the lane ${death.how} ${when}`;
      this.#endLoading(known.number, loadError(known.task, why, death.error, known.isSetUp));
    }
    this.#answerAll();
    this.events.died({ ...death, starting });
  }

  /** Settles every promise that waits for this lane. */
  #answerAll(): void {
    this.#ready.resolve(NaN);
    this.#tellUsage();
    for (const { task, loaded } of this.#tasks.all) {
      loaded.reject(loadError(task, "the lane was closed"));
    }
  }
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** Whether a report is of the next items, `most` at most: another machine may send any. */
function isOf({ count, failures = [] }: Report, most: number): boolean {
  const follows = ({ offset }: ItemFailure, at: number) =>
    isBetween(offset, 1 + (failures[at - 1]?.offset ?? -1), count - 1);
  return isBetween(count, 0, most) && failures.every(follows);
}

/** The error for a task that a lane can't load or set up. */
export function loadError(
  { module }: Task,
  why: string,
  cause?: unknown,
  inSetup = false,
): TaskLoadError {
  const options = cause === undefined ? undefined : { cause };
  if (inSetup) return notSetUp(module, why, options);
  const own = module === Deno.mainModule
    ? "; it is the program itself, whose top level runs in every lane: put what is not to run " +
      "there behind import.meta.main"
    : "";
  return unloadable(module, `${why}${own}`, options);
}
