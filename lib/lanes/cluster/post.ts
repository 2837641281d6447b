/**
 * One direction of the way to a lane on another machine, at either end: frames in messages of the
 * server, and in objects where they are too large for one.
 */

import * as v8 from "node:v8";
import {
  decodePayload,
  encodeFrame,
  type Frame,
  readFrame,
  serializerOf,
} from "../subprocess/frame.ts";
import { wordsOf } from "../attempt.ts";
import { encode, FromLane, reportHead, ToLane } from "../remote/channel.ts";
import { way } from "../subprocess/subprocess_channel.ts";
import { type Broker, BrokerError } from "./broker.ts";
import { Inbox, Outbox } from "./ordered.ts";

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
  let found = kept.get(name);
  if (found === undefined) {
    found = have();
    found.catch(() => kept.delete(name));
    kept.set(name, found);
  }
  return found;
}

/** Payload of a frame that was received. */
export function payloadOf(frame: Frame): unknown {
  return decodePayload(frame, serializer);
}

/** Kind, head and payload of a frame. */
export type Message = readonly [kind: number, head: ArrayLike<number>, payload?: unknown];

function fullError({ where }: Broker, error: unknown): BrokerError {
  return new BrokerError(where, `it stores nothing more: ${wordsOf(error)}`, "give it more room");
}

/** The report that these items failed, for the server didn't store them, or what became of them. */
export function unstored(id: number, count: number, last: boolean, reason: BrokerError): Message {
  const failures = Array.from({ length: count }, (_, offset) => ({
    offset,
    ended: "failed" as const,
    reason,
  }));
  const nowMs = performance.now();
  const times = { startedAtMs: nowMs, endedAtMs: nowMs, times: undefined };
  const { payload, special } = encode(new Array(count), failures, true, way);
  return [FromLane.report, reportHead(id, { count, last, ...times }, special), payload];
}

/** Brings a message to the other side; rejects if it isn't known to be there. */
type Carry = (number: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/** Sends frames. */
export class Sender {
  /** Its objects' names begin with it. */
  readonly #id = crypto.randomUUID();
  readonly #outbox: Outbox;

  constructor(
    private readonly post: Post,
    private readonly carry: Carry,
    failed: (why: BrokerError) => void,
  ) {
    this.#outbox = new Outbox({
      store: (number, bytes) => this.#store(number, bytes as Uint8Array<ArrayBuffer>),
      isRefusal: (error) => post.broker.isRefusal(error),
      failed: (error) => failed(fullError(post.broker, error)),
    });
  }

  /**
   * Resolves once it is stored.
   *
   * @param instead What is sent in its place if the server doesn't store it.
   * @throws What the serializer throws, at once, if the payload can't be cloned.
   */
  send(
    kind: number,
    head: ArrayLike<number>,
    payload?: unknown,
    instead?: (why: BrokerError) => Message,
  ): Promise<void> {
    const parcel = (...[kind, head, payload]: Message) =>
      parcelOf(IN_PLACE, encodeFrame(kind, head, payload, serializer));
    return this.#outbox.send(
      parcel(kind, head, payload),
      instead && ((error) => parcel(...instead(fullError(this.post.broker, error)))),
    );
  }

  async #store(number: number, parcel: Uint8Array<ArrayBuffer>): Promise<void> {
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
    this.#outbox.close();
  }
}

/** Receives frames, in order and once, with what came along. */
export class Receiver<Extra> {
  readonly #inbox: Inbox<readonly [Frame, Extra]>;
  #isClosed = false;

  constructor(private readonly post: Post, receive: (frame: Frame, extra: Extra) => void) {
    this.#inbox = new Inbox(([frame, extra]) => {
      if (!this.#isClosed) receive(frame, extra);
    });
  }

  /** Resolves to whether it is new, once it is here. */
  async take(bytes: Uint8Array, extra: Extra): Promise<boolean> {
    const view = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTES);
    const number = view.getUint32(0, true);
    const rest = bytes.subarray(PREFIX_BYTES);
    if (view.getUint32(4, true) === IN_PLACE) {
      return this.#inbox.take(number, [readFrame(rest), extra]);
    }
    const name = new TextDecoder().decode(rest);
    const object = await this.#object(name, number);
    if (object === undefined || !this.#inbox.take(number, [readFrame(object), extra])) return false;
    const { broker, queue } = this.post;
    // It goes with its queue at the latest.
    if (name !== SHARED) broker.removeObject(queue, name).catch(() => {});
    return true;
  }

  /** What is too large for a message; undefined once it was had, for it may be delivered again meanwhile. */
  async #object(name: string, number: number): Promise<Uint8Array | undefined> {
    const get = () => this.post.broker.getObject(this.post.queue, name);
    while (!this.#isClosed && !this.#inbox.has(number)) {
      try {
        return await (name === SHARED ? keeping(this.post, name, get) : get());
      } catch {
        await new Promise((resolve) => setTimeout(resolve, OBJECT_WAIT_MS));
      }
    }
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
  }
}
