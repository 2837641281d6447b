/** Reads the HTTP status and the requested wait from a thrown value. It imports no npm package. */

import { attempt, propertyOf, withCauses } from "../lanes/attempt.ts";

export interface HttpSigns {
  readonly status?: number;
  /** How long the server asked to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Whether it asked for fewer requests in words, or by its error's name. */
  readonly saysLimit?: boolean;
}

// Saved before a program can replace it, as tests do.
const { now } = Date;

/** Too Many Requests, Service Unavailable, and the unofficial Bandwidth Limit Exceeded of hosts and proxies. */
const REFUSALS: readonly number[] = [429, 503, 509];
const LEAST_FAULT = 400;
/** Signs of a refusal whatever the status: messages, also of gRPC, and error names of AWS clients. */
const SAID = /too many requests|(?<![a-z])(?:rate.?limit|resource[ _]exhausted)/i;
/** Messages that tell one beside a status that can mean something else, such as GitHub's 403. */
const SAID_OF_FAULT = /throttl|quota.*\bper (?:second|minute)/i;
const NAMED =
  /^(?:Throttl|TooManyRequests|RequestLimitExceeded|ProvisionedThroughputExceeded|SlowDown)/;

const DECIMAL = /^\d+(\.\d+)?$/;
/** The longest wait that timers can have, in milliseconds; longer requested waits are cut to it. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * How long a server asked to wait by the header Retry-After (RFC 9110, section 10.2.3: seconds, or a date), in
 * milliseconds: 0 for a past date, undefined if the header can't be understood. Waiting longer is allowed,
 * shorter is not.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  // Some servers send decimals, which the specification doesn't allow.
  if (DECIMAL.test(text)) return Math.min(Math.ceil(Number(text) * 1_000), LONGEST_MS);
  // Date.parse accepts much that is no HTTP date, such as "1.5"; HTTP dates begin with a weekday.
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(date)) return undefined;
  return Math.min(Math.max(0, date - nowMs), LONGEST_MS);
}

function isA<T>(value: unknown, type: abstract new (...of: never[]) => T): value is T {
  return attempt(() => value instanceof type, false);
}

/** A smaller `code` is the exit code of a program, as `node:child_process` reports it. */
const LEAST_CODE = 300;

function statusIn(value: unknown): number | undefined {
  for (const name of ["status", "statusCode", "code"]) {
    const found = propertyOf(value, name);
    const least = name === "code" ? LEAST_CODE : 100;
    if (typeof found === "number" && found >= least && found < 600) return found;
    const words = typeof found === "string" ? /^(?:HTTP[ _]?)?([1-5]\d\d)$/i.exec(found) : null;
    if (words !== null) return Number(words[1]);
  }
  const message = propertyOf(value, "message") ?? value;
  if (typeof message !== "string") return undefined;
  const named = /(?:\b(?:HTTP|status|code)\b\D{0,8}|^)(429|503|509)\b/i.exec(message);
  return named === null ? undefined : Number(named[1]);
}

/** Whether words or a name say that there were too many requests. */
function saysLimit(value: unknown, isFault: boolean): boolean {
  const [message, name] = [propertyOf(value, "message") ?? value, propertyOf(value, "name")];
  return typeof name === "string" && NAMED.test(name) ||
    typeof message === "string" &&
      (SAID.test(message) || isFault && SAID_OF_FAULT.test(message));
}

function waitIn(value: unknown): number | undefined {
  const asked = propertyOf(value, "retryAfterMs");
  if (typeof asked === "number" && asked >= 0) return asked;
  const header = headersOf(value);
  const nowMs = now();
  // OpenAI's and other services' own clients read this header first; it is in milliseconds.
  const exact = header("retry-after-ms");
  return exact !== null && DECIMAL.test(exact)
    ? Math.min(Math.ceil(Number(exact)), LONGEST_MS)
    : retryAfterMs(header("retry-after"), nowMs) ?? untilReset(header, nowMs, statusIn(value));
}

type Header = (name: string) => string | null;

/** Returns a reader for a value's headers: a `Headers` object, or a plain one with names in any case. */
function headersOf(value: unknown): Header {
  const headers = propertyOf(value, "headers");
  if (isA(headers, Headers)) return (name) => headers.get(name);
  const names = attempt(() => Object.keys(Object(headers)), []);
  return (name) => {
    const found = propertyOf(headers, names.find((of) => of.toLowerCase() === name) ?? name);
    return typeof found === "string" || typeof found === "number" ? String(found) : null;
  };
}

/** From the first number on it is a date in seconds, from the second on a date in milliseconds. */
const FROM_DATES = 1e9;
const FROM_MILLISECONDS = 1e12;

/**
 * How long until a used-up quota is renewed, in milliseconds: from `RateLimit-Remaining: 0` with
 * `RateLimit-Reset` (draft-ietf-httpapi-ratelimit-headers: seconds), or from the `X-` headers of GitHub and
 * others, whose reset is a date in seconds.
 */
function untilReset(header: Header, nowMs: number, status = 0): number | undefined {
  for (const prefix of ["ratelimit", "x-ratelimit", "x-rate-limit"]) {
    const reset = header(`${prefix}-reset`)?.trim() ?? "";
    const remaining = header(`${prefix}-remaining`)?.trim();
    const isUsedUp = remaining === "0" || (remaining === undefined && REFUSALS.includes(status));
    if (!isUsedUp || !DECIMAL.test(reset)) continue;
    const told = Number(reset);
    const ms = told < FROM_DATES
      ? told * 1000
      : (told < FROM_MILLISECONDS ? told * 1000 : told) - nowMs;
    return Math.min(Math.max(0, Math.ceil(ms)), LONGEST_MS);
  }
  return undefined;
}

function* placesOf(thrown: unknown, further: readonly string[] = []): Generator<unknown> {
  for (const at of withCauses(thrown)) {
    yield at;
    for (const name of ["response", ...further]) yield propertyOf(at, name);
  }
}

/** The host that a thrown value's response or request names; undefined if there is none. */
export function hostSaid(thrown: unknown): string | undefined {
  for (const place of placesOf(thrown, ["request", "config", "options"])) {
    const url = propertyOf(place, "url");
    const host = typeof url === "string" || isA(url, URL) ? URL.parse(url)?.host : undefined;
    if (host) return host;
  }
  return undefined;
}

/** The status and wait found on the value itself, on its `response`, or on one of its causes. */
export function httpSigns(thrown: unknown): HttpSigns {
  let [status, wait]: (number | undefined)[] = [];
  const places = [...placesOf(thrown)];
  for (const place of places) {
    status ??= statusIn(place);
    wait ??= waitIn(place);
  }
  const isFault = status !== undefined && status >= LEAST_FAULT;
  const isSaid = (isFault || status === undefined) &&
    places.some((place) => saysLimit(place, isFault));
  return {
    ...(status !== undefined && { status }),
    ...(wait !== undefined && { retryAfterMs: wait }),
    ...(isSaid && { saysLimit: true }),
  };
}

/** Whether a server asked for fewer requests. */
export function isRefusal({ status = 0, retryAfterMs, saysLimit = false }: HttpSigns): boolean {
  return retryAfterMs !== undefined || saysLimit || REFUSALS.includes(status);
}

/** Whether a thrown value means that a server asked for fewer requests. */
export function refuses(thrown: unknown): boolean {
  return isRefusal(httpSigns(thrown));
}
