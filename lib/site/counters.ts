/**
 * What the test site knows of its own load, so that a run in which the site was the bottleneck can
 * be marked so.
 *
 * @module
 */

/** The site's load since it started, or since its counters were last restarted. */
export interface SiteStats {
  /** Requests that came. */
  readonly requests: number;
  /** Of these, the ones that the site failed on purpose. */
  readonly faults: number;
  /** Requests being answered now. */
  readonly inFlight: number;
  /** The most that were being answered at once. */
  readonly inFlightPeak: number;
  /** CPU time of the site's process, in milliseconds. */
  readonly cpuMs: number;
  /** Time by the clock, in milliseconds. */
  readonly wallMs: number;
  /** CPU time over time by the clock; near 1, the site's one event loop was the limit. */
  readonly busyShare: number;
}

/** The clocks that the counters read. */
export interface CounterClocks {
  /** Milliseconds by the clock, from any beginning. */
  readonly wallMs: () => number;
  /** The process's CPU time, in milliseconds. */
  readonly cpuMs: () => number;
}

/**
 * Counts requests.
 *
 * @example
 * ```ts
 * import { Counters } from "./counters.ts";
 *
 * const counters = new Counters({ wallMs: () => 0, cpuMs: () => 0 });
 * const ended = counters.begin();
 * ended();
 * console.log(counters.stats().inFlightPeak); // 1
 * ```
 */
export class Counters {
  #clocks: CounterClocks;
  #requests = 0;
  #faults = 0;
  #inFlight = 0;
  #inFlightPeak = 0;
  #wallStartMs: number;
  #cpuStartMs: number;

  /**
   * Starts counting.
   *
   * @param clocks What tells the time.
   */
  constructor(clocks: CounterClocks) {
    this.#clocks = clocks;
    this.#wallStartMs = clocks.wallMs();
    this.#cpuStartMs = clocks.cpuMs();
  }

  /**
   * Counts a request that came.
   *
   * @returns To be called when its answer has gone; further calls do nothing.
   */
  begin(): () => void {
    this.#requests++;
    this.#inFlight++;
    this.#inFlightPeak = Math.max(this.#inFlightPeak, this.#inFlight);
    let ended = false;
    return () => {
      if (!ended) this.#inFlight--;
      ended = true;
    };
  }

  /** Counts a fault made on purpose. */
  fault(): void {
    this.#faults++;
  }

  /**
   * Tells the load until now.
   *
   * @returns The figures.
   */
  stats(): SiteStats {
    const cpuMs = this.#clocks.cpuMs() - this.#cpuStartMs;
    const wallMs = this.#clocks.wallMs() - this.#wallStartMs;
    return {
      requests: this.#requests,
      faults: this.#faults,
      inFlight: this.#inFlight,
      inFlightPeak: this.#inFlightPeak,
      cpuMs,
      wallMs,
      busyShare: wallMs > 0 ? cpuMs / wallMs : 0,
    };
  }

  /** Begins anew; what is being answered now goes on being counted. */
  restart(): void {
    this.#requests = 0;
    this.#faults = 0;
    this.#inFlightPeak = this.#inFlight;
    this.#wallStartMs = this.#clocks.wallMs();
    this.#cpuStartMs = this.#clocks.cpuMs();
  }
}
