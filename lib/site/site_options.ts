/** The test site's options as plain data, and how long to wait for its pages. */

export interface SiteOptions {
  readonly port?: number;
  /** How long each page waits before its headers, in milliseconds; default 20. */
  readonly latencyMs?: number;
  /** The most that is added to `latencyMs`, drawn evenly for each address, in milliseconds; default 0. */
  readonly jitterMs?: number;
  /** The length of each page, in bytes; default 10,000. */
  readonly pageBytes?: number;
  /** The share of addresses that fail, 0 to 1; default 0. */
  readonly faultShare?: number;
  /** Chooses which addresses fail and how, and the jitter; default 1. */
  readonly seed?: number;
}

export const SITE_DEFAULTS: Required<SiteOptions> = {
  port: 0,
  latencyMs: 20,
  jitterMs: 0,
  pageBytes: 10_000,
  faultShare: 0,
  seed: 1,
};

/** The allowed lengths of the test site's pages, in bytes; a number without a unit is bytes. */
export const PAGE_SIZES = { min: 1, max: 64 * 1024 * 1024, plain: true } as const;

/** How long to wait for a page of a server that is expected to answer, in milliseconds. */
export const PAGE_TIMEOUT_MS = 10_000;

/** How many times its latency a healthy page may take. */
const LATENCIES = 8;
/** How much a busy machine may add to that, in milliseconds. */
const BUSY_MS = 250;
/** How much each page requested at once adds at most, in milliseconds. */
const PAGE_COST_MS = 0.5;
/** How many bytes of pages the machine transfers in a millisecond at least. */
const BYTES_A_MS = 50_000;

/**
 * How long to wait for a page of the test site, in milliseconds. A page that stalls on purpose always
 * takes the whole timeout, so if pages may fail it is only as long as a healthy page may take on a busy
 * machine. `latencyMs` is a page's greatest latency, `pages` how many may be requested at once.
 */
export function pageTimeoutMs(
  { latencyMs, pages, pageBytes, faultShare }:
    & Pick<Required<SiteOptions>, "latencyMs" | "pageBytes" | "faultShare">
    & { readonly pages: number },
): number {
  if (faultShare === 0) return PAGE_TIMEOUT_MS;
  const allMs = pages * (PAGE_COST_MS + pageBytes / BYTES_A_MS);
  return Math.min(PAGE_TIMEOUT_MS, Math.ceil(BUSY_MS + LATENCIES * latencyMs + allMs));
}
