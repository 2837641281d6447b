/**
 * Whose tasks a machine runs: at most so many of its lanes have something to do at a time, and where
 * several jobs want more than that, they take turns.
 */

/** A lane and what waits for it, in its order. */
interface Entry<Lane> {
  readonly lane: Lane;
  readonly starts: (() => void)[];
}

/** Turns of lanes, each of which belongs to a job. */
export class Turns<Lane extends object> {
  /** How many batches each lane with a turn has in flight. */
  readonly #active = new Map<Lane, number>();
  /** Jobs with the lanes of theirs that wait. */
  readonly #waiting = new Map<string, Entry<Lane>[]>();
  /** Jobs that had to wait, the one whose turn is the longest ago first. */
  readonly #served = new Set<string>();

  constructor(private readonly most: number) {}

  /** How many lanes have a turn. */
  get active(): number {
    return this.#active.size;
  }

  /** Starts a batch of a lane when its turn comes: at once if there is room, or it has one and nobody waits. */
  enter(job: string, lane: Lane, start: () => void): void {
    const count = this.#active.get(lane);
    if (this.#waiting.size === 0 && (count !== undefined || this.#active.size < this.most)) {
      this.#active.set(lane, (count ?? 0) + 1);
      return start();
    }
    const entries = this.#waiting.get(job) ?? [];
    const known = entries.find((entry) => entry.lane === lane);
    if (known === undefined) entries.push({ lane, starts: [start] });
    else known.starts.push(start);
    this.#waiting.set(job, entries);
    this.#served.add(job);
  }

  /** A batch of a lane has ended. */
  leave(lane: Lane): void {
    const count = this.#active.get(lane);
    if (count === undefined) return;
    if (count > 1) this.#active.set(lane, count - 1);
    else this.#end(lane);
  }

  /** A lane is gone: nothing of it runs or waits. */
  remove(job: string, lane: Lane): void {
    this.#keep(job, (this.#waiting.get(job) ?? []).filter((entry) => entry.lane !== lane));
    this.#end(lane);
  }

  #end(lane: Lane): void {
    this.#active.delete(lane);
    while (this.#active.size < this.most) {
      const job = [...this.#served].find((job) => this.#waiting.has(job));
      if (job === undefined) return this.#served.clear();
      const entries = this.#waiting.get(job)!;
      const { lane, starts } = entries.shift()!;
      this.#keep(job, entries);
      this.#served.delete(job);
      this.#served.add(job);
      this.#active.set(lane, (this.#active.get(lane) ?? 0) + starts.length);
      for (const start of starts) start();
    }
  }

  #keep(job: string, entries: Entry<Lane>[]): void {
    if (entries.length > 0) this.#waiting.set(job, entries);
    else this.#waiting.delete(job);
  }
}
