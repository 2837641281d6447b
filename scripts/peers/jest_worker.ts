/** jest-worker: two threads, one task at a time on each. Arguments: mode, items. */

import { JEST_WORKER } from "./packages.ts";
import { roundTrips } from "./round_trips.ts";

const { Worker } = await import(JEST_WORKER);

const [mode = "one", items = "1000"] = Deno.args;
const pool = new Worker(new URL("./noop.js", import.meta.url), {
  exposedMethods: ["default"],
  enableWorkerThreads: true,
  numWorkers: 2,
});
await roundTrips((item) => pool.default(item), mode, Number(items));
await pool.end();
Deno.exit();
