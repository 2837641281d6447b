/** tinypool: two threads, the in-flight depth that it is told. Arguments: mode, items, depth. */

import { TINYPOOL } from "./packages.ts";
import { roundTrips } from "./round_trips.ts";

const { Tinypool } = await import(TINYPOOL);

const [mode = "one", items = "1000", depth = "1"] = Deno.args;
const pool = new Tinypool({
  filename: new URL("./noop.js", import.meta.url).href,
  minThreads: 2,
  maxThreads: 2,
  concurrentTasksPerWorker: Number(depth),
});
await roundTrips((item) => pool.run(item), mode, Number(items));
await pool.destroy();
Deno.exit();
