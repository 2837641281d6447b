/**
 * The caller's side of a lane that is elsewhere: in a thread, a subprocess, on another machine. What
 * carries its messages is a {@linkcode Channel}; all else is the same.
 *
 * A batch is kept here until its lane is ready and has loaded its task, so that what is sent is
 * about to start: what hasn't been sent can go elsewhere whatever befalls the lane.
 */

import { attempt } from "../attempt.ts";
import { TeardownError } from "../errors.ts";
import type {
  AskReason,
  BatchProgress,
  Death,
  Device,
  Forced,
  Lane,
  LaneBatch,
  LaneEvents,
  LoadingStage,
  Report,
  Usage,
} from "../lane.ts";
import { closeWithin } from "../lane_tasks.ts";
import { type PlacedTask, type Task, titleOf } from "../task.ts";
import { clock, within } from "../timers.ts";
import { HARMLESS, SEVERAL } from "./cells.ts";
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
import { loadError, type RemoteTask, RemoteTasks } from "./remote_tasks.ts";

/** A lane that doesn't say what it has used within this time is not waited for. */
const USAGE_MS = 1000;

/** A module that has been loading for so long may do so for ever. */
const STUCK_MS = 1000;

/** A lane that has been starting for so long may do so for ever; until then no module is late for it. */
const MOST_START_MS = 30_000;

/** What is kept of a batch that was sent, or waits to be. */
class BatchState {
  /** 0 until it is sent. */
  id = 0;
  /** The item that was last said to start, and when. */
  started: { readonly offset: number; readonly sinceMs: number } | undefined;
  /** Whether the last `ask` was read. */
  answered = false;
  recalled = false;
  isAskedBack = false;
  /** How far it was when it was frozen. */
  final: BatchProgress | undefined;

  constructor(readonly task: RemoteTask) {}
}

function stateOf({ laneState }: LaneBatch): BatchState {
  return laneState as BatchState;
}

/** What a lane is told besides its tasks, and how long it may take to close. */
interface RemoteLaneOptions {
  /** Whether a lane that was started so may run a task; any unless given. */
  readonly accepts?: (task: Task) => boolean;
  /** What the caller gave to all lanes, in the form that travels; nothing unless given. */
  readonly shared?: Payload;
  /** How long disposing what was set up may take; Infinity unless given. */
  readonly graceMs?: number;
  /** Where the lane is given what `--allow-$1` gives this program: what follows on Deno's advice to do that. */
  readonly granting?: string;
}

/** Deno's advice to a program that may not do something. */
const ADVICE = /run again with the --allow-(\w+) flag/;

export class RemoteLane implements Lane {
  readonly #ready = Promise.withResolvers<number>();
  readonly ready: Promise<number> = this.#ready.promise;
  readonly #channel: Channel;
  readonly #tasks = new RemoteTasks((known) => {
    if (this.#state === "ready") this.#askToLoad(known);
  });
  readonly #sent = new Map<number, LaneBatch>();
  /** Resolved when it says what it has used, once it was asked. */
  #usageTold: PromiseWithResolvers<void> | undefined;
  readonly #startedMs = clock.now();
  #lastId = 0;
  #usage: Usage = { cpuMs: undefined, peakRssBytes: undefined };
  #state: "starting" | "ready" | "closing" | "gone" = "starting";
  /** Whether it has come to load a task: that it is ready it says before all of it has started. */
  #hasBegun = false;
  /** Whether a task goes on here that was asked to stop. */
  #hasLeftTask = false;
  /** Whether a task has run here, whose stray error may end the lane later. */
  #hasRun = false;
  #closed: Promise<void> | undefined;
  #disposed: (failures: readonly TeardownError[]) => void = () => {};
  /** Whether it has said that it ends, and before that what runs on it. */
  #isEnding = false;
  /** Add to a time of the lane's clock to get the caller's. */
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

  /** What waits behind a module that nobody waits for is to go elsewhere, unless it has been taken back by then. */
  #letGo(): void {
    clock.queueMicrotask(() => {
      const { blocking, all } = this.#tasks;
      if (this.#state !== "ready" || blocking === undefined || blocking.isAwaited) return;
      if (all.some(({ held }) => held.size > 0)) this.events.leaving();
    });
  }

  load(task: Task): Promise<void> {
    if (this.#state === "gone") return Promise.reject(loadError(task, "the lane is gone"));
    const known = this.#tasks.of(task);
    known.isAwaited ||= known.held.size === 0;
    return known.loaded.promise;
  }

  stageOf(task: Task): LoadingStage | undefined {
    const known = this.#tasks.find(task);
    if (known?.state !== "loading") return undefined;
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

  /** Sends as many of the first items as may travel together. */
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
      // A proxy, for instance, looks as if it could be sent.
      const canBe = (item: unknown) =>
        attempt(() => (encodeAlone("it", item, cloning), true), false);
      const bad = items.findIndex((item) => !canBe(item));
      // Or they are more together than a message can hold.
      const fewer = bad < 0 ? count >> 1 : bad;
      if (fewer > 0) this.#postInspected(batch, fewer);
      else this.#refuse(batch, error);
    }
  }

  #give(batch: LaneBatch, payload: Payload, count: number, bytes = 0, moves?: ArrayBuffer[]): void {
    const state = stateOf(batch);
    state.id = this.#channel.cells?.offer() ?? ++this.#lastId;
    this.#sent.set(state.id, batch);
    // A lane that ends soon after it was loaded may not have come to the first.
    batch.tellsStarts ||= count === 1 && !this.#hasRun;
    const head = batchHead(state.id, state.task.number, batch, count);
    const send = (moves?: ArrayBuffer[]) => this.#channel.send(ToLane.batch, head, payload, moves);
    batch.moved = sendMoving(send, moves);
    batch.sentCount = count;
    batch.sentBytes = bytes;
  }

  /**
   * What moves travels alone, so that it harms no other if it can't; and only to a lane that is
   * empty, for there no other can end the lane before it starts.
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

  /** The first item can't be sent: it fails, and the others come back. */
  #refuse(batch: LaneBatch, error?: unknown): void {
    const what = `item ${batch.firstIndex} of ${titleOf(batch.task)}`;
    const reason = refusal(what, batch.items[0], this.#channel.cloning, error);
    const state = stateOf(batch);
    const report: Report = { ...failedReport(1, reason), startedAtMs: NaN, unsent: true };
    // Later, for the dispatcher is not done with sending yet.
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
    // What keeps a lane busy keeps it from loading, too.
    if (id === 0 && (task.isBegun || !this.#hasBegun)) {
      const now = clock.now();
      const mayStart = this.#channel.isLeased === true || now < this.#startedMs + MOST_START_MS;
      const isWaiting = Number.isNaN(task.sinceMs) || (!this.#hasBegun && mayStart);
      return { state: "loading", sinceMs: isWaiting ? now : task.sinceMs };
    }
    const begun = id === 0 ? undefined : this.#begun(batch);
    if (begun !== undefined) return begun;
    // On another machine a batch may wait for tasks of other programs.
    const mayBeNext = id === 0 ? this.#tasks.loading === task : this.#channel.isLeased !== true;
    const isNext = mayBeNext &&
      ![...this.#sent.values()].some((other) => this.#begun(other) !== undefined);
    return { state: "waiting", ...(isNext && { isNext }) };
  }

  /** How far it is with a batch that was sent; undefined if it hasn't started it. */
  #begun(batch: LaneBatch): BatchProgress | undefined {
    const { id, started } = stateOf(batch);
    const { cells } = this.#channel;
    if (cells !== undefined) {
      const at = cells.state(id);
      if (at === undefined) return undefined;
      const { offset, sinceMs } = at;
      if (offset === SEVERAL) return { state: "unknown" };
      if (offset === HARMLESS) return { state: "unknown", isHarmless: true };
      return { state: "running", offset, sinceMs: sinceMs + this.#clockOffsetMs };
    }
    if (started !== undefined) return { state: "running", ...started };
    return batch.tellsStarts || this.#isEnding ? undefined : { state: "unknown" };
  }

  recall(batch: LaneBatch): boolean {
    const { id } = stateOf(batch);
    // What has moved there can't be sent again.
    if (batch.moved || (id !== 0 && !this.#channel.cells?.take(id))) return false;
    this.#forget(batch);
    stateOf(batch).recalled = true;
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
    // Where it can be seen that another task keeps the lane busy, this one is not to blame.
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
    // A thread whose event loop turns is ended as a process is.
    return answered ? "stopped" : "abandoned";
  }

  /**
   * Nothing more of a batch is started, and `progress` tells the same from now on: a thread goes on for
   * a while when it is ended, and what it began must not be taken for never started.
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

  /** Whether some other task has not returned since it was started. */
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

  /** Whether a set-up has ended here: one that hasn't gave nothing to dispose. */
  #holdsResources(): boolean {
    return this.#tasks.all.some(({ isSetUp, state }) => isSetUp && state === "loaded");
  }

  /** What couldn't be disposed. A lane that dies meanwhile takes with it what it had. */
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
        // Once a lane, before its first task.
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
        const error = openEnvelope(payload as Envelope) as Error;
        this.#advise(error);
        // Deno reads and runs a module once: on this lane every other try would meet the same.
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

  #endLoading(number: number, error: Error): void {
    for (const batch of this.#tasks.end(number, error)) this.events.unloadable(batch, error);
  }

  /** What the lane says of a batch besides what became of its items. */
  #onStatus(kind: number, head: ArrayLike<number>): void {
    const batch = this.#sent.get(head[0]!);
    if (batch === undefined) return; // it is done with
    const state = stateOf(batch);
    if (kind === FromLane.heldUp) this.events.heldUp(batch);
    else if (kind === FromLane.asked) state.answered = true;
    else state.started = { offset: head[1]!, sinceMs: head[2]! + this.#clockOffsetMs };
  }

  #report(head: ArrayLike<number>, payload: Payload): void {
    const batch = this.#sent.get(head[0]!);
    if (batch === undefined) return; // it was forced to stop, and is settled
    this.#hasRun = true;
    const report = readReport(head, this.#clockOffsetMs, payload);
    for (const { reason } of report.failures ?? []) this.#advise(reason);
    if (report.last) this.#forget(batch);
    this.events.report(batch, report);
  }

  /** Says where a lane is given what a task lacks: a flag of this program would change nothing. */
  #advise(thrown: unknown): void {
    const { granting } = this.options;
    if (granting === undefined || !(thrown instanceof Error)) return;
    for (const name of ["message", "stack"] as const) {
      const text: unknown = thrown[name];
      if (typeof text !== "string" || !ADVICE.test(text)) continue;
      // Not assigned: a DOMException's can't be.
      const value = text.replace(ADVICE, `$&, ${granting}`);
      Object.defineProperty(thrown, name, { value, writable: true, configurable: true });
    }
  }

  #die(death: Omit<Death, "starting">): void {
    if (this.#state === "gone") return;
    // What dies while it is closed has no batch any more.
    if (this.#state === "closing") {
      this.#state = "gone";
      const what = `A lane ${death.how} before all that was set up in it was disposed`;
      return this.#disposed(this.#holdsResources() ? [new TeardownError(what)] : []);
    }
    const starting = this.#state === "starting";
    this.#state = "gone";
    // What ends by itself may do so in peace.
    void this.#channel.close();
    // What ends a lane where nothing has run yet is the module that is being loaded, or its machine's end.
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

  /** Nobody is to wait for a lane that is gone. */
  #answerAll(): void {
    this.#ready.resolve(NaN);
    this.#tellUsage();
    for (const { task, loaded } of this.#tasks.all) {
      loaded.reject(loadError(task, "the lane was closed"));
    }
  }
}
