/** workerpool: two threads, one task at a time on each, as it knows no other. Arguments: mode, items. */

import { fileURLToPath } from "node:url";
import { WORKERPOOL } from "./packages.ts";
import { roundTrips } from "./round_trips.ts";

const { default: workerpool } = await import(WORKERPOOL);

const [mode = "one", items = "1000"] = Deno.args;
const pool = workerpool.pool(fileURLToPath(new URL("./workerpool_worker.ts", import.meta.url)), {
  workerType: "thread",
  minWorkers: 2,
  maxWorkers: 2,
});
await roundTrips((item) => pool.exec("noop", [item]), mode, Number(items));
Deno.exit();
