/** Measures what sending items and results to another lane takes. It imports no npm package. */

import { attempt } from "../../lanes/attempt.ts";
import { arrivalOf } from "../../lanes/remote/channel.ts";
import { type Cloning, loss, type Objection, structuredCloning } from "../../lanes/remote/clone.ts";
import { classLoss } from "../../lanes/remote/fidelity.ts";
import { cloningThrough, serializerOf } from "../../lanes/subprocess/frame.ts";
import { median } from "../../timing/statistics.ts";

const MOST_TRANSFERS = 24;
const MOST_TRANSFER_MS = 250;
/** The first clones also compile code, so they aren't counted. */
const WARM_UP_CLONES = 3;
/** Items and results up to this size in bytes share a message with others, and are measured so. */
const SMALL_BYTES = 16 << 10;
/** The size of such a message in bytes, its most copies, and how long it is cloned in milliseconds. */
const BATCH_BYTES = 256 << 10;
const MOST_COPIES = 40;
const REPEAT_MS = 4;
type LossKind = "uncloneable" | "unserializable" | "classLost" | "resultLost";
type V8 = Pick<typeof import("node:v8"), "serialize" | "DefaultDeserializer">;

export class TransferMeter {
  readonly #cloneMs: number[] = [];
  #itemBytes = 0;
  #resultBytes = 0;
  #seen = 0;
  #spentMs = 0;
  #next = 0;
  /** What can't be sent at all, or not to another process; and the parts of items and results that don't arrive. */
  readonly #lost: { [Kind in LossKind]?: string } = {};
  #v8: V8 | undefined;
  #pipe: Cloning | undefined;
  readonly #small: [unknown, unknown][] = [];

  get resultBytes(): number {
    return this.#resultBytes / Math.max(1, this.#seen);
  }

  /** Measures an item and its result: each of the first ones, then fewer and fewer. */
  async look(item: unknown, result: unknown, index: number): Promise<void> {
    const isEnough = this.#seen >= MOST_TRANSFERS || this.#spentMs > MOST_TRANSFER_MS;
    if (index < this.#next || isEnough || "uncloneable" in this.#lost) return;
    this.#next = index < 8 ? index + 1 : Math.ceil(index * 1.5);
    this.#v8 ??= await import("node:v8");
    this.#pipe ??= cloningThrough(serializerOf(this.#v8));
    const startMs = performance.now();
    let arrived: [unknown, unknown];
    try {
      arrived = [
        arrivalOf(`item ${index}`, item, structuredCloning),
        arrivalOf(`result ${index}`, result, structuredCloning),
      ];
      this.#look("unserializable", `item ${index}`, item, this.#pipe);
      this.#look("unserializable", `result ${index}`, result, this.#pipe);
      this.#look("classLost", `item ${index}`, item, structuredCloning, classLoss);
      this.#look("resultLost", `result ${index}`, result, structuredCloning, classLoss);
    } catch (error) {
      const { message } = error as Error;
      this.#lost.uncloneable = message.replace(/^Cannot send (.*) to another lane: /, "$1: ");
      return;
    }
    const clonedMs = performance.now();
    // In an array, because a string alone is cloned by reference, but sent byte by byte.
    structuredClone(arrived);
    this.#cloneMs.push(performance.now() - clonedMs);
    const [itemBytes, resultBytes] = [this.#bytes(item), this.#bytes(result)];
    if (itemBytes + resultBytes <= SMALL_BYTES) this.#small.push(arrived);
    this.#itemBytes += itemBytes;
    this.#resultBytes += resultBytes;
    this.#seen++;
    this.#spentMs += performance.now() - startMs;
  }

  #bytes(value: unknown): number {
    // A worker accepts values that v8's format can't hold, such as a MessagePort; their size is unknown.
    return attempt(() => this.#v8!.serialize(value).byteLength - sharedBytes(value), 0);
  }

  cost() {
    return {
      /** Mean sizes, as `v8.serialize` writes them. */
      itemBytes: this.#itemBytes / Math.max(1, this.#seen),
      resultBytes: this.resultBytes,
      /** Mean time to write and read an item and its result once, in milliseconds. */
      cloneMs: this.#small.length === this.#seen
        ? this.#cloneMsInBatch()
        // Large values have a message each.
        : median(this.#cloneMs.slice(this.#cloneMs.length > WARM_UP_CLONES ? WARM_UP_CLONES : 0)),
      ...this.#lost,
    };
  }

  /** Notes the part of a value that would not arrive, or that `objects` refuses, if it is the first of its kind. */
  #look(kind: LossKind, what: string, value: unknown, cloning: Cloning, objects?: Objection): void {
    const why = kind in this.#lost ? undefined : loss(value, cloning, objects ?? (() => undefined));
    if (why !== undefined) this.#lost[kind] = `${what}: ${why}`;
  }

  /** The clone time of small values, which share a message and its fixed cost with many others. */
  #cloneMsInBatch(): number {
    if (this.#small.length === 0) return 0;
    const bytes = 1 + this.#itemBytes + this.#resultBytes;
    const copies = Math.max(1, Math.min(MOST_COPIES, Math.floor(BATCH_BYTES / bytes)));
    // True copies, because an object that occurs twice is sent once.
    const batch = Array.from({ length: copies }, () => structuredClone(this.#small)).flat();
    // The first clone is slow, so it isn't timed.
    structuredClone(batch);
    const startMs = performance.now();
    const times: number[] = [];
    for (let [atMs, nowMs] = [startMs, startMs]; nowMs - startMs < REPEAT_MS; atMs = nowMs) {
      structuredClone(batch);
      nowMs = performance.now();
      times.push(nowMs - atMs);
    }
    // The median, since a pause of the garbage collector or by other programs isn't part of copying.
    return median(times) / batch.length;
  }
}

/** How many bytes of a value are in shared memory, of which only a reference is sent. */
function sharedBytes(value: unknown, seen: Set<unknown> = new Set()): number {
  if (typeof value !== "object" || value === null || seen.has(value)) return 0;
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    return value.buffer instanceof SharedArrayBuffer ? value.byteLength : 0;
  }
  return Object.values(value).reduce((sum, of) => sum + sharedBytes(of, seen), 0);
}
