/**
 * Answers the test site's requests: a function from request to response, without a server.
 *
 * | address | answer |
 * |---|---|
 * | `/` | what there is |
 * | `/page/<n>` | page n, after the latency; fails if its address was drawn for a fault |
 * | `/slow/<ms>` | page 1, after so many milliseconds |
 * | `/fault/<kind>` | fails in this way, whatever the share of faults; kinds are in faults.ts |
 * | `/fault/status/<code>` | an answer of this status |
 * | `/fault/retry-after/<seconds>` | 429 with this Retry-After |
 * | `/_stats` | the site's own load, as JSON; `?restart=1` begins counting anew |
 *
 * @module
 */

import { chance } from "./chance.ts";
import type { Counters } from "./counters.ts";
import { chooseFault, fail, type Fault, FAULTS } from "./faults.ts";
import type { SiteOptions } from "./options.ts";
import { page } from "./pages.ts";

/** What the handler needs. */
export interface HandlerParts {
  /** How the site is to behave. */
  readonly options: Required<SiteOptions>;
  /** Counts the requests. */
  readonly counters: Counters;
  /** Where connections are treated as no HTTP server can: the raw listener's address. */
  readonly rawUrl: string;
  /** Waits. */
  readonly wait: (ms: number) => Promise<void>;
}

const LONGEST_WAIT_MS = 2 ** 31 - 1;
const HTML = { "content-type": "text/html; charset=us-ascii" };

const INDEX = `The test site of Lanes.

/page/<n>                     page n, after the latency
/slow/<ms>                    a page after so many milliseconds
/fault/<kind>                 ${FAULTS.join(", ")}
/fault/status/<code>          an answer of this status
/fault/retry-after/<seconds>  429 with this Retry-After
/_stats                       the site's own load (?restart=1 begins counting anew)
`;

function whole(text: string | undefined, least: number, greatest: number): number | undefined {
  const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= greatest ? value : undefined;
}

function notFound(path: string): Response {
  return new Response(`There is no ${JSON.stringify(path)} here.\n\n${INDEX}`, { status: 404 });
}

/**
 * Makes the test site's handler.
 *
 * @param parts How it is to behave, and what it needs.
 * @returns The handler, for `Deno.serve` or to be called directly.
 *
 * @example
 * ```ts
 * import { Counters } from "./counters.ts";
 * import { siteHandler } from "./handler.ts";
 * import { SITE_DEFAULTS } from "./options.ts";
 *
 * const handle = siteHandler({
 *   options: { ...SITE_DEFAULTS, latencyMs: 0 },
 *   counters: new Counters({ wallMs: () => 0, cpuMs: () => 0 }),
 *   rawUrl: "http://127.0.0.1:2",
 *   wait: () => Promise.resolve(),
 * });
 * console.log((await handle(new Request("http://127.0.0.1/page/1"))).status); // 200
 * ```
 */
export function siteHandler(parts: HandlerParts): (request: Request) => Promise<Response> {
  const { options, counters, rawUrl, wait } = parts;
  const pages = new Map<number, Uint8Array<ArrayBuffer>>();

  function pageOf(number: number): Uint8Array<ArrayBuffer> {
    const known = pages.get(number) ?? page(number, options.pageBytes);
    // The article has two pages; a client that asks for thousands is not to fill the memory.
    if (pages.size < 16) pages.set(number, known);
    return known;
  }

  function failed(fault: Fault, number: number, retryAfterSeconds?: number): Response {
    counters.fault();
    return fail(fault, { page: pageOf(number), rawUrl, retryAfterSeconds });
  }

  async function latency(address: string): Promise<void> {
    const ms = options.latencyMs + options.jitterMs * chance(options.seed, `jitter ${address}`);
    if (ms > 0) await wait(ms);
  }

  async function route(url: URL, request: Request): Promise<Response> {
    const [, first, second, third] = url.pathname.split("/");
    const address = url.pathname + url.search;
    if (url.pathname === "/") return new Response(INDEX);
    if (first === "page") {
      const number = whole(second, 1, Number.MAX_SAFE_INTEGER);
      if (number === undefined || third !== undefined) return notFound(url.pathname);
      await latency(address);
      const attempt = whole(request.headers.get("x-attempt") ?? "1", 1, 1_000_000) ?? 1;
      const fault = chooseFault(options.seed, address, attempt, options.faultShare);
      return fault === undefined
        ? new Response(pageOf(number), { headers: HTML })
        : failed(fault, number);
    }
    if (first === "slow") {
      const ms = whole(second, 0, LONGEST_WAIT_MS);
      if (ms === undefined) return notFound(url.pathname);
      await wait(ms);
      return new Response(pageOf(1), { headers: HTML });
    }
    if (first === "fault") {
      await latency(address);
      const status = second === "status" ? whole(third, 200, 599) : undefined;
      if (status !== undefined) {
        counters.fault();
        const empty = status === 204 || status === 205 || status === 304;
        return new Response(empty ? null : `status ${status}, on purpose\n`, { status });
      }
      const seconds = second === "retry-after" ? whole(third, 0, 1_000_000) : undefined;
      const fault = FAULTS.find((kind) => kind === second);
      if (fault !== undefined && (third === undefined || seconds !== undefined)) {
        return failed(fault, 1, seconds);
      }
    }
    return notFound(url.pathname);
  }

  return async (request) => {
    const url = new URL(request.url);
    // The site's own figures are neither delayed nor counted.
    if (url.pathname === "/_stats") {
      const stats = counters.stats();
      if (url.searchParams.get("restart") === "1") counters.restart();
      return Response.json(stats);
    }
    const ended = counters.begin();
    try {
      return await route(url, request);
    } finally {
      ended();
    }
  };
}
