/**
 * The connection between a thread and its parent: a port for messages that are large or must be cloned, and a
 * mailbox in each direction for the rest. Each keeps the order; message numbers merge them.
 */

import { clock } from "../timers.ts";

type Posted = readonly [number: number, ...message: LineMessage];

/** After receiving messages for this many milliseconds, the rest of the event loop gets a turn. */
const TURN_MS = 1;

// Bound before a task's module can replace it.
const now = performance.now.bind(performance);
const { reportError } = globalThis;

/** The values from which a thread makes its end of the line. */
export type FarEnd = readonly [
  port: MessagePort,
  inbox: SharedArrayBuffer,
  outbox: SharedArrayBuffer,
];

/** The message by which a thread is opened. */
export interface Opening {
  readonly far: FarEnd;
  /** The name of the lock that it holds while it lives. */
  readonly lock: string;
  readonly slots: number;
  readonly cells: SharedArrayBuffer | undefined;
  /** Whether messages are relayed to another machine: then no memory is shared, and values go on as frames. */
  readonly isRelayed: boolean;
  /** Whether tasks are run by their kernels. */
  readonly onGpu: boolean;
}

export class Line {
  readonly #port: MessagePort;
  readonly #post: (message: Posted, moves: ArrayBuffer[]) => void;
  readonly #inbox: Mailbox;
  readonly #outbox: Mailbox;
  #receive: (...message: LineMessage) => void = () => {};
  /** Posted messages that wait for earlier ones from the mailbox. */
  readonly #posted: Posted[] = [];
  #lastSent = 0;
  #lastReceived = 0;
  #isReceiving = false;
  #sleeps = false;
  #isClosed = false;

  constructor([port, inbox, outbox]: FarEnd) {
    this.#port = port;
    this.#post = port.postMessage.bind(port);
    this.#inbox = new Mailbox(inbox);
    this.#outbox = new Mailbox(outbox);
  }

  /** Delivers every message received so far and later to `receive`. */
  start(receive: (...message: LineMessage) => void): void {
    this.#receive = receive;
    this.#port.onmessage = ({ data }: MessageEvent<Posted>) => {
      this.#posted.push(data);
      this.#receiveNext();
    };
    this.#receiveNext();
  }

  /** @throws If the payload can't be cloned. */
  send(kind: number, head: ArrayLike<number>, payload?: unknown, moves: ArrayBuffer[] = []): void {
    const number = this.#lastSent + 1;
    if (moves.length > 0 || !this.#outbox.write(number, kind, head, payload)) {
      // The buffer was made for this message alone, so it can be transferred.
      const all = payload instanceof Float64Array ? [payload.buffer] : [...moves];
      this.#post([number, kind, head, payload], all as ArrayBuffer[]);
    }
    this.#lastSent = number;
  }

  /** Delivers the messages that have arrived, without giving other work a turn. */
  flush(): void {
    this.#receiveNext(Infinity);
  }

  #receiveNext(turnMs = TURN_MS): void {
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    const startMs = now();
    while (!this.#isClosed) {
      const message = this.#take() ?? (this.#sleep() ? undefined : this.#take());
      if (message === undefined) break;
      this.#lastReceived++;
      try {
        this.#receive(...message);
      } catch (error) {
        reportError(error);
      }
      if (now() - startMs > turnMs) {
        clock.setImmediate(() => this.#receiveNext());
        break;
      }
    }
    this.#isReceiving = false;
  }

  #take(): LineMessage | undefined {
    const number = this.#lastReceived + 1;
    if (this.#posted[0]?.[0] !== number) return this.#inbox.read(number);
    const [, ...message] = this.#posted.shift()!;
    return message;
  }

  /**
   * Continues when the mailbox is written to; false if it has a message already. A message whose turn comes
   * after one that is still being posted is read when that one arrives.
   */
  #sleep(): boolean {
    if (this.#sleeps) return true;
    const sleep = this.#inbox.sleep();
    if (sleep === undefined) return false;
    this.#sleeps = true;
    void sleep.then(() => {
      this.#sleeps = false;
      this.#receiveNext();
    });
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#port.close();
    this.#inbox.wake();
  }
}

/** How many doubles the ring holds (a power of two), and the size of the largest message. */
const RING = 1 << 15;
const MOST_DOUBLES = RING / 2;
/** A list of more values is posted, which is faster. */
const MOST_VALUES = 8;
const MOST_LETTERS = 256;
const LETTERS_IN_DOUBLE = 4;

// Marks in front of the ring: how many doubles were written and read, and whether the reader sleeps.
const WRITTEN = 0;
const READ = 1;
const SLEEPS = 2;
const MARK_BYTES = 16;

// The fields of a message.
const SIZE = 0;
const NUMBER = 1;
const KIND = 2;
const HEAD = 3;
const COUNT = 4;
const FIELDS = 5;
/** Instead of a size: the next message is at the start of the ring. */
const SKIP = -1;
/** Instead of a count of values: the payload is undefined. */
const NO_PAYLOAD = -1;
/** Instead of a count: the payload is a Float64Array that fills the rest of the message. */
const NUMBERS = -2;

/** The tag before each value of a list; a number's value follows it, or a text's length and letters. */
const Tag = { undefined: 0, null: 1, false: 2, true: 3, number: 4, text: 5 } as const;

// Saved before a task's module can replace them.
const { load, store, exchange, notify, waitAsync } = Atomics;

/** A message: a kind, a row of numbers and a payload. */
export type LineMessage = readonly [kind: number, head: ArrayLike<number>, payload: unknown];

export function mailboxMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(MARK_BYTES + 8 * RING);
}

/**
 * Sends small messages from one thread to another through shared memory; each side uses it either to write or
 * to read. Posting a message takes the platform some 10 µs on each side; here it is written at once, and the
 * other side is woken only if it sleeps.
 *
 * Messages are stored one after another in a ring of doubles: size, number, kind, length of the head and count
 * of values, then the head, then the payload in one of a few forms.
 */
export class Mailbox {
  readonly #marks: Int32Array<SharedArrayBuffer>;
  readonly #ring: Float64Array;
  readonly #letters: Uint16Array;
  /** How many doubles this side has written or read, modulo 2³². */
  #position = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#marks = new Int32Array(buffer, 0, MARK_BYTES / 4);
    this.#ring = new Float64Array(buffer, MARK_BYTES);
    this.#letters = new Uint16Array(buffer, MARK_BYTES);
  }

  /** Writes a message if it is small and simple enough and there is room for it; returns whether it did. */
  write(number: number, kind: number, head: ArrayLike<number>, payload: unknown): boolean {
    const payloadSize = sizeOf(payload);
    const size = FIELDS + head.length + payloadSize;
    if (!(size <= MOST_DOUBLES)) return false;
    let at = this.#position & (RING - 1);
    const skipped = at + size > RING ? RING - at : 0;
    const taken = (this.#position - load(this.#marks, READ)) | 0;
    if (taken + skipped + size > RING) return false;
    const ring = this.#ring;
    if (skipped > 0) {
      ring[at] = SKIP;
      at = 0;
    }
    ring[at + SIZE] = size;
    ring[at + NUMBER] = number;
    ring[at + KIND] = kind;
    ring[at + HEAD] = head.length;
    const start = at + FIELDS;
    for (let index = 0; index < head.length; index++) ring[start + index] = head[index]!;
    ring[at + COUNT] = this.#writePayload(start + head.length, payload);
    this.#position = (this.#position + skipped + size) | 0;
    store(this.#marks, WRITTEN, this.#position);
    if (exchange(this.#marks, SLEEPS, 0) === 1) notify(this.#marks, WRITTEN);
    return true;
  }

  #writePayload(at: number, payload: unknown): number {
    if (payload === undefined) return NO_PAYLOAD;
    if (payload instanceof Float64Array) {
      this.#ring.set(payload, at);
      return NUMBERS;
    }
    const values = payload as readonly unknown[];
    for (const value of values) at = this.#writeValue(at, value);
    return values.length;
  }

  #writeValue(at: number, value: unknown): number {
    const ring = this.#ring;
    if (typeof value === "number") {
      ring[at] = Tag.number;
      ring[at + 1] = value;
      return at + 2;
    }
    if (typeof value !== "string") {
      ring[at] = Tag[String(value) as "undefined" | "null" | "false" | "true"];
      return at + 1;
    }
    ring[at] = Tag.text;
    ring[at + 1] = value.length;
    const first = LETTERS_IN_DOUBLE * (at + 2);
    for (let index = 0; index < value.length; index++) {
      this.#letters[first + index] = value.charCodeAt(index);
    }
    return at + 2 + Math.ceil(value.length / LETTERS_IN_DOUBLE);
  }

  /** Reads the next message if it has this number. */
  read(number: number): LineMessage | undefined {
    const ring = this.#ring;
    if (load(this.#marks, WRITTEN) === this.#position) return undefined;
    let at = this.#position & (RING - 1);
    const skipped = ring[at] === SKIP ? RING - at : 0;
    if (skipped > 0) at = 0;
    if (ring[at + NUMBER] !== number) return undefined;
    const end = at + ring[at + SIZE]!;
    const start = at + FIELDS;
    const head = new Array<number>(ring[at + HEAD]!);
    for (let index = 0; index < head.length; index++) head[index] = ring[start + index]!;
    const payload = this.#readPayload(ring[at + COUNT]!, start + head.length, end);
    this.#position = (this.#position + skipped + end - at) | 0;
    store(this.#marks, READ, this.#position);
    return [ring[at + KIND]!, head, payload];
  }

  #readPayload(count: number, at: number, end: number): unknown {
    if (count === NO_PAYLOAD) return undefined;
    if (count === NUMBERS) return new Float64Array(this.#ring.subarray(at, end));
    const values = new Array<unknown>(count);
    for (let index = 0; index < count; index++) {
      const tag = this.#ring[at++]!;
      if (tag === Tag.number) values[index] = this.#ring[at++];
      else if (tag === Tag.text) {
        const length = this.#ring[at++]!;
        const first = LETTERS_IN_DOUBLE * at;
        values[index] = String.fromCharCode(...this.#letters.subarray(first, first + length));
        at += Math.ceil(length / LETTERS_IN_DOUBLE);
      } else values[index] = BARE[tag];
    }
    return values;
  }

  /**
   * Reader: resolves when something has been written since the last read, or when it is woken; undefined if
   * there is something to read already.
   */
  sleep(): Promise<unknown> | undefined {
    const { async, value } = waitAsync(this.#marks, WRITTEN, this.#position);
    if (!async) return undefined;
    // Set only now: a writer whose message was read before it checked for a sleeping reader would clear the
    // mark and wake nobody, and so would all later writers.
    store(this.#marks, SLEEPS, 1);
    if (load(this.#marks, WRITTEN) !== this.#position) this.wake();
    return value;
  }

  /** Reader: ends its own sleep. */
  wake(): void {
    notify(this.#marks, WRITTEN);
  }
}

/** Values that are stored as a tag only. */
const BARE: readonly unknown[] = [undefined, null, false, true];

/** How many doubles a payload takes; NaN if it can't be written. */
function sizeOf(payload: unknown): number {
  if (payload === undefined) return 0;
  if (payload instanceof Float64Array) return payload.length;
  if (!Array.isArray(payload) || payload.length > MOST_VALUES) return NaN;
  let size = 0;
  for (let at = 0; at < payload.length; at++) {
    const value = payload[at];
    if (typeof value === "number") size += 2;
    else if (typeof value === "string") {
      if (value.length > MOST_LETTERS) return NaN;
      size += 2 + Math.ceil(value.length / LETTERS_IN_DOUBLE);
    } else if (typeof value === "boolean" || value === null) size++;
    // A hole in a list is not undefined, so such a list is posted.
    else if (value === undefined && at in payload) size++;
    else return NaN;
  }
  return size;
}
