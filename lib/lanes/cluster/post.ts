/**
 * One direction of the way to a lane on another machine, at either end: frames in messages of the
 * server, and in objects where they are too large for one.
 *
 * @module
 */

import * as v8 from "node:v8";
import {
  decodePayload,
  encodeFrame,
  type Frame,
  readFrame,
  serializerOf,
} from "../subprocess/frame.ts";
import type { Broker } from "./broker.ts";
import { Inbox, Outbox } from "./ordered.ts";

const serializer = serializerOf(v8);
/** Before a frame stand its number, and where it is. */
const PREFIX_BYTES = 8;
const IN_PLACE = 0;
const IN_OBJECT = 1;
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

/** Payload of a frame that was received. */
export function payloadOf(frame: Frame, count: number): unknown {
  return decodePayload(frame, count, serializer);
}

/** Sends frames. */
export class Sender {
  readonly #broker: Broker;
  readonly #queue: string;
  readonly #subject: string;
  readonly #outbox: Outbox;

  constructor(broker: Broker, queue: string, subject: string, failed: (error: unknown) => void) {
    this.#broker = broker;
    this.#queue = queue;
    this.#subject = subject;
    this.#outbox = new Outbox({
      store: (number, bytes) => this.#store(number, bytes as Uint8Array<ArrayBuffer>),
      isFinal: (error) => broker.isRefusal(error),
      failed,
    });
  }

  /**
   * Resolves once it is stored.
   *
   * @throws What the serializer throws, at once, if the payload can't be cloned.
   */
  send(kind: number, head: ArrayLike<number>, payload?: unknown): Promise<void> {
    return this.#outbox.send(parcelOf(IN_PLACE, encodeFrame(kind, head, payload, serializer)));
  }

  async #store(number: number, parcel: Uint8Array<ArrayBuffer>): Promise<void> {
    const id = `${this.#subject}.${number}`;
    let bytes = parcel;
    if (parcel.length > this.#broker.mostBytes - SPARE_BYTES) {
      await this.#broker.putObject(this.#queue, id, parcel.subarray(PREFIX_BYTES));
      bytes = parcelOf(IN_OBJECT, [new TextEncoder().encode(id)]);
    }
    new DataView(bytes.buffer).setUint32(0, number, true);
    await this.#broker.store(this.#subject, id, bytes);
  }

  close(): void {
    this.#outbox.close();
  }
}

/** Receives frames, in order and once, with what came along. */
export class Receiver<Extra> {
  readonly #broker: Broker;
  readonly #queue: string;
  readonly #inbox: Inbox<readonly [Frame, Extra]>;
  #isClosed = false;

  constructor(broker: Broker, queue: string, receive: (frame: Frame, extra: Extra) => void) {
    this.#broker = broker;
    this.#queue = queue;
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
    const object = await this.#object(name);
    if (object === undefined || !this.#inbox.take(number, [readFrame(object), extra])) return false;
    this.#broker.removeObject(this.#queue, name).catch(() => {}); // it goes with its queue
    return true;
  }

  async #object(name: string): Promise<Uint8Array | undefined> {
    while (!this.#isClosed) {
      try {
        return await this.#broker.getObject(this.#queue, name);
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
