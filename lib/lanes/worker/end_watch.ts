/**
 * Detects that a thread has ended. Deno doesn't tell a parent that a worker has closed itself, and a worker in
 * a busy loop answers no heartbeat, so silence doesn't prove that it has ended. A Web Lock does: the thread
 * holds it as long as it lives, and the parent waits for it.
 */

import { platform } from "../platform.ts";
import { clock } from "../timers.ts";

/** The part of the Web Locks API used here; Deno 2.9 has it, but its types don't. */
interface Locks {
  request(name: string, held: () => Promise<never> | void): Promise<void>;
  request(name: string, options: { signal: AbortSignal }, held: () => void): Promise<void>;
}

/** Read on first use: Deno takes milliseconds to load it, and programs without threads don't need it. */
const locks = () => (platform.navigator as unknown as { readonly locks: Locks }).locks;

let made = 0;

export class EndWatch {
  /** The lock's name. With `--seed` UUIDs may repeat, so the time origin and a count are part of it. */
  readonly name: string = `lane ${clock.timeOriginMs} ${++made} ${crypto.randomUUID()}`;
  #watch: { readonly unwatched: AbortController; readonly done: Promise<void> } | undefined;

  /** @param onEnd Called when the thread has ended. */
  constructor(private readonly onEnd: () => void) {}

  /**
   * Starts watching, which keeps the program alive. A thread that doesn't hold the lock at this point counts as
   * ended.
   */
  watch(): void {
    if (this.#watch !== undefined) return;
    const unwatched = new platform.AbortController();
    const { signal } = unwatched;
    const done = locks().request(this.name, { signal }, () => {
      if (!signal.aborted) this.onEnd();
    }).then(() => {}, () => {}); // the watch was stopped before the thread ended
    this.#watch = { unwatched, done };
  }

  /** Stops watching until the next `watch`; resolves when nothing of the watch is left. */
  async unwatch(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.unwatched.abort();
    await watch?.done;
  }
}

/** Thread's side: holds the lock until the thread ends. */
export function holdWhileAlive(name: string, onHeld: () => void): void {
  void locks().request(name, () => {
    onHeld();
    return new Promise<never>(() => {});
  });
}

/** The kind of the message by which a thread reports that it holds its lock and can be watched. */
export const HELD = 0;

/** The mark of a message, posted with the reason, from a thread that ends before it has its own port. */
export const ENDING = "a lane is ending";
