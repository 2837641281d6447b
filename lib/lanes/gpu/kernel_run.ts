/**
 * Runs a batch's items on a GPU, as many at once as are enough for it. What deadlines, cancelling and
 * failures mean is the same as where a task's function runs.
 */

import { shown } from "../attempt.ts";
import { CancelledError, TimeoutError } from "../errors.ts";
import type { AskReason, ItemFailure, Report } from "../lane.ts";
import type { BatchHost, LaneRun, RunnableBatch } from "../run_batch.ts";
import { type KernelItem, titleOf } from "../task.ts";
import { DISPATCH_MS, ENDED_EARLY, type KernelProgram } from "./kernel_program.ts";

const now = performance.now.bind(performance);

/** How many words there is room for at first; it grows. */
const FIRST_WORDS = 1 << 16;
/** The clock is read after so many pieces: reading it costs more than writing a small one. */
const READ_AFTER = 64;

export type Program = Pick<KernelProgram, "kernel" | "group" | "isEnough" | "run">;

interface OpenItem {
  readonly offset: number;
  readonly item: KernelItem<unknown>;
  /** When its first pieces went to the GPU; NaN before. */
  sinceMs: number;
  /** How many of its pieces did. */
  sent: number;
  /** Whether it shares no group of invocations with others, as it is computed once more. */
  readonly apart: boolean;
}

/** Pieces of an item that are computed together with others. */
interface Part {
  readonly of: OpenItem;
  readonly from: number;
  readonly to: number;
  /** Where the first of them is among all pieces. */
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
  isCalling = false;
  #cancelled = false;
  #cancelReason: unknown;
  #nextOffset = 0;
  /** The item of which pieces are still to come. */
  #open: OpenItem | undefined;
  /** What is computed once more: the driver ended its loops, perhaps for another's in its group. */
  readonly #again: OpenItem[] = [];
  /** The items that ended, from the first that was not reported on. */
  readonly #ends: End[] = [];
  #from = 0;
  #fromMs = 0;

  /** @param onFault Told that the GPU fails, so that nothing can be reported any more. */
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
   * Opens items and writes their pieces, until they are enough or there are no more, and for as long as
   * a dispatch takes: deadlines don't come through meanwhile.
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

  /** The item whose pieces are to be written next; undefined if there are no more. */
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

  /** Computes pieces, and ends the items whose last ones they are. */
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

  /** Takes the words of some of an item's pieces, and ends it if they are the last, or will be. */
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
      // What had ended when the others were stopped wasn't late.
      if (isWhole && (isStopped || !this.#isLate(of))) this.#end(of, { value: of.item.result() });
    });
    if (!isRead || this.#hasEnded(of)) return;
    if (this.#isLate(of)) this.#stop(of, "timed-out");
    else if (undone === 0) return;
    else if (isStopped) this.#stop(of, "cancelled");
    else if (undone === ENDED_EARLY && !of.apart) {
      // Once more.
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

  /** Does what the kernel itself does of an item: if it throws, the item has failed. */
  #attempt(of: Pick<OpenItem, "offset" | "sinceMs">, action: () => void): boolean {
    this.#note(of, 1);
    this.isCalling = true;
    try {
      action();
      return true;
    } catch (reason) {
      this.#end(of, { ended: "failed", reason });
      return false;
    } finally {
      this.isCalling = false;
    }
  }

  /** Notes which item is worked on, for whoever finds out what ended the lane, or held it up. */
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
    // Of deadlines it knows by itself.
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

/** What a kernel's `open` gave, if it is an item's pieces. */
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
