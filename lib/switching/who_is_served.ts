/**
 * Who is served? Clients, on a thread of their own, ask one server at the same moment. One event loop serves
 * them together if the answers wait, but not if the answers are computed.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Executor } from "../executor.ts";
import { task } from "../lanes/task.ts";
import { defaultLanes } from "../models.ts";
import { concurrent, workers } from "../open.ts";
import { middle } from "../timing/statistics.ts";
import type { ServedRow, WhoIsServed } from "./switch_result.ts";

const CLIENTS = 20;
/** How long an answer waits, as for a database, in milliseconds. */
const WAIT_MS = 20;
/** A computed answer is the sum of the squares below this number, which takes some 10 ms. */
const SUM_BELOW = 20_000_000;

const ASK = task<typeof import("../tasks/fetch_by_client.ts")>(
  new URL("../tasks/fetch_by_client.ts", import.meta.url),
);
const SUM = task<typeof import("../tasks/sum_squares.ts")>(
  new URL("../tasks/sum_squares.ts", import.meta.url),
);

/** Measures after how long clients that ask at the same moment have their answers. */
async function served(
  answer: () => Promise<unknown>,
  clients: Executor,
  signal: AbortSignal,
): Promise<Omit<ServedRow, "way">> {
  await using server = Deno.serve(
    {
      ...{ hostname: "127.0.0.1", port: 0, onListen: () => {} },
      // Errors aren't printed; a request that gets this status isn't counted as answered.
      onError: () => new Response(null, { status: 500 }),
    },
    async () => {
      await answer();
      return new Response();
    },
  );
  const urls = Array<string>(CLIENTS).fill(`http://127.0.0.1:${server.addr.port}/`);
  const ask = () => clients.mapSettled(ASK, urls, { chunk: 1, signal }).toArray();
  // The first answers don't count: they open connections and compile loops.
  await ask();
  const outcomes = await ask();
  signal.throwIfAborted();
  const askedAtMs = Math.min(...outcomes.map(({ startedAtMs }) => startedAtMs));
  const afterMs = outcomes.filter((of) => of.status === "fulfilled" && of.value === 200)
    .map(({ endedAtMs }) => endedAtMs - askedAtMs).sort((a, b) => a - b);
  return {
    answered: afterMs.length,
    typicalMs: afterMs.length === 0 ? 0 : middle(afterMs),
    lastMs: afterMs.at(-1) ?? 0,
  };
}

export async function whoIsServed(signal: AbortSignal): Promise<WhoIsServed> {
  const lanes = defaultLanes("workers", "cpu");
  await using clients = workers({ lanes: 1, slots: CLIENTS });
  await using here = concurrent();
  await using threads = workers({ lanes });
  const wait = () => delay(WAIT_MS, undefined, { signal });
  const sum = (executor: Executor) => () => executor.run(SUM, SUM_BELOW, { signal });
  let turn: Promise<unknown> = Promise.resolve();
  const ways: Record<ServedRow["way"], () => Promise<unknown>> = {
    "waits, one at a time": () => turn = turn.then(wait),
    "waits, event loop": wait,
    "computes, event loop": sum(here),
    "computes, threads": sum(threads),
  };
  const rows: ServedRow[] = [];
  for (
    const [way, answer] of Object.entries(ways) as [ServedRow["way"], () => Promise<unknown>][]
  ) {
    rows.push({ way, ...await served(answer, clients, signal) });
  }
  return { clients: CLIENTS, waitMs: WAIT_MS, sumBelow: SUM_BELOW, lanes, rows };
}
