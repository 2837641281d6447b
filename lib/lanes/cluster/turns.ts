/**
 * Whose tasks a machine runs: at most so many of its lanes have something to do at a time, and where
 * several jobs want more than that, they take turns.
 */

export class Turns<Lane extends object> {
  /** How many batches each lane with a turn has in flight. */
  readonly #active = new Map<Lane, number>();
  /** The batches that wait, by their jobs and lanes, in the order in which these came. */
  readonly #waiting = new Map<string, Map<Lane, (() => void)[]>>();
  /** Jobs that had to wait, the one whose turn is the longest ago first. */
  readonly #served = new Set<string>();

  constructor(private readonly most: number) {}

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
    const lanes = this.#waiting.getOrInsertComputed(job, () => new Map());
    lanes.getOrInsert(lane, []).push(start);
    this.#served.add(job);
  }

  leave(lane: Lane): void {
    const count = this.#active.get(lane);
    if (count === undefined) return;
    if (count > 1) this.#active.set(lane, count - 1);
    else this.#end(lane);
  }

  /** A lane is gone: nothing of it runs or waits. */
  remove(job: string, lane: Lane): void {
    this.#forget(job, lane);
    this.#end(lane);
  }

  #end(lane: Lane): void {
    this.#active.delete(lane);
    while (this.#active.size < this.most) {
      const job = [...this.#served].find((job) => this.#waiting.has(job));
      if (job === undefined) return this.#served.clear();
      const [next] = this.#waiting.get(job)!;
      const [lane, starts] = next!;
      this.#forget(job, lane);
      this.#served.delete(job);
      this.#served.add(job);
      this.#active.set(lane, (this.#active.get(lane) ?? 0) + starts.length);
      for (const start of starts) start();
    }
  }

  #forget(job: string, lane: Lane): void {
    const lanes = this.#waiting.get(job);
    if (lanes?.delete(lane) && lanes.size === 0) this.#waiting.delete(job);
  }
}
