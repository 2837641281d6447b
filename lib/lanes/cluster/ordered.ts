/**
 * Messages that arrive in order and once, over what may lose, repeat and reorder them: each is numbered,
 * tried until it is stored, and handed on when all before it were.
 */

import { within } from "../timers.ts";

/** Where messages are stored for the other side. */
export interface OutboxHost {
  /** Rejects if it isn't known to be stored; it may be there all the same. */
  store(number: number, bytes: Uint8Array): Promise<void>;
  /** Whether it is refused, such as for want of room, rather than not answered. */
  isRefusal(error: unknown): boolean;
  /** It was refused for too long, and so was what would have stood in its place. */
  failed(error: unknown): void;
}

/** A message that couldn't be stored is tried again after so many milliseconds, at first and at most. */
const LEAST_WAIT_MS = 50;
const MOST_WAIT_MS = 1000;
/** What is refused is tried again for so long: others may make room meanwhile. */
const MOST_REFUSED_MS = 5000;

/** Sends. */
export class Outbox {
  readonly #closed = Promise.withResolvers<void>();
  #count = 0;
  #isClosed = false;

  constructor(private readonly host: OutboxHost) {}

  /**
   * Resolves once the message is stored, or never can be.
   *
   * @param instead What is stored in its place if it is refused.
   */
  async send(bytes: Uint8Array, instead?: (error: unknown) => Uint8Array): Promise<void> {
    const number = this.#count++;
    const refused = (error: unknown) => {
      if (instead === undefined) return this.host.failed(error);
      return this.#store(number, instead(error), (error) => this.host.failed(error));
    };
    await this.#store(number, bytes, refused);
  }

  async #store(
    number: number,
    bytes: Uint8Array,
    refused: (error: unknown) => Promise<void> | void,
  ): Promise<void> {
    let sinceMs: number | undefined;
    for (let waitMs = LEAST_WAIT_MS; !this.#isClosed; waitMs = Math.min(2 * waitMs, MOST_WAIT_MS)) {
      try {
        return await this.host.store(number, bytes);
      } catch (error) {
        if (this.#isClosed) return;
        if (this.host.isRefusal(error)) {
          sinceMs ??= performance.now();
          if (performance.now() - sinceMs >= MOST_REFUSED_MS) return await refused(error);
        }
        await within(waitMs, this.#closed.promise, () => {});
      }
    }
  }

  /** Nothing is tried any more. */
  close(): void {
    this.#isClosed = true;
    this.#closed.resolve();
  }
}

/** Receives. */
export class Inbox<Message> {
  readonly #early = new Map<number, Message>();
  #next = 0;

  constructor(private readonly deliver: (message: Message) => void) {}

  /** Whether a message was here before. */
  has(number: number): boolean {
    return number < this.#next || this.#early.has(number);
  }

  /** Takes a message, and hands on those whose turn it is; false if it was here before. */
  take(number: number, message: Message): boolean {
    if (this.has(number)) return false;
    this.#early.set(number, message);
    for (let next; (next = this.#early.get(this.#next)) !== undefined;) {
      this.#early.delete(this.#next++);
      this.deliver(next);
    }
    return true;
  }
}
