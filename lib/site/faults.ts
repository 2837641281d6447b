/**
 * The ways in which the test site fails on purpose, each as real servers and networks do.
 *
 * @module
 */

import { chance } from "./chance.ts";
import { CUT, STALL } from "./raw.ts";

/** The ways in which the site can fail. */
export const FAULTS = [
  "status-500",
  "retry-after",
  "reset",
  "truncated",
  "stall-headers",
  "stall-body",
  "drip",
] as const;

/** A way in which the site can fail. */
export type Fault = typeof FAULTS[number];

/** Milliseconds between two bytes of a body that drips. */
export const DRIP_MS = 50;

/** What a fault needs to know. */
export interface FaultContext {
  /** The page that would have come. */
  readonly page: Uint8Array<ArrayBuffer>;
  /** The raw listener's address; clients are sent there for what no HTTP server can do. */
  readonly rawUrl: string;
  /** Seconds to tell in Retry-After; default 1. */
  readonly retryAfterSeconds?: number;
}

/**
 * Chooses whether a request fails, and how.
 *
 * @param seed Chooses the draw.
 * @param address The request's path and query.
 * @param attempt Which try this is, from 1, as the client told it; another try draws anew.
 * @param share The share of requests that fail, 0 to 1.
 * @returns The fault, or undefined for none; the same for the same seed, address and attempt.
 *
 * @example
 * ```ts
 * import { chooseFault } from "./faults.ts";
 *
 * console.log(chooseFault(1, "/page/1", 1, 0)); // undefined
 * ```
 */
export function chooseFault(
  seed: number,
  address: string,
  attempt: number,
  share: number,
): Fault | undefined {
  if (chance(seed, `fails ${attempt} ${address}`) >= share) return undefined;
  return FAULTS[Math.floor(chance(seed, `how ${attempt} ${address}`) * FAULTS.length)];
}

/** A body that begins, and then keeps its reader waiting until it leaves. */
function stalledBody(page: Uint8Array<ArrayBuffer>): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(page.subarray(0, Math.ceil(page.length / 2))),
  });
}

/** A body that comes byte by byte: always alive, never done in time. */
function drippingBody(page: Uint8Array<ArrayBuffer>): ReadableStream {
  let at = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    pull: (controller) =>
      new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          if (at < page.length) controller.enqueue(page.subarray(at, ++at));
          if (at >= page.length) controller.close();
          resolve();
        }, DRIP_MS);
      }),
    cancel: () => clearTimeout(timer),
  });
}

/**
 * Fails in the way asked for.
 *
 * @param fault The way.
 * @param context The page, and where connections are treated roughly.
 * @returns The answer, half of one, or the way to where there is none.
 *
 * @example
 * ```ts
 * import { fail } from "./faults.ts";
 *
 * const answer = fail("status-500", { page: new Uint8Array(), rawUrl: "http://127.0.0.1:2" });
 * console.log(answer.status); // 500
 * ```
 */
export function fail(fault: Fault, context: FaultContext): Response {
  const { page, rawUrl, retryAfterSeconds = 1 } = context;
  switch (fault) {
    case "status-500":
      return new Response("failed on purpose\n", { status: 500 });
    case "retry-after":
      return new Response("too many requests, said on purpose\n", {
        status: 429,
        headers: { "retry-after": String(retryAfterSeconds) },
      });
    case "reset":
      return new Response(null, { status: 307, headers: { location: `${rawUrl}${CUT}` } });
    case "stall-headers":
      return new Response(null, { status: 307, headers: { location: `${rawUrl}${STALL}` } });
    case "truncated":
      return new Response(
        new ReadableStream({
          start: (controller) => {
            controller.enqueue(page.subarray(0, Math.floor(page.length / 2)));
            controller.close();
          },
        }),
        { headers: { "content-length": String(Math.max(1, page.length)) } },
      );
    case "stall-body":
      return new Response(stalledBody(page));
    case "drip":
      return new Response(drippingBody(page));
  }
}
