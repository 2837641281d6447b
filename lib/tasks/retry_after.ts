/** Reads the header Retry-After (RFC 9110, section 10.2.3): seconds, or a date. */

const SECONDS = /^\d+$/;
/** The longest wait that timers can be set to; a server that asks for more gets this. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * How long a server asked to wait, in milliseconds: 0 for a date that has passed, undefined if the header
 * says nothing that can be understood. Waiting longer is allowed, shorter is not.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (SECONDS.test(text)) return Math.min(Number(text) * 1_000, LONGEST_MS);
  // Date.parse takes much that is no date of HTTP, such as "1.5": those begin with a weekday.
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(date)) return undefined;
  return Math.min(Math.max(0, date - nowMs), LONGEST_MS);
}
