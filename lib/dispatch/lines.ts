/**
 * A run's batches that wait to be sent: in one line, or in a line for each key that has a limit of its
 * own. A line whose limit is reached holds up no other.
 */

import type { Batch, Key } from "./batch.ts";
import { Limit, type LimitOptions, type Rate } from "./limit.ts";

/** A limit for each key of a run's items, such as the host that an item asks. */
export interface PerKey<Item = unknown> {
  /** Whom an item counts for; undefined for nobody. It is called once for each item, when that is pulled. */
  readonly key: (item: Item) => Key | undefined;
  /** Tasks of one key in flight at most, on all lanes together; any number unless given. */
  readonly slots?: number;
  /** How many tasks of one key may start in a time; any number unless given. */
  readonly rate?: Rate;
}

/** What waits for one key. */
class Line {
  readonly limit: Limit;
  /** What came back, the latest first; it goes before what was never sent. */
  readonly returned: Batch[] = [];
  readonly fresh: Batch[] = [];

  constructor(limit: LimitOptions, onFree: (line: Line) => void) {
    this.limit = new Limit(limit, () => onFree(this));
  }

  get first(): Batch | undefined {
    return this.returned.at(-1) ?? this.fresh[0];
  }
}

/** Whenever one key becomes idle, so many that are idle are looked at, whether they can be forgotten. */
const LOOKED_AT = 3;

/** The lines of one run. */
export class Lines {
  /** Whether a batch with a key ever waited. */
  hasKeys = false;
  /** How many batches wait, and how many of them were never sent. */
  waiting = 0;
  fresh = 0;
  readonly #limit: LimitOptions;
  readonly #onMore: () => void;
  readonly #lines = new Map<Key | undefined, Line>();
  /** Those that may have something to send, in the order of their turns. */
  readonly #ready = new Set<Line>();
  /** Keys of which nothing waits or runs, and which are remembered for a rate or a pause. */
  readonly #idle = new Set<Key>();

  /** @param onMore Told when something may be sent that had to wait. */
  constructor(limit: LimitOptions, onMore: () => void) {
    this.#limit = limit;
    this.#onMore = onMore;
  }

  /** How many keys are remembered. */
  get keys(): number {
    return this.#lines.size;
  }

  /** What is sent next; undefined if nothing waits that may start now. */
  get next(): Batch | undefined {
    return this.#first()?.first;
  }

  #first(): Line | undefined {
    if (this.waiting === 0) return undefined;
    for (const line of this.#ready) {
      if (line.first !== undefined && line.limit.allows()) return line;
      this.#ready.delete(line);
    }
    return undefined;
  }

  /** Takes it. */
  take(): Batch | undefined {
    const line = this.#first();
    if (line === undefined) return undefined;
    // The others have their turn.
    this.#ready.delete(line);
    this.#ready.add(line);
    this.waiting--;
    if (line.returned.length === 0) this.fresh--;
    return line.returned.pop() ?? line.fresh.shift();
  }

  /** Takes a batch that was never sent: it goes behind all others of its key. */
  add(batch: Batch): void {
    this.fresh++;
    this.#wait(batch, "fresh");
  }

  /** Takes a batch back: it goes before all others of its key. */
  putBack(batch: Batch): void {
    this.#wait(batch, "returned");
  }

  #wait(batch: Batch, where: "fresh" | "returned"): void {
    const line = this.#lineOf(batch.key);
    line[where].push(batch);
    this.waiting++;
    this.#ready.add(line);
  }

  #lineOf(key: Key | undefined): Line {
    let line = this.#lines.get(key);
    if (line === undefined) {
      this.hasKeys ||= key !== undefined;
      line = new Line(key === undefined ? {} : this.#limit, (line) => {
        this.#ready.add(line);
        this.#onMore();
      });
      this.#lines.set(key, line);
    }
    if (key !== undefined) this.#idle.delete(key);
    return line;
  }

  /** The limit of a batch's key. */
  limitOf({ key }: Batch): Limit | undefined {
    return key === undefined ? undefined : this.#lineOf(key).limit;
  }

  /** A batch is with its lane no more. */
  leave(batch: Batch, startedAtMs: number): void {
    const { key } = batch;
    const line = key === undefined ? undefined : this.#lines.get(key);
    if (line === undefined) return;
    line.limit.leave(batch, startedAtMs);
    if (line.first !== undefined) this.#ready.add(line);
    else if (!line.limit.isBusy) this.#rest(key!);
  }

  /** Of a key nothing waits or runs: it is forgotten, now or once its rate and its pause allow it. */
  #rest(key: Key): void {
    const nowMs = performance.now();
    this.#idle.add(key);
    for (let looks = LOOKED_AT; looks > 0 && this.#idle.size > 0; looks--) {
      const [oldest] = this.#idle as Iterable<Key>;
      const { limit } = this.#lines.get(oldest!)!;
      this.#idle.delete(oldest!);
      if (limit.isIdle(nowMs)) this.#lines.delete(oldest!);
      else this.#idle.add(oldest!);
    }
  }

  /** Gives up every line; returns what waited. */
  drop(): Batch[] {
    const all = [...this.#lines.values()];
    for (const { limit } of all) limit.stop();
    this.#lines.clear();
    this.#ready.clear();
    this.#idle.clear();
    this.waiting = this.fresh = 0;
    return all.flatMap(({ returned, fresh }) => [...returned, ...fresh]);
  }
}
