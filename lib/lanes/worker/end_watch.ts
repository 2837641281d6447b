/**
 * Finds out when a thread has ended. Deno tells a parent nothing of a worker that closed itself, and
 * one in a busy loop answers no heartbeat, so that neither silence nor a missing answer means death.
 * A Web Lock does: the thread holds one as long as it lives, and the parent waits in line for it.
 */

import { clock } from "../timers.ts";

/** As much of the Web Locks API as is used; Deno 2.9 has it, but not its types. */
interface Locks {
  request(name: string, held: () => Promise<never> | void): Promise<void>;
  request(name: string, options: { signal: AbortSignal }, held: () => void): Promise<void>;
}

/** Deno loads them when they are first looked at, which takes milliseconds: a program without threads needs none. */
const locks = () => (navigator as unknown as { readonly locks: Locks }).locks;

/** How many were made here. */
let made = 0;

export class EndWatch {
  /** The lock's name, to be told to the thread; its own though all threads draw the same, as with `--seed`. */
  readonly name: string = `lane ${clock.timeOriginMs} ${++made} ${crypto.randomUUID()}`;
  #watch: { readonly unwatched: AbortController; readonly done: Promise<void> } | undefined;

  /** @param onEnd Called when the thread has ended. */
  constructor(private readonly onEnd: () => void) {}

  /**
   * Watches from now on, which keeps the program alive. A thread that doesn't hold the lock by now is
   * as good as ended.
   */
  watch(): void {
    if (this.#watch !== undefined) return;
    const unwatched = new AbortController();
    const { signal } = unwatched;
    const done = locks().request(this.name, { signal }, () => {
      if (!signal.aborted) this.onEnd();
    }).then(() => {}, () => {}); // given up before the thread ended
    this.#watch = { unwatched, done };
  }

  /** Stops watching, until it is to be watched again; resolves when nothing of it is left. */
  async unwatch(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.unwatched.abort();
    await watch?.done;
  }
}

/** The thread's side: holds the lock until the thread ends. */
export function holdWhileAlive(name: string, onHeld: () => void): void {
  void locks().request(name, () => {
    onHeld();
    return new Promise<never>(() => {});
  });
}

/** The kind of message by which a thread says that it holds its lock: it can be watched from now on. */
export const HELD = 0;

/** What a thread posts, with how it ends, that ends before it has a port of its own to say so. */
export const ENDING = "a lane is ending";
