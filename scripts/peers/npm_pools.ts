/**
 * A pool from npm with two threads and no-op items. Arguments: pool; mode: `one` waits for each item before it
 * sends the next, `all` sends all at once and the pool decides how many are in flight; items; how many each
 * thread may have in flight, for the pools with such an option; and for the mode `shared` how many numbers the
 * table has that piscina's threads get as workerData, and of which each item reads one: that mode is timed from
 * opening the pool on.
 */

import { fileURLToPath } from "node:url";
import * as packages from "./packages.ts";
import { numbers, reading, readingInTurn, report, table } from "./reading.ts";

type Run = (item: number) => PromiseLike<unknown>;

const NOOP = new URL("./noop.js", import.meta.url);
const SHARED = new URL("./shared_task.js", import.meta.url);
const fileBeside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The options that piscina and tinypool share; tinypool began as a copy of piscina. */
const twoThreads = (depth: number) => (
  { filename: NOOP.href, minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: depth }
);

/** For each pool, opens it and returns a function that runs the no-op task on one number. */
const POOLS: Readonly<Record<string, (depth: number, workerData?: unknown) => Promise<Run>>> = {
  async piscina(depth, workerData) {
    const { Piscina } = await import(packages.PISCINA);
    const shared = workerData === undefined ? {} : { filename: SHARED.href, workerData };
    const pool = new Piscina({ ...twoThreads(depth), ...shared });
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

const [name = "", mode = "one", items = "1000", depth = "1", size = "0"] = Deno.args;
const input = numbers(Number(items));
const open = (workerData?: unknown) => POOLS[name]!(Number(depth), workerData);
const all = (run: Run) => Promise.all(input.map(run));
if (mode === "shared") {
  await import(packages.PISCINA);
  const shared = table(Number(size));
  report(await reading(async () => all(await open(shared))));
} else {
  const run = await open();
  await Promise.all(numbers(Math.max(200, Number(items) / 10)).map(run));
  report(await (mode === "all" ? reading(() => all(run)) : readingInTurn(input, run)));
}
Deno.exit();
