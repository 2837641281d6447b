/**
 * Puts frames together from the pieces in which a pipe delivers them.
 *
 * @module
 */

import { type Frame, FRAME_MAGIC, GarbageError, PREFIX_BYTES } from "./frame.ts";

/** From so many missing bytes on, reading them to where they belong saves more than it costs. */
const LARGE_BYTES = 1 << 17;

/** Puts frames together from the pieces in which a pipe delivers them. */
export class FrameDecoder {
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixFilled = 0;
  #head: Uint8Array<ArrayBuffer> | undefined;
  #body: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;

  /**
   * Takes the next piece.
   *
   * @param bytes What was read; not kept.
   * @param onFrame Called for every frame that is now whole.
   * @throws {GarbageError} If the bytes are no frame.
   */
  push(bytes: Uint8Array, onFrame: (frame: Frame) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#head === undefined) {
        const part = bytes.subarray(at, at + PREFIX_BYTES - this.#prefixFilled);
        this.#prefix.set(part, this.#prefixFilled);
        this.#prefixFilled += part.length;
        at += part.length;
        this.#checkMagic(bytes);
        if (this.#prefixFilled < PREFIX_BYTES) return;
        const view = new DataView(this.#prefix.buffer);
        this.#head = new Uint8Array(8 * view.getUint32(8, true));
        this.#body = new Uint8Array(view.getUint32(12, true));
        this.#filled = 0;
      }
      at = this.#fill(bytes, at);
      if (this.#filled < this.#head.length + this.#body!.length) return;
      onFrame(this.#take());
    }
  }

  /**
   * What is missing of a large body that has begun to arrive, to be read into without a copy; then
   * call {@linkcode FrameDecoder.filled}. Undefined if the next bytes had better be pushed.
   */
  get missing(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#head === undefined) return undefined;
    const done = this.#filled - this.#head.length;
    const rest = this.#body!.length - done;
    return done > 0 && rest >= LARGE_BYTES ? this.#body!.subarray(done) : undefined;
  }

  /**
   * Takes bytes that were read into what was {@linkcode FrameDecoder.missing}.
   *
   * @param bytes The part that was filled; the stream may have moved the memory behind it.
   * @param onFrame Called if the frame is now whole.
   */
  filled(bytes: Uint8Array<ArrayBuffer>, onFrame: (frame: Frame) => void): void {
    if (bytes.buffer !== this.#body!.buffer) this.#body = new Uint8Array(bytes.buffer);
    this.#filled += bytes.length;
    if (this.#filled === this.#head!.length + this.#body!.length) onFrame(this.#take());
  }

  #fill(bytes: Uint8Array, at: number): number {
    const head = this.#head!;
    const body = this.#body!;
    if (this.#filled < head.length) {
      const part = bytes.subarray(at, at + head.length - this.#filled);
      head.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
    if (this.#filled >= head.length) {
      const done = this.#filled - head.length;
      const part = bytes.subarray(at, at + body.length - done);
      body.set(part, done);
      this.#filled += part.length;
      at += part.length;
    }
    return at;
  }

  #take(): Frame {
    const frame: Frame = {
      kind: this.#prefix[4]!,
      encoding: this.#prefix[5]!,
      head: new Float64Array(this.#head!.buffer),
      body: this.#body!,
    };
    this.#head = this.#body = undefined;
    this.#prefixFilled = 0;
    return frame;
  }

  #checkMagic(bytes: Uint8Array): void {
    for (let at = 0; at < Math.min(4, this.#prefixFilled); at++) {
      if (this.#prefix[at] === ((FRAME_MAGIC >>> (8 * at)) & 0xff)) continue;
      const text = new TextDecoder().decode(bytes.subarray(0, 60));
      throw new GarbageError(`wrote to its stdout: ${JSON.stringify(text)}`);
    }
  }
}
