/** Answers and counts the test site's requests: a function from request to response, without a server. */

import { chance, chooseFault, fail, type Fault, FAULTS } from "./faults.ts";
import type { SiteOptions } from "./site_options.ts";

export interface SiteStats {
  readonly requests: number;
  readonly faults: number;
  readonly inFlight: number;
  /** The most requests in flight at once. */
  readonly inFlightPeak: number;
  readonly connections: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  /** CPU time over wall time; near 1 the site's single event loop was the limit. */
  readonly busyShare: number;
}

interface CounterClocks {
  readonly wallMs: () => number;
  readonly cpuMs: () => number;
}

export class Counters {
  readonly #clients = new Set<string>();
  readonly #counts = { requests: 0, faults: 0, inFlight: 0, inFlightPeak: 0 };
  #sinceMs = { wall: 0, cpu: 0 };

  constructor(private readonly clocks: CounterClocks) {
    this.restart();
  }

  /** Counts a request; returns a function to call once it is answered. */
  begin(client?: string): () => void {
    if (client !== undefined) this.#clients.add(client);
    const counts = this.#counts;
    counts.requests++;
    counts.inFlightPeak = Math.max(counts.inFlightPeak, ++counts.inFlight);
    let ended = false;
    return () => {
      if (!ended) counts.inFlight--;
      ended = true;
    };
  }

  fault(): void {
    this.#counts.faults++;
  }

  stats(): SiteStats {
    const cpuMs = this.clocks.cpuMs() - this.#sinceMs.cpu;
    const wallMs = this.clocks.wallMs() - this.#sinceMs.wall;
    const busyShare = wallMs > 0 ? cpuMs / wallMs : 0;
    return { ...this.#counts, connections: this.#clients.size, cpuMs, wallMs, busyShare };
  }

  /** Restarts counting; requests in flight stay counted as in flight. */
  restart(): void {
    const { inFlight } = this.#counts;
    Object.assign(this.#counts, { requests: 0, faults: 0, inFlightPeak: inFlight });
    this.#clients.clear();
    this.#sinceMs = { wall: this.clocks.wallMs(), cpu: this.clocks.cpuMs() };
  }
}

const SENTENCES = [
  "A lane is a place where tasks really run.",
  "A slot is room for one task in flight on a lane.",
  "Slots are concurrency, lanes are parallelism.",
  "What waits gains from slots; what computes gains from lanes.",
  "Add concurrency only where it surely pays.",
];

/** A page in ASCII of exactly `bytes` bytes, the same in every run; one shorter than its frame is cut. */
export function page(number: number, bytes: number): Uint8Array<ArrayBuffer> {
  const head =
    `<!DOCTYPE html>\n<html lang="en">\n<title>Page ${number}</title>\n<h1>Page ${number}</h1>\n`;
  const end = "</html>\n";
  const body = new Uint8Array(bytes).fill(0x20);
  const encoder = new TextEncoder();
  let at = encoder.encodeInto(head, body).written;
  for (let line = 0;; line++) {
    const sentence = SENTENCES[(line * number + number) % SENTENCES.length];
    const text = `<p>${number}.${line + 1} ${sentence}</p>\n`;
    if (at + text.length + end.length > bytes) break;
    at += encoder.encodeInto(text, body.subarray(at)).written;
  }
  if (bytes >= at + end.length) encoder.encodeInto(end, body.subarray(bytes - end.length));
  return body;
}

interface HandlerParts {
  readonly options: Required<SiteOptions>;
  readonly counters: Counters;
  readonly rawUrl: string;
  readonly wait: (ms: number) => Promise<void>;
}

const LONGEST_WAIT_MS = 2 ** 31 - 1;
const HTML = { "content-type": "text/html; charset=us-ascii" };

/** What the site answers, an address on each line. */
export const ADDRESSES =
  `/page/<n>                     page n, after the latency; a share of them fails, if asked to
/slow/<ms>                    a page after so many milliseconds
/fault/<kind>                 fails each time: ${FAULTS.join(", ")}
/fault/status/<code>          an answer of this status
/fault/retry-after/<seconds>  status 429 with this Retry-After
/_stats                       the site's own load, as JSON; ?restart=1 begins counting anew`;

const INDEX = `The test site of Lanes.\n\n${ADDRESSES}\n`;

function whole(text: string | undefined, least: number, greatest: number): number | undefined {
  const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= greatest ? value : undefined;
}

function notFound(path: string): Response {
  return new Response(`There is no ${JSON.stringify(path)} here.\n\n${INDEX}`, { status: 404 });
}

/** Answers by the parts of a path after the first one; undefined if there is no such address. */
type Route = (
  parts: readonly (string | undefined)[],
  address: string,
  request: Request,
) => Promise<Response | undefined>;

export function siteHandler(
  { options, counters, rawUrl, wait }: HandlerParts,
): (request: Request, client?: string) => Promise<Response> {
  const { latencyMs, jitterMs, pageBytes, seed, faultShare } = options;
  const made = new Map<number, Uint8Array<ArrayBuffer>>();
  const pageOf = (number: number) => {
    const known = made.get(number) ?? page(number, pageBytes);
    // The article has two pages; the limit keeps a client that asks for thousands from filling memory.
    if (made.size < 16) made.set(number, known);
    return known;
  };
  const shown = (number: number) => new Response(pageOf(number), { headers: HTML });
  const failed = (fault: Fault, number: number, retryAfterSeconds?: number) => {
    counters.fault();
    return fail(fault, { page: pageOf(number), rawUrl, retryAfterSeconds });
  };
  const late = async (address: string) => {
    const ms = latencyMs + jitterMs * chance(seed, `jitter ${address}`);
    if (ms > 0) await wait(ms);
  };
  /** The site's addresses, by the first part of their paths. */
  const routes: Readonly<Record<string, Route>> = {
    async page([which, more], address, request) {
      const number = whole(which, 1, Number.MAX_SAFE_INTEGER);
      if (number === undefined || more !== undefined) return undefined;
      await late(address);
      const attempt = whole(request.headers.get("x-attempt") ?? "1", 1, 1_000_000) ?? 1;
      const fault = chooseFault(seed, address, attempt, faultShare);
      return fault === undefined ? shown(number) : failed(fault, number);
    },
    async slow([length]) {
      const ms = whole(length, 0, LONGEST_WAIT_MS);
      if (ms === undefined) return undefined;
      await wait(ms);
      return shown(1);
    },
    async fault([kind, more], address) {
      await late(address);
      const status = kind === "status" ? whole(more, 200, 599) : undefined;
      if (status !== undefined) {
        counters.fault();
        const empty = status === 204 || status === 205 || status === 304;
        return new Response(empty ? null : `status ${status}, on purpose\n`, { status });
      }
      const seconds = kind === "retry-after" ? whole(more, 0, 1_000_000) : undefined;
      const fault = FAULTS.find((of) => of === kind);
      const isKnown = fault !== undefined && (more === undefined || seconds !== undefined);
      return isKnown ? failed(fault, 1, seconds) : undefined;
    },
  };
  const answer = async ({ pathname, search }: URL, request: Request) => {
    if (pathname === "/") return new Response(INDEX);
    const [, first = "", ...further] = pathname.split("/");
    const route = Object.hasOwn(routes, first) ? routes[first]! : undefined;
    return await route?.(further, pathname + search, request) ?? notFound(pathname);
  };
  return async (request, client) => {
    const url = new URL(request.url);
    // Requests for the site's load are neither delayed nor counted.
    if (url.pathname === "/_stats") {
      const stats = counters.stats();
      if (url.searchParams.get("restart") === "1") counters.restart();
      return Response.json(stats);
    }
    const ended = counters.begin(client);
    try {
      return await answer(url, request);
    } finally {
      ended();
    }
  };
}
