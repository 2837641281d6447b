/**
 * The article's downloads, ours against its Python: 160 of a page that takes 50 ms.
 *
 * @module
 */

import {
  type Aim,
  type Contender,
  type Contest,
  type Ground,
  TOTAL_MS,
} from "../harness/contest.ts";
import { own, python } from "../harness/programs.ts";

/** What the site waits before it answers, in milliseconds. */
const LATENCY_MS = 50;
const PAGES = 160;
/** One after another, 160 would take nine seconds a round and tell no more than 20 do. */
const PAGES_IN_SEQUENCE = 20;

/**
 * The contests of downloads.
 *
 * @param ground What they need to know of the machine.
 * @returns The contests.
 *
 * @example
 * ```ts
 * import { io } from "./io.ts";
 *
 * const page = { fastUrl: "", slowUrl: "", bytes: 0 };
 * console.log(io({ python: undefined, page }).length); // 4
 * ```
 */
export function io(ground: Ground): Contest[] {
  const { slowUrl, bytes } = ground.page;
  const pages = (items: number) => ({ items, sum: BigInt(items * bytes) });
  const ours = (
    model: string,
    size: number,
    name: string,
    items = PAGES,
    aim?: Aim,
  ): Contender => ({
    name,
    launch: own("ours_downloads.ts", model, "download", slowUrl, items, size),
    ...pages(items),
    ...(aim && { aim }),
  });
  const aiohttp = (name: string, connections: number, inFlight: number): Contender => ({
    name,
    ...python(ground, "aiohttp", "python_aiohttp.py", slowUrl, PAGES, connections, inFlight),
    ...pages(PAGES),
    aim: { of: "ratio", atMost: 1 },
  });
  const requests = (name: string, mode: string, items: number): Contender => ({
    name,
    ...python(ground, "requests", "python_requests.py", mode, slowUrl, items),
    ...pages(items),
  });
  const contest = (title: string, mine: Contender, ...peers: Contender[]): Contest => ({
    family: "io",
    title: `${mine.items} pages that take ${LATENCY_MS} ms, ${title}`,
    unit: TOTAL_MS,
    ours: mine,
    peers,
  });
  return [
    contest(
      "all at once",
      ours("concurrent", 1, "concurrent()", PAGES, { of: "figure", atMost: 1.8 * LATENCY_MS }),
      aiohttp("aiohttp gather (100 connections, its default)", 100, 0),
      aiohttp("aiohttp gather, connections unlimited", 0, 0),
    ),
    contest(
      "five at once on one event loop",
      ours("limited", 5, "limited({ slots: 5 })"),
      { ...aiohttp("aiohttp gather, semaphore of 5", 100, 5), aim: undefined },
    ),
    contest(
      "five at once on five threads",
      ours("workers", 5, "workers({ lanes: 5 })"),
      requests("ThreadPoolExecutor(5), a requests.Session each", "threads", PAGES),
    ),
    contest(
      "one after another",
      ours("sequential", 1, "sequential()", PAGES_IN_SEQUENCE),
      requests("loop over one requests.Session", "one", PAGES_IN_SEQUENCE),
    ),
  ];
}
