/**
 * How the test site is to behave. Plain data, so that it can be sent to the site's own process.
 *
 * @module
 */

/** How the test site is to behave. */
export interface SiteOptions {
  /** The port to listen on; 0, the default, for any free one. */
  readonly port?: number;
  /** How long each page takes before its headers, in milliseconds; default 20. */
  readonly latencyMs?: number;
  /** How much longer at most, drawn evenly for each address, in milliseconds; default 0. */
  readonly jitterMs?: number;
  /** The length of each page, in bytes; default 10,000. */
  readonly pageBytes?: number;
  /** The share of addresses that fail, 0 to 1; default 0. */
  readonly faultShare?: number;
  /** Chooses which addresses fail and how, and the jitter; default 1. */
  readonly seed?: number;
}

/** How the test site behaves where it isn't told. */
export const SITE_DEFAULTS: Required<SiteOptions> = {
  port: 0,
  latencyMs: 20,
  jitterMs: 0,
  pageBytes: 10_000,
  faultShare: 0,
  seed: 1,
};

/** The greatest length of a page, in bytes. */
export const PAGE_BYTES_LIMIT = 64 * 1024 * 1024;
