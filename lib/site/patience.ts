/**
 * How long to wait for one of the test site's pages. Of one that fails on purpose by keeping its
 * client waiting, everyone waits so long; so it is what a healthy page may take on a busy machine,
 * and no more.
 *
 * @module
 */

/** How long to wait for a page of a server that is expected to answer, in milliseconds. */
export const PATIENCE_MS = 10_000;

/** How many times its latency a healthy page may take. */
const LATENCIES = 8;
/** What each page costs this machine at most, when all are asked for at once, in milliseconds. */
const PAGE_COST_MS = 1;

/** What decides how long a page takes. */
export interface Expected {
  /** What each page takes at the site at most, in milliseconds. */
  readonly latencyMs: number;
  /** How many may be asked for at once. */
  readonly pages: number;
  /** The share of them that fails. */
  readonly faultShare: number;
}

/** How long to wait, in milliseconds: shorter where pages fail on purpose, as stalls last as long. */
export function patienceMs({ latencyMs, pages, faultShare }: Expected): number {
  if (faultShare === 0) return PATIENCE_MS;
  return Math.min(PATIENCE_MS, Math.ceil(LATENCIES * latencyMs + PAGE_COST_MS * pages));
}
