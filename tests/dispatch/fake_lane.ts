/**
 * A lane that does nothing by itself: a test tells it, step by step, what happens on it. So counting,
 * ordering and blame are tested without threads, processes or time.
 *
 * @module
 */

import type {
  AskReason,
  Chunk,
  ChunkProgress,
  Failure,
  Forced,
  Lane,
  LaneEvents,
  Report,
} from "../../lib/lanes/lane.ts";

/** How one attempt at an item ends. */
export type Fate = "ok" | "fail" | "kill";

/** What the lanes of one pool share. */
export interface FakeWorld {
  /** How an attempt at an item ends. */
  fate(index: number, attempt: number): Fate;
  /** Whether lanes can tell which item of a chunk runs. */
  readonly tells: boolean;
  readonly remote: boolean;
  /** The lanes that live. */
  readonly lanes: Set<FakeLane>;
  /** Attempts that ended, in their order. */
  readonly ran: { index: number; attempt: number; alone: number }[];
}

/** The value of an item. */
export function valueOf(item: unknown): string {
  return `value of ${item}`;
}

interface Held {
  readonly chunk: Chunk;
  offset: number;
  reported: number;
  asked: boolean;
  readonly values: unknown[];
  readonly failures: Failure[];
}

/** A lane whose steps a test takes. */
export class FakeLane implements Lane {
  readonly ready: Promise<number> = Promise.resolve(0);
  readonly remote: boolean;
  readonly takesAhead = false;
  /** Chunks at most that were on it at the same time. */
  peak = 0;
  readonly #world: FakeWorld;
  readonly #events: LaneEvents;
  readonly #held = new Map<Chunk, Held>();
  #gone = false;

  constructor(world: FakeWorld, events: LaneEvents) {
    this.#world = world;
    this.remote = world.remote;
    this.#events = events;
    world.lanes.add(this);
  }

  /** How many chunks run on it. */
  get busy(): number {
    return this.#held.size;
  }

  accepts(): boolean {
    return true;
  }

  send(chunk: Chunk): void {
    if (this.#gone) throw new Error("a chunk was sent to a lane that is gone");
    if (this.#held.has(chunk)) throw new Error("a chunk was sent twice");
    this.#held.set(chunk, {
      chunk,
      offset: 0,
      reported: 0,
      asked: false,
      values: [],
      failures: [],
    });
    this.peak = Math.max(this.peak, this.#held.size);
  }

  /** Lets the next item of one of its chunks end. */
  step(choice: number, partly: boolean): void {
    const held = [...this.#held.values()][choice % this.#held.size]!;
    const { chunk } = held;
    if (held.asked) return this.#report(held, "end");
    const index = chunk.firstIndex + held.offset;
    const fate = this.#world.fate(index, chunk.attempt);
    if (fate === "kill") return this.#die();
    this.#world.ran.push({ index, attempt: chunk.attempt, alone: this.#held.size });
    const offset = held.offset - held.reported;
    held.values[offset] = fate === "ok" ? valueOf(chunk.items[held.offset]) : undefined;
    if (fate === "fail") {
      const reason = new Error(`item ${index}, attempt ${chunk.attempt}`);
      held.failures.push({ offset, ended: "failed", reason });
    }
    held.offset++;
    if (held.offset === chunk.items.length) this.#report(held, "end");
    else if (partly) this.#report(held, "more");
  }

  #report(held: Held, then: Report["then"]): void {
    const count = held.offset - held.reported;
    held.reported = held.offset;
    const report: Report = {
      count,
      values: held.values.splice(0),
      failures: held.failures.length > 0 ? held.failures.splice(0) : undefined,
      startedAtMs: 0,
      endedAtMs: 0,
      times: undefined,
      then,
    };
    if (then === "end") this.#held.delete(held.chunk);
    this.#events.report(held.chunk, report);
  }

  #die(): void {
    this.#gone = true;
    this.#world.lanes.delete(this);
    this.#events.died({ how: "was killed by its task", starting: false });
    this.#held.clear();
  }

  ask(chunk: Chunk, _why: AskReason): void {
    const held = this.#held.get(chunk);
    if (held !== undefined) held.asked = true;
  }

  progress(chunk: Chunk): ChunkProgress {
    const held = this.#held.get(chunk)!;
    if (!this.#world.tells) return { state: "unknown" };
    return { state: "running", offset: held.offset, sinceMs: 0 };
  }

  forget(chunk: Chunk): void {
    this.#held.delete(chunk);
  }

  force(chunk: Chunk): Forced {
    this.#held.delete(chunk);
    return { task: "abandoned", lane: "alive" };
  }

  usage(): Promise<{ cpuMs: undefined; peakRssBytes: undefined }> {
    return Promise.resolve({ cpuMs: undefined, peakRssBytes: undefined });
  }

  close(): Promise<void> {
    this.#gone = true;
    this.#world.lanes.delete(this);
    return Promise.resolve();
  }
}
