/**
 * One direction of the way to a lane on another machine, at either end: frames in messages of the
 * server, and in objects where they are too large for one.
 *
 * They arrive in order and once over what may lose, repeat and reorder messages: each is numbered, tried
 * until it is there, and handed on when all before it were.
 */

import * as v8 from "node:v8";
import {
  decodePayload,
  encodeFrame,
  type Frame,
  readFrame,
  serializerOf,
} from "../subprocess/frame.ts";
import { encode, failedReport, FromLane, reportHead, ToLane } from "../remote/channel.ts";
import { way } from "../subprocess/subprocess_channel.ts";
import { clock, within } from "../timers.ts";
import type { Broker, BrokerError } from "./broker.ts";

const serializer = serializerOf(v8);
/** Before a frame stand its number, and where it is. */
const PREFIX_BYTES = 8;
const IN_PLACE = 0;
const IN_OBJECT = 1;
/** Where a frame tells its kind. */
const FRAME_KIND_AT = 4;
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

/** A message as bytes, whose number is not known yet. */
function parcelOf(where: number, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, PREFIX_BYTES);
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(4, where, true);
  let at = PREFIX_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
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

const encoded = (...[kind, head, payload]: Message) => encodeFrame(kind, head, payload, serializer);

/** The report that these items failed, for the server didn't store them, or what became of them. */
export function unstored(id: number, count: number, last: boolean, reason: BrokerError): Message {
  const report = failedReport(count, reason, last);
  const payload = encode(new Array(count), report.failures, true, way);
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
    const parcel = parcelOf(IN_PLACE, encoded(kind, head, payload));
    return this.#bring(this.#count++, parcel, instead);
  }

  async #bring(
    number: number,
    parcel: Uint8Array<ArrayBuffer>,
    instead?: (why: BrokerError) => Message,
  ): Promise<void> {
    let refusedMs: number | undefined;
    for (let waitMs = LEAST_WAIT_MS; !this.#isClosed; waitMs = Math.min(2 * waitMs, MOST_WAIT_MS)) {
      try {
        return await this.#bringOnce(number, parcel);
      } catch (error) {
        if (this.#isClosed) return;
        const why = this.post.broker.refusalOf(error);
        if (why !== undefined) refusedMs ??= clock.now();
        if (why && instead && clock.now() - refusedMs! >= MOST_REFUSED_MS) {
          // It is small, and others that come behind it wait for it.
          parcel = parcelOf(IN_PLACE, encoded(...instead(why)));
          instead = undefined;
        }
        await within(waitMs, this.#closed.promise, () => {});
      }
    }
  }

  async #bringOnce(number: number, parcel: Uint8Array<ArrayBuffer>): Promise<void> {
    const { broker, queue } = this.post;
    let bytes = parcel;
    if (parcel.length > broker.mostBytes - SPARE_BYTES) {
      const frame = parcel.subarray(PREFIX_BYTES);
      const isShared = frame[FRAME_KIND_AT] === ToLane.shared;
      const name = isShared ? SHARED : `${this.#id}.${number}`;
      const put = () => broker.putObject(queue, name, frame).then(() => NOTHING);
      await (isShared ? keeping(this.post, name, put) : put());
      bytes = parcelOf(IN_OBJECT, [new TextEncoder().encode(name)]);
    }
    new DataView(bytes.buffer).setUint32(0, number, true);
    await this.carry(number, bytes);
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
    const view = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTES);
    const number = view.getUint32(0, true);
    const rest = bytes.subarray(PREFIX_BYTES);
    if (view.getUint32(4, true) === IN_PLACE) return this.#takeFrame(number, rest, extra);
    const name = new TextDecoder().decode(rest);
    const object = await this.#object(name, number);
    if (object === undefined || !this.#takeFrame(number, object, extra)) return false;
    const { broker, queue } = this.post;
    // It goes with its queue at the latest.
    if (name !== SHARED) broker.removeObject(queue, name).catch(() => {});
    return true;
  }

  /** Takes a frame, and hands on those whose turn it is; false if it was here before. */
  #takeFrame(number: number, bytes: Uint8Array, extra: Extra): boolean {
    if (this.#has(number)) return false;
    this.#early.set(number, [readFrame(bytes), extra]);
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
