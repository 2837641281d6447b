/**
 * A pool from npm with two threads and no-op items. Arguments: pool; mode: `one` waits for each item
 * before the next is sent, `all` sends all of them at once and leaves it to the pool how many are in
 * flight; items; and how many each thread may have in flight, for the pools that take it.
 */

import { fileURLToPath } from "node:url";
import * as packages from "./packages.ts";
import { numbers, reading, report } from "./reading.ts";

type Run = (item: number) => PromiseLike<unknown>;

const NOOP = new URL("./noop.js", import.meta.url);
const fileBeside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The options that piscina shares with tinypool, which began as a copy of it. */
const twoThreads = (depth: number) => (
  { filename: NOOP.href, minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: depth }
);

/** Opens each pool: what runs the no-op task on one number. */
const POOLS: Readonly<Record<string, (depth: number) => Promise<Run>>> = {
  async piscina(depth) {
    const { Piscina } = await import(packages.PISCINA);
    const pool = new Piscina(twoThreads(depth));
    return (item) => pool.run(item);
  },
  async tinypool(depth) {
    const { Tinypool } = await import(packages.TINYPOOL);
    const pool = new Tinypool(twoThreads(depth));
    return (item) => pool.run(item);
  },
  async poolifier(depth) {
    const { FixedThreadPool } = await import(packages.POOLIFIER);
    const pool = new FixedThreadPool(2, fileBeside("./poolifier_worker.ts"), {
      enableTasksQueue: true,
      tasksQueueOptions: { concurrency: depth },
    });
    return (item) => pool.execute(item);
  },
  async workerpool() {
    const { default: workerpool } = await import(packages.WORKERPOOL);
    const pool = workerpool.pool(fileBeside("./workerpool_worker.ts"), {
      workerType: "thread",
      minWorkers: 2,
      maxWorkers: 2,
    });
    return (item) => pool.exec("noop", [item]);
  },
  async "jest-worker"() {
    const { Worker } = await import(packages.JEST_WORKER);
    const pool = new Worker(NOOP, {
      exposedMethods: ["default"],
      enableWorkerThreads: true,
      numWorkers: 2,
    });
    return (item) => pool.default(item);
  },
};

const [pool = "", mode = "one", items = "1000", depth = "1"] = Deno.args;
const run = await POOLS[pool]!(Number(depth));
await Promise.all(numbers(Math.max(200, Number(items) / 10)).map(run));
const input = numbers(Number(items));
report(
  await reading(async () => {
    if (mode === "all") return await Promise.all(input.map(run));
    const results: unknown[] = [];
    for (const item of input) results.push(await run(item));
    return results;
  }),
);
Deno.exit();
