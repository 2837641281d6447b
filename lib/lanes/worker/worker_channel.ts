/**
 * The channel to a thread: a Web Worker.
 *
 * It isolates an uncaught error, but neither memory (one worker out of memory ends the program) nor,
 * without `--unstable-worker-options`, permissions. A busy loop in it can be asked to stop, through
 * shared memory, but not be made to.
 */

import { wordsOf } from "../attempt.ts";
import { LaneStartError } from "../errors.ts";
import { LEFT_OUT, preloadCode, THREADS_NEED } from "../project.ts";
import { Cells } from "../remote/cells.ts";
import { type Channel, type ChannelEvents, FromLane } from "../remote/channel.ts";
import { openSignalPipe } from "../remote/signal_pipe.ts";
import { type Cloning, structuredCloning } from "../remote/clone.ts";
import { Alarm, clock, originHere, within } from "../timers.ts";
import { ENDING, EndWatch, HELD } from "./end_watch.ts";
import { type FarEnd, Line, mailboxMemory } from "./line.ts";

export interface WorkerChannelOptions {
  readonly slots: number;
  readonly number: number;
  /** Narrower permissions; the program's own unless given. */
  readonly permissions?: Deno.PermissionOptions;
  /** Modules of tasks for a thread with narrower permissions: it may have none to read them. */
  readonly modules: readonly string[];
  /** The file that runs in the thread; the one that runs tasks by their functions unless given. */
  readonly entry?: URL;
  /** Whether who sends and receives is elsewhere: no memory is shared, and values go on as frames. */
  readonly isRelayed?: boolean;
  /** When a terminated thread is given up, and what to do about tasks that keep it. */
  readonly stuck?: Stuck;
}

const THREAD_ENTRY = new URL("./worker_main.ts", import.meta.url);

/** When a terminated thread is given up, and what to do about tasks that keep it. */
interface Stuck {
  readonly afterMs: number;
  readonly remedy: string;
}

/** How long to wait for an ended thread's last message, which may say why it ended. */
const LAST_MESSAGE_MS = 50;
/** A terminated thread that has not ended after this long goes on for ever, as far as we know. */
const STUCK: Stuck = {
  afterMs: 500,
  remedy: "Poll context.cancelled() in its loop, or run it under processes().",
};

/** Deno 2.9 has it, but no types of it. */
interface Refable {
  ref(): void;
  unref(): void;
}

/**
 * One Web Worker. Messages go through a line of their own: what tasks post to this isolate, or do to
 * `postMessage` and `onmessage` in theirs, is their own affair.
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
  /** Whether it is to keep the program alive, and whether it does. */
  #holds = true;
  #held = true;
  /** Whether some task may go on in it that was to stop. */
  #isForced: boolean;
  #isHeard = false;
  #isWatchable = false;
  readonly #letGo = new Alarm(() => this.#keepAlive(this.#holds));
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly events: ChannelEvents, options: WorkerChannelOptions) {
    const { number, permissions, modules, slots, isRelayed = false } = options;
    const { entry = THREAD_ENTRY, stuck = STUCK } = options;
    this.cells = isRelayed ? undefined : new Cells(slots);
    this.#stuck = stuck;
    this.#isForced = isRelayed;
    reserveDescriptors(THREAD_ENTRY);
    const url = permissions === undefined ? entry.href : preloadCode(modules, [entry.href]);
    const narrowed = permissions && { deno: { permissions } };
    this.#worker = new Worker(url, { type: "module", name: `lane ${number}`, ...narrowed });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#onEnd(`stopped: ${event.message.split("\n")[0]}`);
    };
    this.#worker.onmessage = ({ data }) => {
      if (!this.#isHeard && Array.isArray(data) && data[0] === ENDING) this.#onEnd(String(data[1]));
    };
    // All that isn't needed before, while the thread loads its modules.
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
      // That is said once.
      this.#line.start(receive);
    });
    port1.onmessageerror = onUnreadable;
    const far: FarEnd = [port2, outbox, inbox];
    const { name } = this.#endWatch;
    this.#worker.postMessage([far, name, slots, this.cells?.buffer, isRelayed], [port2]);
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
    // Not at once: Deno forgets it of a port whose message is just being handled. And once for many calls
    // that come one after another.
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
      // If it had nothing to do, it is only late, as others have the cores: nobody is warned.
      () => abandonWorker(this.#worker, this.#isForced ? remedy : null),
    );
    clock.clearTimeout(this.#silence);
    await this.#endWatch.unwatch();
  }
}

/** A thread takes about four, and some must be left for those who use it. */
const NEEDED = 8;

/** @throws {LaneStartError} If too few descriptors are left to start a thread, or it can't read its file. */
export function reserveDescriptors(file: URL): void {
  if (file.protocol !== "file:") return openSignalPipe(); // loaded from the web: there is nothing to open instead
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
 * Lets go of a terminated worker whose thread goes on, and makes sure that the program ends when it has
 * nothing else to do, with its own exit code. If a task is why, the person is told, once, and the remedy.
 */
export function abandonWorker(worker: Worker, remedy: string | null = STUCK.remedy): void {
  const released = keepAlive(worker, false);
  // Last of all: what the program itself does before its end, and as it ends, comes first.
  if (!exits) globalThis.addEventListener("unload", () => process.on("exit", exit));
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
 * Says whether a worker keeps this event loop alive. Web Workers have no `unref()`; Deno keeps the
 * one that `node:worker_threads` calls under an unnamed symbol. It counts, so call it in turns.
 */
export function keepAlive(worker: Worker, alive: boolean): boolean {
  const methods = worker as unknown as Record<symbol, ((ref: boolean) => void) | undefined>;
  const symbol = Object.getOwnPropertySymbols(Worker.prototype).find((s) => !s.description);
  if (symbol === undefined || typeof methods[symbol] !== "function") return false;
  methods[symbol](alive);
  return true;
}
