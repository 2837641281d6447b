/**
 * Whose tasks a machine runs: at most so many of its lanes have something to do at a time, and where
 * several jobs want more than that, they take turns.
 */

export class Turns<Lane extends object> {
  /** Lanes that have their turn: until nothing of them runs. */
  readonly #active = new Set<Lane>();
  /** Those that wait, by their jobs, in the order in which they came, and what begins their turns. */
  readonly #waiting = new Map<string, Map<Lane, () => void>>();
  /** Jobs that had to wait, the one whose turn is the longest ago first. */
  readonly #served = new Set<string>();

  constructor(private readonly most: number) {}

  get active(): number {
    return this.#active.size;
  }

  /**
   * Has a lane start what waits there when its turn comes: at once if there is room, or it has its turn and
   * nobody waits.
   */
  enter(job: string, lane: Lane, begin: () => void): void {
    const mayBegin = this.#active.has(lane) || this.#active.size < this.most;
    if (this.#waiting.size === 0 && mayBegin) {
      this.#active.add(lane);
      return begin();
    }
    this.#waiting.getOrInsertComputed(job, () => new Map()).set(lane, begin);
    this.#served.add(job);
  }

  /** A lane is gone: nothing of it runs or waits. */
  remove(job: string, lane: Lane): void {
    this.#forget(job, lane);
    this.leave(lane);
  }

  /** Nothing of a lane runs any more. */
  leave(lane: Lane): void {
    this.#active.delete(lane);
    while (this.#active.size < this.most) {
      const job = [...this.#served].find((job) => this.#waiting.has(job));
      if (job === undefined) return this.#served.clear();
      const [next] = this.#waiting.get(job)!;
      const [lane, begin] = next!;
      this.#forget(job, lane);
      this.#served.delete(job);
      this.#served.add(job);
      this.#active.add(lane);
      begin();
    }
  }

  #forget(job: string, lane: Lane): void {
    const lanes = this.#waiting.get(job);
    if (lanes?.delete(lane) && lanes.size === 0) this.#waiting.delete(job);
  }
}
