/**
 * Finds threads that died in silence. Deno tells a parent nothing of a worker that closed itself, and
 * one in a busy loop answers no heartbeat, so that neither silence nor a missing answer means death.
 * A Web Lock does: the thread holds one as long as it lives, and the parent waits in line for it.
 *
 * @module
 */

/** As much of the Web Locks API as is used; Deno 2.9 has it, but not its types. */
interface Locks {
  request(name: string, held: () => Promise<never> | void): Promise<void>;
  request(name: string, options: { signal: AbortSignal }, held: () => void): Promise<void>;
}

const { locks } = navigator as unknown as { readonly locks: Locks };

/** A thread that ends properly says so first; its last message gets this long to arrive. */
const LAST_WORDS_MS = 50;

/** The parent's end. */
export class Life {
  /** The lock's name, to be told to the thread. */
  readonly name = `lane ${crypto.randomUUID()}`;
  readonly #onDeath: () => void;
  readonly #ended = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Does not watch yet.
   *
   * @param onDeath Called if the thread dies before {@linkcode Life.end}.
   */
  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  /** Begins to watch; the thread must hold the lock by now. */
  watch(): void {
    const { signal } = this.#ended;
    this.#watching = locks.request(this.name, { signal }, () => {
      if (!signal.aborted) this.#timer = setTimeout(this.#onDeath, LAST_WORDS_MS);
    }).then(() => {}, () => {}); // given up before the thread died
  }

  /** Stops watching; resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#timer);
    await this.#watching;
  }
}

/**
 * The thread's end: holds the lock until the thread dies.
 *
 * @param name The lock's name.
 * @param onHeld Called when the lock is held.
 */
export function holdWhileAlive(name: string, onHeld: () => void): void {
  void locks.request(name, () => {
    onHeld();
    return new Promise<never>(() => {});
  });
}
