/**
 * One direction of the connection to a lane on another machine, at either end: frames in messages of the
 * server, or in objects if they are too large for a message.
 *
 * The server may lose, repeat and reorder messages. Each frame has a number, is sent until it has arrived, and
 * is delivered once and in order.
 */

import { decodePayload, encodeFrame, Frame, readFrame } from "../subprocess/frame.ts";
import { encode, failedReport, FromLane, reportHead, ToLane } from "../remote/channel.ts";
import { frameCloning, serializer } from "../subprocess/subprocess_channel.ts";
import { clock, within } from "../timers.ts";
import type { Broker, BrokerError } from "./broker.ts";

/** The kind of a frame that was too large: its payload is the name of the object that holds it. */
const IN_OBJECT = 255;
/** The object with the job's `shared` value. */
const SHARED = "shared";
const NOTHING = new Uint8Array();
/** Room for a message's other parts, such as subject and id, in bytes. */
const SPARE_BYTES = 4096;
/** How long to wait before a message is sent again, in milliseconds, at first and at most. */
const LEAST_WAIT_MS = 50;
const MOST_WAIT_MS = 1000;
/** If the server refuses a message for this many milliseconds, its substitute is sent, if it has one. */
const MOST_REFUSED_MS = 5000;
/** How long to wait before a missing object is requested again, in milliseconds. */
const OBJECT_WAIT_MS = 500;

/** Encodes a message as a frame with its number at the end of the head. */
function numbered(number: number, [kind, head, payload]: Message): Uint8Array<ArrayBuffer> {
  const numbers = new Float64Array(head.length + 1);
  numbers.set(head);
  numbers[head.length] = number;
  const [bytes] = encodeFrame(kind, numbers, payload, serializer, Infinity);
  return bytes as Uint8Array<ArrayBuffer>;
}

/** A job's queue as seen from one side. */
export interface Post {
  readonly broker: Broker;
  readonly queue: string;
  /** Objects that all lanes share: stored once by the job, and fetched once by each machine. */
  readonly kept: Map<string, Promise<Uint8Array>>;
}

/** Returns a shared object, fetched once; if that fails, the next caller tries again. */
function keeping(
  { kept }: Post,
  name: string,
  have: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  return kept.getOrInsertComputed(name, () => {
    const found = have();
    found.catch(() => kept.delete(name));
    return found;
  });
}

export function payloadOf(frame: Frame): unknown {
  return decodePayload(frame, serializer);
}

export type Message = readonly [kind: number, head: ArrayLike<number>, payload?: unknown];

/** The report that these items failed because the server didn't store them, or their outcomes. */
export function unstored(id: number, count: number, last: boolean, reason: BrokerError): Message {
  const report = failedReport(count, reason, last);
  const payload = encode(new Array(count), report.failures, true, frameCloning);
  return [FromLane.report, reportHead(id, report), payload];
}

/** Sends a message; rejects if its arrival isn't confirmed, although it may have arrived. */
type Carry = (number: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/** Sends frames, numbered, each until it has arrived. */
export class Sender {
  /** A prefix of its objects' names. */
  readonly #id = crypto.randomUUID();
  readonly #closed = Promise.withResolvers<void>();
  #count = 0;
  #isClosed = false;

  constructor(private readonly post: Post, private readonly carry: Carry) {}

  /**
   * Sends a message; resolves once it or its substitute has arrived.
   *
   * @param instead Makes the substitute, which is sent if the server keeps refusing to store the message.
   * @throws The serializer's error, at once, if the payload can't be cloned.
   */
  send(
    kind: number,
    head: ArrayLike<number>,
    payload?: unknown,
    instead?: (why: BrokerError) => Message,
  ): Promise<void> {
    const bytes = numbered(this.#count, [kind, head, payload]);
    const name = kind === ToLane.shared ? SHARED : `${this.#id}.${this.#count}`;
    return this.#bring(this.#count++, bytes, name, instead);
  }

  async #bring(
    number: number,
    bytes: Uint8Array<ArrayBuffer>,
    name: string,
    instead?: (why: BrokerError) => Message,
  ): Promise<void> {
    let refusedMs: number | undefined;
    for (let waitMs = LEAST_WAIT_MS; !this.#isClosed; waitMs = Math.min(2 * waitMs, MOST_WAIT_MS)) {
      try {
        return await this.#bringOnce(number, bytes, name);
      } catch (error) {
        if (this.#isClosed) return;
        const why = this.post.broker.refusalOf(error);
        if (why !== undefined) refusedMs ??= clock.now();
        if (why && instead && clock.now() - refusedMs! >= MOST_REFUSED_MS) {
          // The substitute is small, and all later messages wait for this number.
          bytes = numbered(number, instead(why));
          instead = undefined;
        }
        await within(waitMs, this.#closed.promise, () => {});
      }
    }
  }

  async #bringOnce(
    number: number,
    bytes: Uint8Array<ArrayBuffer>,
    name: string,
  ): Promise<void> {
    const { broker, queue } = this.post;
    if (bytes.length <= broker.mostBytes - SPARE_BYTES) return await this.carry(number, bytes);
    const put = () => broker.putObject(queue, name, bytes).then(() => NOTHING);
    await (name === SHARED ? keeping(this.post, name, put) : put());
    await this.carry(number, numbered(number, [IN_OBJECT, [], name]));
  }

  close(): void {
    this.#isClosed = true;
    this.#closed.resolve();
  }
}

/** Receives frames in order and each once, with the extra value that came with each. */
export class Receiver<Extra> {
  /** Frames that arrived before earlier ones. */
  readonly #early = new Map<number, readonly [Frame, Extra]>();
  #next = 0;
  #isClosed = false;

  constructor(
    private readonly post: Post,
    private readonly receive: (frame: Frame, extra: Extra) => void,
  ) {}

  /** Resolves once the frame is here, to whether it is new. */
  async take(bytes: Uint8Array, extra: Extra): Promise<boolean> {
    const frame = readFrame(bytes);
    const number = frame.head.at(-1);
    if (number === undefined) throw new TypeError("It has no number");
    if (frame.kind !== IN_OBJECT) return this.#takeFrame(number, frame, extra);
    const name = payloadOf(frame) as string;
    const object = await this.#object(name, number);
    if (object === undefined || !this.#takeFrame(number, readFrame(object), extra)) return false;
    const { broker, queue } = this.post;
    // If this fails, the object is removed with the queue.
    if (name !== SHARED) broker.removeObject(queue, name).catch(() => {});
    return true;
  }

  /** Adds a frame, and delivers those whose turn has come; false if it was here before. */
  #takeFrame(number: number, { kind, encoding, head, body }: Frame, extra: Extra): boolean {
    if (this.#has(number)) return false;
    this.#early.set(number, [new Frame(kind, encoding, head.subarray(0, -1), body), extra]);
    let next: readonly [Frame, Extra] | undefined;
    while ((next = this.#early.get(this.#next)) !== undefined) {
      this.#early.delete(this.#next++);
      if (!this.#isClosed) this.receive(...next);
    }
    return true;
  }

  #has(number: number): boolean {
    return number < this.#next || this.#early.has(number);
  }

  /** Fetches a frame that is too large for a message; undefined if a repeated delivery brought it meanwhile. */
  async #object(name: string, number: number): Promise<Uint8Array | undefined> {
    const get = () => this.post.broker.getObject(this.post.queue, name);
    while (!this.#isClosed && !this.#has(number)) {
      try {
        return await (name === SHARED ? keeping(this.post, name, get) : get());
      } catch {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, OBJECT_WAIT_MS));
      }
    }
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
  }
}
