/**
 * The channel to a thread: a Web Worker.
 *
 * It isolates an uncaught error, but neither memory (one worker out of memory ends the program) nor,
 * without `--unstable-worker-options`, permissions. A busy loop in it can be asked to stop, through
 * shared memory, but not be made to.
 */

import { preloadCode } from "../preloads.ts";
import { Cells } from "../remote/cells.ts";
import type { Channel, ChannelEvents } from "../remote/channel.ts";
import { threads } from "../remote/way.ts";
import { reserveDescriptors, STUCK, type Stuck, Thread } from "./thread.ts";

export interface WorkerChannelOptions {
  readonly slots: number;
  readonly number: number;
  /** Narrower permissions; the program's own unless given. */
  readonly permissions?: Deno.PermissionOptions;
  /** Modules of tasks for a thread with narrower permissions: it may have none to read them. */
  readonly modules: readonly string[];
  /** The file that runs in the thread; the one that runs tasks by their functions unless given. */
  readonly entry?: URL;
  /** Whether no memory is shared with it: who sends and receives is elsewhere. */
  readonly isRelayed?: boolean;
  /** When a terminated thread is given up, and what to do about tasks that keep it. */
  readonly stuck?: Stuck;
}

const ENTRY = new URL("./worker_main.ts", import.meta.url);
const SERVER = new URL("./worker_server.ts", import.meta.url);

export class WorkerChannel implements Channel {
  readonly way = threads;
  readonly cells: Cells | undefined;
  readonly stopsByForce = false;
  readonly #events: ChannelEvents;
  readonly #thread: Thread;
  #closed = false;

  constructor(events: ChannelEvents, options: WorkerChannelOptions) {
    this.#events = events;
    this.cells = options.isRelayed ? undefined : new Cells(options.slots);
    reserveDescriptors(ENTRY);
    const { number, permissions, modules, slots, entry = ENTRY, stuck = STUCK } = options;
    this.#thread = new Thread({
      entry: permissions === undefined
        ? entry.href
        : preloadCode(modules, [entry.href, SERVER.href]),
      name: `lane ${number}`,
      permissions,
      onMessage: (...message) => events.message(...message),
      onEnd: (how) => this.#onEnd(how),
      stuck,
    });
    this.#thread.open([slots, this.cells?.buffer]);
  }

  #onEnd(how: string): void {
    if (this.#closed) return;
    void this.#thread.end();
    this.#events.ended(how);
  }

  send(kind: number, head: ArrayLike<number>, payload?: unknown, moves?: ArrayBuffer[]): void {
    this.#thread.line.send(kind, head, payload, moves);
  }

  hold(keepsAlive: boolean): void {
    this.#thread.hold(keepsAlive);
  }

  kill(): void {
    this.#closed = true;
    void this.#thread.end();
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#thread.end();
  }
}
