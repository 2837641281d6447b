/**
 * What it costs to send items and results to another lane, measured on a few of them. It runs in a
 * probe's process and imports no npm package.
 *
 * @module
 */

import { sealErrorsIn } from "../../lanes/remote/envelope.ts";
import { inspect, refusal } from "../../lanes/remote/inspect.ts";
import { threads } from "../../lanes/remote/way.ts";
import type { TransferCost } from "./probe_message.ts";

/** How many are looked at, and how long at most, in milliseconds. */
const MOST = 24;
const MOST_MS = 250;
/** Looked at first, so that compiling isn't counted. */
const WARM_UP = 3;
/** Items and results up to this size travel in company, and are measured so. */
const SMALL_BYTES = 16 << 10;
/** A company is about so large, and is cloned again and again for so long, in milliseconds. */
const COMPANY_BYTES = 256 << 10;
const MOST_COPIES = 40;
const REPEAT_MS = 4;

type Serialize = (value: unknown) => { readonly byteLength: number };

/** Measures the transfer of some items and results. */
export class TransferMeter {
  readonly #cloneMs: number[] = [];
  #itemBytes = 0;
  #resultBytes = 0;
  #seen = 0;
  #spentMs = 0;
  #next = 0;
  #uncloneable: string | undefined;
  #serialize: Serialize | undefined;
  readonly #small: [unknown, unknown][] = [];

  /** Mean size of the results looked at, in bytes. */
  get resultBytes(): number {
    return this.#seen === 0 ? 0 : this.#resultBytes / this.#seen;
  }

  /**
   * Looks at an item and its result, if it is one of those that are looked at: the first ones, and then
   * fewer and fewer.
   */
  async look(item: unknown, result: unknown, index: number): Promise<void> {
    if (index < this.#next || this.#seen >= MOST || this.#spentMs > MOST_MS) return;
    this.#next = index < 8 ? index + 1 : Math.ceil(index * 1.5);
    this.#serialize ??= (await import("node:v8") as { serialize: Serialize }).serialize;
    const startMs = performance.now();
    for (const [what, value] of [[`item ${index}`, item], [`result ${index}`, result]] as const) {
      if (this.#uncloneable !== undefined) return;
      const { refused, special } = inspect([value], threads);
      let cause: unknown;
      try {
        if (!refused) {
          threads.clone(special ? sealErrorsIn([value], threads) : value);
          continue;
        }
      } catch (error) {
        cause = error;
      }
      this.#uncloneable = refusal(what, value, threads, cause).message
        .replace(/^Cannot send (.*) to another lane: /, "$1: ");
      return;
    }
    const clonedMs = performance.now();
    // In an array, for a string alone is cloned by reference, but sent byte by byte.
    structuredClone([item, result]);
    this.#cloneMs.push(performance.now() - clonedMs);
    const [itemBytes, resultBytes] = [this.#bytes(item), this.#bytes(result)];
    if (itemBytes + resultBytes <= SMALL_BYTES) this.#small.push([item, result]);
    this.#itemBytes += itemBytes;
    this.#resultBytes += resultBytes;
    this.#seen++;
    this.#spentMs += performance.now() - startMs;
  }

  #bytes(value: unknown): number {
    try {
      return this.#serialize!(value).byteLength;
    } catch {
      // A worker can take what v8's own format can't, such as a MessagePort; its size is unknown.
      return 0;
    }
  }

  /** Sums up what was measured. */
  cost(): TransferCost {
    const mean = (sum: number) => this.#seen === 0 ? 0 : sum / this.#seen;
    return {
      items: this.#seen,
      itemBytes: mean(this.#itemBytes),
      resultBytes: mean(this.#resultBytes),
      cloneMs: this.#small.length === this.#seen ? this.#inCompany() : this.#alone(),
      ...(this.#uncloneable !== undefined && { uncloneable: this.#uncloneable }),
    };
  }

  /** Large ones travel alone. */
  #alone(): number {
    const warm = this.#cloneMs.length > WARM_UP ? this.#cloneMs.slice(WARM_UP) : this.#cloneMs;
    // The middle one: a pause of the garbage collector is not what copying takes.
    return warm.toSorted((a, b) => a - b)[warm.length >> 1] ?? 0;
  }

  /** Small ones share a message with many others, whose fixed cost is none of theirs. */
  #inCompany(): number {
    if (this.#small.length === 0) return 0;
    const bytes = 1 + this.#itemBytes + this.#resultBytes;
    const copies = Math.max(1, Math.min(MOST_COPIES, Math.floor(COMPANY_BYTES / bytes)));
    // True copies: an object that is there twice is sent once.
    const company = Array.from({ length: copies }, () => structuredClone(this.#small)).flat();
    // The first time is cold.
    structuredClone(company);
    let times = 0;
    const startMs = performance.now();
    let spentMs = 0;
    while (spentMs < REPEAT_MS) {
      structuredClone(company);
      times++;
      spentMs = performance.now() - startMs;
    }
    return spentMs / times / company.length;
  }
}
