/**
 * The ways in which the test site fails on purpose, each as real servers and networks do.
 *
 * @module
 */

import { chance } from "./chance.ts";

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
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Where connections are cut without an answer: a listener that knows no HTTP. */
  readonly cutUrl: string;
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

function gone(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A body that begins, and then keeps its reader waiting until it leaves. */
function stalledBody(page: Uint8Array<ArrayBuffer>, signal: AbortSignal): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(page.subarray(0, Math.ceil(page.length / 2))),
    // An error, not a close: a closed body would be a whole one.
    pull: async (controller) => {
      await gone(signal);
      controller.error(new DOMException("the client has gone", "AbortError"));
    },
  });
}

/** A body that comes byte by byte: always alive, never done in time. */
function drippingBody(page: Uint8Array<ArrayBuffer>, signal: AbortSignal): ReadableStream {
  let at = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => clearTimeout(timer);
  signal.addEventListener("abort", stop, { once: true });
  return new ReadableStream({
    pull: (controller) =>
      new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          if (at < page.length) controller.enqueue(page.subarray(at, ++at));
          if (at >= page.length) controller.close();
          resolve();
        }, DRIP_MS);
      }),
    cancel: stop,
  });
}

/**
 * Fails in the way asked for.
 *
 * @param fault The way.
 * @param context The page, the client's signal, and where connections are cut.
 * @returns The answer, or half of one; never settles for a stall before the client has gone.
 *
 * @example
 * ```ts
 * import { fail } from "./faults.ts";
 *
 * const answer = await fail("status-500", {
 *   page: new Uint8Array(),
 *   signal: new AbortController().signal,
 *   cutUrl: "http://127.0.0.1:2/",
 * });
 * console.log(answer.status); // 500
 * ```
 */
export async function fail(fault: Fault, context: FaultContext): Promise<Response> {
  const { page, signal, cutUrl, retryAfterSeconds = 1 } = context;
  switch (fault) {
    case "status-500":
      return new Response("failed on purpose\n", { status: 500 });
    case "retry-after":
      return new Response("too many requests, said on purpose\n", {
        status: 429,
        headers: { "retry-after": String(retryAfterSeconds) },
      });
    case "reset":
      // Deno.serve can't cut a connection without an answer, so the client is sent to what can.
      return new Response(null, { status: 307, headers: { location: cutUrl } });
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
    case "stall-headers":
      await gone(signal);
      return new Response(null, { status: 503 });
    case "stall-body":
      return new Response(stalledBody(page, signal));
    case "drip":
      return new Response(drippingBody(page, signal));
  }
}
