/**
 * Whose session? Pages are fetched by five threads with an HTTP client each, and by one event loop with
 * one client for all or a client for each request; the site counts the connections.
 */

import type noop from "../tasks/noop.ts";
import type { Executor } from "../executor.ts";
import { type Task, task } from "../lanes/task.ts";
import { limited, workers } from "../open.ts";
import { startSite } from "../site/start.ts";
import type { SessionRow, WhoseSession } from "./switch_result.ts";

const AT_ONCE = 5;
/** How often each of the site's two pages is fetched, which makes eight requests for each thread. */
const COPIES = 20;
const LATENCY_MS = 10;

const FETCH_BY_CLIENT = new URL("../tasks/fetch_by_client.ts", import.meta.url);
const KEPT = task<typeof import("../tasks/fetch_by_client.ts")>(FETCH_BY_CLIENT);
const NEW = task<typeof import("../tasks/fetch_by_client.ts"), "byNewClient">(
  FETCH_BY_CLIENT,
  "byNewClient",
);
const NOOP = task<typeof import("../tasks/noop.ts")>(new URL("../tasks/noop.ts", import.meta.url));

const inLoop = () => limited({ slots: AT_ONCE });
const inThreads = () => workers({ lanes: AT_ONCE });

const WAYS: readonly [SessionRow["keeping"], () => Executor, Task<string, number>][] = [
  ["a client each request", inLoop, NEW],
  ["a client each thread", inThreads, KEPT],
  ["one client for all", inLoop, KEPT],
];

/** The library's error message if an HTTP client is sent to a thread as an item. */
async function refusalOfClient(signal: AbortSignal): Promise<string> {
  await using thread = workers({ lanes: 1 });
  using client = Deno.createHttpClient({});
  const items = [client] as unknown as Parameters<typeof noop>[0][];
  const [outcome] = await thread.mapSettled(NOOP, items, { signal }).toArray();
  return outcome?.status === "rejected" ? String((outcome.reason as Error).message) : "";
}

export async function whoseSession(signal: AbortSignal): Promise<WhoseSession> {
  await using site = await startSite({ latencyMs: LATENCY_MS });
  const urls = site.urls(COPIES);
  const rows: SessionRow[] = [];
  for (const [keeping, open, task] of WAYS) {
    await site.stats({ restart: true });
    await using executor = open();
    const startedAt = performance.now();
    const outcomes = await executor.mapSettled(task, urls, { chunk: 1, signal }).toArray();
    signal.throwIfAborted();
    const wallMs = performance.now() - startedAt;
    const { connections } = await site.stats();
    const pages = outcomes.filter((of) => of.status === "fulfilled" && of.value === 200).length;
    const lanes = new Set(outcomes.map(({ lane }) => lane).filter((lane) => lane >= 0));
    const clients = task === NEW ? outcomes.length : lanes.size;
    rows.push({ keeping, clients, connections, pages, wallMs });
  }
  return { atOnce: AT_ONCE, asked: urls.length, refusal: await refusalOfClient(signal), rows };
}
