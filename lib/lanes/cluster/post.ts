/**
 * One direction of the way to a lane on another machine, at either end: frames in messages of the
 * server, and in objects where they are too large for one.
 *
 * They arrive in order and once over what may lose, repeat and reorder messages: each is numbered, tried
 * until it is there, and handed on when all before it were.
 */

import { decodePayload, encodeFrame, Frame, readFrame } from "../subprocess/frame.ts";
import { encode, failedReport, FromLane, reportHead, ToLane } from "../remote/channel.ts";
import { frameCloning, serializer } from "../subprocess/subprocess_channel.ts";
import { clock, within } from "../timers.ts";
import type { Broker, BrokerError } from "./broker.ts";

/** The kind of a frame that is too large for a message: its payload names the object that holds it. */
const IN_OBJECT = 255;
/** The object with what a job gives to all lanes. */
const SHARED = "shared";
const NOTHING = new Uint8Array();
/** What a message has besides its bytes: its subject, id and so on. */
const SPARE_BYTES = 4096;
/** A message that couldn't be stored is tried again after so many milliseconds, at first and at most. */
const LEAST_WAIT_MS = 50;
const MOST_WAIT_MS = 1000;
/** What has something in its place is tried for so long if it is refused: others may make room. */
const MOST_REFUSED_MS = 5000;
/** An object that can't be had is asked for again after so many milliseconds. */
const OBJECT_WAIT_MS = 500;

/** A message as a frame, whose head ends with its number. */
function numbered(number: number, [kind, head, payload]: Message): Uint8Array<ArrayBuffer> {
  const numbers = new Float64Array(head.length + 1);
  numbers.set(head);
  numbers[head.length] = number;
  const [bytes] = encodeFrame(kind, numbers, payload, serializer, Infinity);
  return bytes as Uint8Array<ArrayBuffer>;
}

/** A job's queue, as one side of it knows it. */
export interface Post {
  readonly broker: Broker;
  readonly queue: string;
  /** Objects that are the same for all lanes: put once by the job, and had once by each machine. */
  readonly kept: Map<string, Promise<Uint8Array>>;
}

/** What is kept, or will be; what fails is tried again by the next who wants it. */
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

/** The report that these items failed, for the server didn't store them, or what became of them. */
export function unstored(id: number, count: number, last: boolean, reason: BrokerError): Message {
  const report = failedReport(count, reason, last);
  const payload = encode(new Array(count), report.failures, true, frameCloning);
  return [FromLane.report, reportHead(id, report), payload];
}

/** Brings a message to the other side; rejects if it isn't known to be there, though it may be. */
type Carry = (number: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/** Sends frames: each is numbered, and tried until it is there. */
export class Sender {
  /** Its objects' names begin with it. */
  readonly #id = crypto.randomUUID();
  readonly #closed = Promise.withResolvers<void>();
  #count = 0;
  #isClosed = false;

  constructor(private readonly post: Post, private readonly carry: Carry) {}

  /**
   * Resolves once it is there, or something else in its place.
   *
   * @param instead What is to be there if the server refuses for long to store it.
   * @throws What the serializer throws, at once, if the payload can't be cloned.
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
          // It is small, and others that come behind it wait for it.
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

/** Receives frames, in order and once, with what came along. */
export class Receiver<Extra> {
  /** What came before others that were sent earlier. */
  readonly #early = new Map<number, readonly [Frame, Extra]>();
  #next = 0;
  #isClosed = false;

  constructor(
    private readonly post: Post,
    private readonly receive: (frame: Frame, extra: Extra) => void,
  ) {}

  /** Resolves to whether it is new, once it is here. */
  async take(bytes: Uint8Array, extra: Extra): Promise<boolean> {
    const frame = readFrame(bytes);
    const number = frame.head.at(-1);
    if (number === undefined) throw new TypeError("It has no number");
    if (frame.kind !== IN_OBJECT) return this.#takeFrame(number, frame, extra);
    const name = payloadOf(frame) as string;
    const object = await this.#object(name, number);
    if (object === undefined || !this.#takeFrame(number, readFrame(object), extra)) return false;
    const { broker, queue } = this.post;
    // It goes with its queue at the latest.
    if (name !== SHARED) broker.removeObject(queue, name).catch(() => {});
    return true;
  }

  /** Takes a frame, and hands on those whose turn it is; false if it was here before. */
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

  /** What is too large for a message; undefined once it was had, for it may be delivered again meanwhile. */
  async #object(name: string, number: number): Promise<Uint8Array | undefined> {
    const get = () => this.post.broker.getObject(this.post.queue, name);
    while (!this.#isClosed && !this.#has(number)) {
      try {
        return await (name === SHARED ? keeping(this.post, name, get) : get());
      } catch {
        await new Promise((resolve) => clock.setTimeout(resolve, OBJECT_WAIT_MS));
      }
    }
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
  }
}
