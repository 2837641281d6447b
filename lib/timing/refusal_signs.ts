/**
 * How a server says "not so fast": by what tasks throw. It imports no npm package: it runs in trials.
 *
 * @module
 */

import { retryAfterMs } from "../tasks/retry_after.ts";

/** What an error tells of an HTTP answer. */
export interface HttpSigns {
  /** The status, such as 429. */
  readonly status?: number;
  /** How long the server asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Too Many Requests, Service Unavailable. */
const REFUSALS: readonly number[] = [429, 503];
/** Chains of causes are followed so far. */
const MOST_CAUSES = 5;

function fieldOf(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

function statusIn(value: unknown): number | undefined {
  for (const name of ["status", "statusCode", "code"]) {
    const found = fieldOf(value, name);
    if (typeof found === "number" && found >= 100 && found < 600) return found;
    const words = typeof found === "string" ? /^(?:HTTP[ _]?)?([1-5]\d\d)$/i.exec(found) : null;
    if (words !== null) return Number(words[1]);
  }
  const message = fieldOf(value, "message") ?? value;
  if (typeof message !== "string") return undefined;
  const named = /(?:\b(?:HTTP|status|code)\b\D{0,8}|^)(429|503)\b/i.exec(message);
  if (named !== null) return Number(named[1]);
  return /too many requests|rate.?limit/i.test(message) ? 429 : undefined;
}

function waitIn(value: unknown): number | undefined {
  const asked = fieldOf(value, "retryAfterMs");
  if (typeof asked === "number" && asked >= 0) return asked;
  const headers = fieldOf(value, "headers");
  const header = headers instanceof Headers
    ? headers.get("retry-after")
    : fieldOf(headers, "retry-after") ?? fieldOf(headers, "Retry-After");
  return typeof header === "string" ? retryAfterMs(header, Date.now()) : undefined;
}

/**
 * What a thrown value tells of an HTTP answer: a status or a wait on itself, on its `response`, or on
 * one of its causes.
 */
export function httpSigns(thrown: unknown): HttpSigns {
  let [status, wait]: (number | undefined)[] = [];
  let at = thrown;
  for (let depth = 0; at !== undefined && at !== null && depth < MOST_CAUSES; depth++) {
    for (const place of [at, fieldOf(at, "response")]) {
      status ??= statusIn(place);
      wait ??= waitIn(place);
    }
    at = fieldOf(at, "cause");
  }
  return {
    ...(status !== undefined && { status }),
    ...(wait !== undefined && { retryAfterMs: wait }),
  };
}

/** Whether it was a server that asked for fewer requests. */
export function isRefusal({ status, retryAfterMs }: HttpSigns): boolean {
  return retryAfterMs !== undefined || (status !== undefined && REFUSALS.includes(status));
}

/** A pace is believed from so long on, in milliseconds, and from so many items. */
const LEAST_MS = 300;
const LEAST_ITEMS = 5;

/** Measures how many items a second a server lets through once it has begun to refuse some. */
export class PaceMeter {
  #firstMs: number | undefined;
  #lastMs = 0;
  #through = 0;
  #refused = 0;

  /** Counts an item; in the order in which they ended. */
  add(endedMs: number, refused: boolean): void {
    if (refused) this.#refused++;
    if (refused) this.#firstMs ??= endedMs;
    if (this.#firstMs === undefined) return;
    if (!refused) this.#through++;
    this.#lastMs = endedMs;
  }

  /** How many were refused. */
  get refused(): number {
    return this.#refused;
  }

  /** Items a second that went through after the first refusal; null if too few to tell. */
  get perSecond(): number | null {
    const spanMs = this.#lastMs - (this.#firstMs ?? 0);
    return this.#through < LEAST_ITEMS || spanMs < LEAST_MS ? null : 1000 * this.#through / spanMs;
  }
}
