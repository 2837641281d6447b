/** piscina: two threads, the in-flight depth that it is told. Arguments: mode, items, depth. */

import { PISCINA } from "./packages.ts";
import { roundTrips } from "./round_trips.ts";

const { Piscina } = await import(PISCINA);

const [mode = "one", items = "1000", depth = "1"] = Deno.args;
const pool = new Piscina({
  filename: new URL("./noop.js", import.meta.url).href,
  minThreads: 2,
  maxThreads: 2,
  concurrentTasksPerWorker: Number(depth),
});
await roundTrips((item) => pool.run(item), mode, Number(items));
await pool.destroy();
Deno.exit();
