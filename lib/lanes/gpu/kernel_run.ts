/**
 * Runs a batch's items on a GPU, as many at once as keep it busy. Deadlines, cancelling and failures mean the
 * same as where a task's function runs.
 */

import { shown } from "../attempt.ts";
import { CancelledError, TimeoutError } from "../errors.ts";
import type { AskReason, ItemFailure, Report } from "../lane.ts";
import type { BatchHost, LaneRun, RunnableBatch } from "../run_batch.ts";
import { type KernelItem, titleOf } from "../task.ts";
import { DISPATCH_MS, ENDED_EARLY, type KernelProgram } from "./kernel_program.ts";

const now = performance.now.bind(performance);

/** Initial capacity in words; it grows. */
const FIRST_WORDS = 1 << 16;
/** The clock is read once per this many pieces, because a reading costs more than writing a small piece. */
const READ_AFTER = 64;

export type Program = Pick<KernelProgram, "kernel" | "group" | "isEnough" | "run">;

interface OpenItem {
  readonly offset: number;
  readonly item: KernelItem<unknown>;
  /** When its first pieces were sent to the GPU, in milliseconds; NaN before. */
  sinceMs: number;
  /** How many of its pieces were sent. */
  sent: number;
  /** Whether its pieces share no group with other items' pieces, because it is computed a second time. */
  readonly apart: boolean;
}

/** Pieces of one item that are computed together with others. */
interface Part {
  readonly of: OpenItem;
  readonly from: number;
  readonly to: number;
  /** The position of the first one among all gathered pieces. */
  readonly begin: number;
}

interface Gathered {
  readonly parts: readonly Part[];
  readonly words: Uint32Array<ArrayBuffer>;
  readonly longest: number;
}

interface End {
  readonly end: { readonly value: unknown } | Omit<ItemFailure, "offset">;
  readonly sinceMs: number;
  readonly endedMs: number;
}

export class KernelRun<B extends RunnableBatch> implements LaneRun<B> {
  offset = 0;
  current = 0;
  sinceMs = 0;
  running = false;
  together = 1;
  #cancelled = false;
  #cancelReason: unknown;
  #nextOffset = 0;
  /** The item that has pieces left to write. */
  #open: OpenItem | undefined;
  /** Items to compute again: the driver ended their loops, perhaps because of another item in the group. */
  readonly #again: OpenItem[] = [];
  /** How each item ended, from the first that has not been reported. */
  readonly #ends: End[] = [];
  #from = 0;
  #fromMs = 0;

  /** @param onFault Called if the GPU fails, after which nothing can be reported. */
  constructor(
    readonly batch: B,
    private readonly program: Program,
    private readonly host: BatchHost<B>,
    private readonly onFault: (error: unknown) => void,
  ) {}

  start(): void {
    this.sinceMs = this.#fromMs = now();
    this.running = true;
    void this.#run().catch(this.onFault);
  }

  async #run(): Promise<void> {
    const { items, settings: { giveBackMs } } = this.batch;
    while (this.offset < items.length && !this.#isCancelled()) {
      const isLate = now() - this.#fromMs > giveBackMs && this.offset > this.#from;
      if (isLate && this.#open === undefined && this.#again.length === 0) break;
      await this.#compute(this.#gather());
    }
    if (this.#open !== undefined) this.#again.push(this.#open);
    for (const of of this.#again) this.#stop(of, "cancelled");
    this.running = false;
    this.host.report(this, this.#take(true));
  }

  /**
   * Opens items and writes their pieces until there are enough or no more, but for no longer than a dispatch
   * takes, because deadlines aren't checked meanwhile.
   */
  #gather(): Gathered {
    const { kernel, group } = this.program;
    const left = this.batch.items.length - this.offset;
    let words = new Uint32Array(
      kernel.words * Math.min(left, Math.ceil(FIRST_WORDS / kernel.words)),
    );
    const parts: Part[] = [];
    let pieces = 0;
    let steps = 0;
    let longest = 0;
    const untilMs = now() + DISPATCH_MS;
    const isEnough = () =>
      this.program.isEnough(pieces, steps) ||
      (pieces > 0 && pieces % READ_AFTER === 0 && now() > untilMs);
    while (!isEnough()) {
      const of = this.#next();
      if (of === undefined) break;
      const from = of.sent;
      const isApart = of.apart || parts.at(-1)?.of.apart;
      const begin = isApart ? group * Math.ceil(pieces / group) : pieces;
      if (begin > pieces && this.program.isEnough(begin, steps)) break;
      pieces = begin;
      const isWritten = this.#attempt(of, () => {
        for (; of.sent < of.item.pieces && !isEnough(); of.sent++) {
          const at = kernel.words * pieces++;
          while (at >= words.length) {
            words = new Uint32Array(words.buffer.transfer(2 * words.byteLength));
          }
          of.item.write(of.sent, words, at);
          if (words[at] === 0) throw new RangeError(`write() gave piece ${of.sent} no steps`);
          steps += words[at]!;
          longest = Math.max(longest, words[at]!);
        }
      });
      if (isWritten) parts.push({ of, from, to: of.sent, begin });
      else words.fill(0, kernel.words * begin, kernel.words * (pieces = begin));
      if (of.sent === of.item.pieces) this.#open = undefined;
    }
    return { parts, words: words.subarray(0, kernel.words * pieces), longest };
  }

  /** The item whose pieces are written next; undefined if there are no more. */
  #next(): OpenItem | undefined {
    const { items } = this.batch;
    while (this.#open === undefined) {
      const again = this.#again.shift();
      const offset = again?.offset ?? this.#nextOffset;
      if (offset === items.length) break;
      if (again === undefined) this.#nextOffset++;
      this.#attempt({ offset, sinceMs: now() }, () => {
        const item = checkedItem(this.program.kernel.open(items[offset]));
        this.#open = { offset, item, sinceMs: NaN, sent: 0, apart: again !== undefined };
      });
    }
    return this.#open;
  }

  /** Computes pieces, and ends the items whose last pieces are among them. */
  async #compute({ parts, words, longest }: Gathered): Promise<void> {
    if (parts.length === 0) return;
    const startedMs = now();
    for (const { of } of parts) if (Number.isNaN(of.sinceMs)) of.sinceMs = startedMs;
    this.#note(parts[0]!.of, parts.length);
    let isStopped = false;
    const results = await this.program.run(words, longest, () => {
      isStopped = this.#isCancelled() || parts.every(({ of }) => this.#isLate(of));
      return !isStopped;
    });
    for (const part of parts) this.#conclude(part, words, results, isStopped);
  }

  /** Reads an item's pieces, and ends the item if these were its last ones or if it failed or was stopped. */
  #conclude(
    { of, from, to, begin }: Part,
    written: Uint32Array,
    words: Uint32Array,
    isStopped: boolean,
  ): void {
    const size = this.program.kernel.words;
    let at = size * begin;
    let undone = 0;
    const isRead = this.#attempt(of, () => {
      for (let piece = from; piece < to && undone === 0; piece++, at += size) {
        undone = words[at]!;
        if (undone === 0) of.item.read(piece, words, at);
      }
      const isWhole = undone === 0 && to === of.item.pieces;
      // An item that had ended when the others were stopped was not late.
      if (isWhole && (isStopped || !this.#isLate(of))) this.#end(of, { value: of.item.result() });
    });
    if (!isRead || this.#hasEnded(of)) return;
    if (this.#isLate(of)) this.#stop(of, "timed-out");
    else if (undone === 0) return;
    else if (isStopped) this.#stop(of, "cancelled");
    else if (undone === ENDED_EARLY && !of.apart) {
      // Computed a second time.
      if (this.#open === of) this.#open = undefined;
      this.#again.push(of);
    } else this.#end(of, this.#undone(of, undone, undone > written[at - size]!));
  }

  #hasEnded({ offset }: OpenItem): boolean {
    return offset < this.offset || this.#ends[offset - this.#from] !== undefined;
  }

  #undone({ offset }: OpenItem, steps: number, isMore: boolean): End["end"] {
    const index = this.batch.firstIndex + offset;
    const reason = new RangeError(
      steps === ENDED_EARLY
        ? `The driver ended the kernel's loops for item ${index}: a step of it takes more turns than ` +
          "its turns say, or than the driver allows"
        : isMore
        ? `The kernel left more steps of item ${index} than there were; advance() must subtract from ` +
          "words[at] as many as it is told, and no more"
        : `The kernel left ${steps} of item ${index}'s steps undone; advance() must take as many as it ` +
          "is told",
    );
    return { ended: "failed", reason };
  }

  /** Calls code of the kernel for an item; if it throws, the item has failed. */
  #attempt(of: Pick<OpenItem, "offset" | "sinceMs">, action: () => void): boolean {
    this.#note(of, 1);
    try {
      action();
      return true;
    } catch (reason) {
      this.#end(of, { ended: "failed", reason });
      return false;
    }
  }

  /** Records which item is being worked on, for the code that finds out what ended or blocked the lane. */
  #note({ offset, sinceMs }: Pick<OpenItem, "offset" | "sinceMs">, together: number): void {
    this.current = offset;
    this.together = together;
    this.sinceMs = Number.isNaN(sinceMs) ? now() : sinceMs;
    this.host.starting?.(this);
  }

  #end({ offset, sinceMs }: Pick<OpenItem, "offset" | "sinceMs">, end: End["end"]): void {
    if (this.#open?.offset === offset) this.#open = undefined;
    this.#ends[offset - this.#from] = { end, sinceMs, endedMs: now() };
    while (this.#ends[this.offset - this.#from] !== undefined) this.offset++;
  }

  #isLate({ sinceMs }: OpenItem): boolean {
    const { timeoutMs } = this.batch.settings;
    return timeoutMs !== Infinity && now() - sinceMs > timeoutMs;
  }

  #isCancelled(): boolean {
    return this.#cancelled || (this.host.isCancelled?.(this.batch) ?? false);
  }

  #stop(of: OpenItem, ended: "timed-out" | "cancelled"): void {
    const { task, firstIndex, settings: { timeoutMs } } = this.batch;
    const what = `Item ${firstIndex + of.offset} of ${titleOf(task)} was`;
    const reason = ended === "timed-out"
      ? new TimeoutError(`${what} stopped at its deadline of ${timeoutMs} ms`)
      : this.#cancelReason ?? new CancelledError(`${what} cancelled`);
    this.#end(of, { ended, reason });
  }

  ask(why: AskReason, reason?: unknown): void {
    // This run checks deadlines itself.
    if (why !== "cancel") return;
    this.#cancelled = true;
    this.#cancelReason = reason;
  }

  reportEnded(): void {
    if (this.offset > this.#from) this.host.report(this, this.#take(false));
  }

  #take(last: boolean): Report {
    const ends = this.#ends.splice(0, this.offset - this.#from);
    const failures = ends.flatMap(({ end }, offset) => "value" in end ? [] : [{ offset, ...end }]);
    const isTimed = this.batch.settings.timed && this.batch.items.length > 1;
    const report: Report = {
      count: ends.length,
      values: ends.map(({ end }) => "value" in end ? end.value : undefined),
      failures: failures.length > 0 ? failures : undefined,
      startedAtMs: ends[0]?.sinceMs ?? this.#fromMs,
      endedAtMs: ends.at(-1)?.endedMs ?? now(),
      times: isTimed
        ? Float64Array.from(ends.flatMap(({ sinceMs, endedMs }) => [sinceMs, endedMs]))
        : undefined,
      last,
    };
    this.#from = this.offset;
    this.#fromMs = report.endedAtMs;
    return report;
  }
}

/** Checks the value that a kernel's `open` returned. */
function checkedItem(item: KernelItem<unknown>): KernelItem<unknown> {
  const { pieces, write, read, result } = Object(item) as Partial<KernelItem<unknown>>;
  if ([write, read, result].some((own) => typeof own !== "function")) {
    const gave = item instanceof Promise ? "a promise: it must be synchronous" : shown(item);
    throw new TypeError(`open() must give pieces, write, read and result, but gave ${gave}`);
  }
  if (!(Number.isSafeInteger(pieces) && pieces! >= 0)) {
    throw new RangeError(`open() must give a whole number of pieces, but gave ${shown(pieces)}`);
  }
  return item;
}
