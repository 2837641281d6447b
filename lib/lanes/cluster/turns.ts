/**
 * The turns of lanes on one machine: only a limited number of lanes run tasks at a time, and if several jobs
 * want more, they alternate.
 */

export class Turns<Lane extends object> {
  /** Lanes whose turn it is, until no task of theirs runs. */
  readonly #active = new Set<Lane>();
  /** Waiting lanes by job, in order of arrival, each with the function that begins its turn. */
  readonly #waiting = new Map<string, Map<Lane, () => void>>();
  /** Jobs that had to wait, the one whose last turn is longest ago first. */
  readonly #served = new Set<string>();

  constructor(private readonly most: number) {}

  get active(): number {
    return this.#active.size;
  }

  /**
   * Calls `begin` when the lane's turn comes: at once if no other lane waits and there is room or it already is
   * the lane's turn.
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

  /** Removes a lane that has ended: it neither runs nor waits. */
  remove(job: string, lane: Lane): void {
    this.#forget(job, lane);
    this.leave(lane);
  }

  /** Ends a lane's turn because none of its tasks runs, and begins the next ones. */
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
