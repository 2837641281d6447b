/**
 * The channel to a thread, which is a Web Worker.
 *
 * It isolates uncaught errors, but not memory (a worker that runs out of memory ends the program) and, without
 * `--unstable-worker-options`, not permissions. A busy loop in it can be asked to stop, through shared memory,
 * but can't be ended.
 */

import { wordsOf } from "../attempt.ts";
import { LaneStartError } from "../errors.ts";
import { openSignalPipe, platform } from "../platform.ts";
import { LEFT_OUT, preloadCode, THREADS_NEED } from "../project.ts";
import { Cells } from "../remote/cells.ts";
import { type Channel, type ChannelEvents, FromLane } from "../remote/channel.ts";
import { type Cloning, structuredCloning } from "../remote/clone.ts";
import { Alarm, clock, originHere, type Timer, within } from "../timers.ts";
import { Line, mailboxMemory, type Opening } from "./line.ts";
import { ENDING, EndWatch, HELD } from "./end_watch.ts";

export interface WorkerChannelOptions extends Partial<Pick<Opening, "isRelayed" | "onGpu">> {
  readonly slots: number;
  readonly number: number;
  /** Narrower permissions; the program's own unless given. */
  readonly permissions?: Deno.PermissionOptions;
  /** The tasks' modules, for a thread with narrower permissions, which may not be allowed to read them. */
  readonly modules: readonly string[];
  /** When a terminated thread is given up, and the advice to print then. */
  readonly stuck?: Stuck;
}

const THREAD_ENTRY = new URL("./worker_main.ts", import.meta.url);
const GPU_RUNNER = new URL("../gpu/gpu_runner.ts", import.meta.url);

interface Stuck {
  readonly afterMs: number;
  readonly remedy: string;
}

/** How long to wait for an ended thread's last message, in milliseconds; it may say why the thread ended. */
const LAST_MESSAGE_MS = 50;
/** A terminated thread that hasn't ended after this many milliseconds is assumed to run forever. */
const STUCK: Stuck = {
  afterMs: 500,
  remedy: "Poll context.cancelled() in its loop, or run it under processes().",
};

/** Methods that Deno 2.9 has, but its types lack. */
interface Refable {
  ref(): void;
  unref(): void;
}

/**
 * One Web Worker. Messages go through a line of their own, so tasks may post messages to this isolate or
 * replace `postMessage` and `onmessage` in theirs without disturbing it.
 */
export class WorkerChannel implements Channel {
  readonly cloning: Cloning = structuredCloning;
  readonly cells: Cells | undefined;
  readonly stopsByForce = false;
  readonly send: Channel["send"];
  readonly #line: Line;
  readonly #worker: Worker;
  readonly #port: MessagePort & Refable;
  readonly #endWatch: EndWatch;
  readonly #stuck: Stuck;
  readonly #gone = Promise.withResolvers<void>();
  #ended: Promise<void> | undefined;
  /** Whether the worker should keep the program alive, and whether it does. */
  #holds = true;
  #held = true;
  /** Whether a task that was asked to stop may still run in the thread. */
  #isForced: boolean;
  #isHeard = false;
  #isWatchable = false;
  readonly #letGo = new Alarm(() => this.#keepAlive(this.#holds));
  #silence: Timer | undefined;

  constructor(private readonly events: ChannelEvents, options: WorkerChannelOptions) {
    const { number, permissions, modules, slots, isRelayed = false, onGpu = false } = options;
    const { stuck = STUCK } = options;
    this.cells = isRelayed ? undefined : new Cells(slots);
    this.#stuck = stuck;
    this.#isForced = isRelayed;
    reserveDescriptors(THREAD_ENTRY);
    // What runs kernels is loaded at once, with the rest, since to load it later takes longer.
    const { href } = THREAD_ENTRY;
    const atOnce = onGpu ? [GPU_RUNNER.href, href] : [href];
    const isAlone = permissions === undefined && !onGpu;
    const url = isAlone ? href : preloadCode(modules, atOnce);
    const narrowed = permissions && { deno: { permissions } };
    this.#worker = new Worker(url, { type: "module", name: `lane ${number}`, ...narrowed });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#onEnd(`stopped: ${event.message.split("\n")[0]}`);
    };
    this.#worker.onmessage = ({ data }) => {
      if (!this.#isHeard && Array.isArray(data) && data[0] === ENDING) this.#onEnd(String(data[1]));
    };
    // Whatever isn't needed earlier is made here, while the thread loads its modules.
    const { port1, port2 } = new MessageChannel();
    const [inbox, outbox] = [mailboxMemory(), mailboxMemory()];
    this.#port = port1 as MessagePort & Refable;
    this.#endWatch = new EndWatch(() => {
      this.#gone.resolve();
      this.#silence = clock.setTimeout(() => this.#onEnd("ended without a word"), LAST_MESSAGE_MS);
    });
    this.#line = new Line([port1, inbox, outbox]);
    this.send = this.#line.send.bind(this.#line);
    const onUnreadable = () => this.#onEnd("sent a message that can't be read");
    const receive: ChannelEvents["message"] = (kind, head, payload) => {
      try {
        events.message(kind, head, payload);
      } catch {
        onUnreadable();
      }
    };
    this.#line.start((...message) => {
      this.#isHeard = true;
      const [kind, head, payload] = message;
      if (kind === FromLane.ready) return receive(kind, [originHere(head[0]!)], payload);
      if (kind !== HELD) return receive(...message);
      this.#isWatchable = true;
      if (this.#held) this.#endWatch.watch();
      // The thread sends that message only once.
      this.#line.start(receive);
    });
    port1.onmessageerror = onUnreadable;
    const far = [port2, outbox, inbox] as const;
    const lock = this.#endWatch.name;
    const cells = this.cells?.buffer;
    const opening: Opening = { far, lock, slots, cells, isRelayed, onGpu };
    this.#worker.postMessage(opening, [port2]);
  }

  #onEnd(how: string): void {
    this.#line.flush();
    if (this.#ended !== undefined) return;
    void this.close();
    this.events.ended(how);
  }

  hold(alive: boolean): void {
    if (alive === this.#holds || this.#ended !== undefined) return;
    this.#holds = alive;
    if (alive) return this.#keepAlive(true);
    // Deferred, because Deno ignores `unref` of a port while it handles one of the port's messages. Many calls
    // in a row then cost only one.
    this.#letGo.within(0);
  }

  #keepAlive(alive: boolean): void {
    if (alive === this.#held) return;
    this.#held = alive;
    if (!alive) void this.#endWatch.unwatch();
    else if (this.#isWatchable) this.#endWatch.watch();
    keepAlive(this.#worker, alive);
    if (alive) this.#port.ref();
    else this.#port.unref();
  }

  receive(): void {
    this.#line.flush();
  }

  kill(): void {
    this.#isForced = true;
    void this.close();
  }

  close(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    if (this.cells?.areActive) this.#isForced = true;
    this.#worker.terminate();
    this.#endWatch.watch();
    this.#letGo.stop();
    this.#line.close();
    const { afterMs, remedy } = this.#stuck;
    await within(
      afterMs,
      this.#gone.promise,
      // An idle thread that hasn't ended is only late because other work has the cores, so no one is warned.
      () => abandonWorker(this.#worker, this.#isForced ? remedy : null),
    );
    clock.clearTimeout(this.#silence);
    await this.#endWatch.unwatch();
  }
}

/** How many file descriptors must be free: a thread takes about four, and some must be left for its users. */
const NEEDED = 8;

/** @throws {LaneStartError} If too few file descriptors are left for a thread, or its file can't be read. */
export function reserveDescriptors(file: URL): void {
  if (file.protocol !== "file:") return openSignalPipe(); // loaded from the web: there is no file to open
  const taken: Deno.FsFile[] = [];
  try {
    for (let count = 0; count < NEEDED; count++) taken.push(Deno.openSync(file));
  } catch (cause) {
    const words = wordsOf(cause);
    const why = cause instanceof Deno.errors.NotCapable
      ? `${words}; ${THREADS_NEED}`
      : cause instanceof Deno.errors.NotFound
      ? `${words}. ${LEFT_OUT}`
      : `too few file descriptors are left: ${words}`;
    throw new LaneStartError(`Cannot start a thread: ${why}`, { cause });
  } finally {
    for (const descriptor of taken) descriptor.close();
  }
  openSignalPipe();
}

let exits = false;
let warned = false;

/**
 * Releases a terminated worker whose thread still runs, and makes sure that the program ends, with its own exit
 * code, when it has nothing else to do. If a task is the cause, one warning says what to do about it.
 */
export function abandonWorker(worker: Worker, remedy: string | null = STUCK.remedy): void {
  const released = keepAlive(worker, false);
  // Registered last, so that the program's own handlers at its end run first.
  if (!exits) globalThis.addEventListener("unload", () => platform.process.on("exit", exit));
  exits = true;
  if (remedy === null || warned) return;
  warned = true;
  console.error(
    "warning: a task in a worker thread ignored that it was to stop; its thread keeps a core busy " +
      `until the program ends. ${remedy}` +
      (released ? "" : " End the program with Deno.exit(), or it never will."),
  );
}

function exit(): void {
  Deno.exit(Deno.exitCode);
}

/**
 * Sets whether a worker keeps this event loop alive. Web Workers have no `unref()`; Deno has the method that
 * `node:worker_threads` uses under an unnamed symbol. It counts calls, so true and false must alternate.
 */
export function keepAlive(worker: Worker, alive: boolean): boolean {
  const methods = worker as unknown as Record<symbol, ((ref: boolean) => void) | undefined>;
  const symbol = Object.getOwnPropertySymbols(Worker.prototype).find((s) => !s.description);
  if (symbol === undefined || typeof methods[symbol] !== "function") return false;
  methods[symbol](alive);
  return true;
}
