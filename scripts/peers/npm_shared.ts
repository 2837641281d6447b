/**
 * Passes a table to piscina's two threads as workerData and runs tiny tasks that each read one number of it;
 * timed from opening the pool to the last result. Arguments: numbers in the table, items.
 */

import * as packages from "./packages.ts";
import { numbers, reading, report, table } from "./reading.ts";

const [size = "1000", count = "1000"] = Deno.args;
const { Piscina } = await import(packages.PISCINA);
const workerData = table(Number(size));
report(
  await reading(async () => {
    const pool = new Piscina({
      filename: new URL("./shared_task.js", import.meta.url).href,
      minThreads: 2,
      maxThreads: 2,
      concurrentTasksPerWorker: 64,
      workerData,
    });
    return await Promise.all(numbers(Number(count)).map((item) => pool.run(item)));
  }),
);
Deno.exit();
