/**
 * poolifier: two threads, each with a task queue of the depth that it is told.
 * Arguments: mode, items, depth.
 */

import { fileURLToPath } from "node:url";
import { POOLIFIER } from "./packages.ts";
import { roundTrips } from "./round_trips.ts";

const { FixedThreadPool } = await import(POOLIFIER);

const [mode = "one", items = "1000", depth = "1"] = Deno.args;
const pool = new FixedThreadPool(
  2,
  fileURLToPath(new URL("./poolifier_worker.ts", import.meta.url)),
  {
    enableTasksQueue: true,
    tasksQueueOptions: { concurrency: Number(depth) },
  },
);
await roundTrips((item) => pool.execute(item), mode, Number(items));
Deno.exit();
