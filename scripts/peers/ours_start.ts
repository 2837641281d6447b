/**
 * Our own lanes, from being asked for until ready; closing them isn't counted.
 * Arguments: workers|processes, how often.
 */

import { processes, task, workers } from "../../lib/mod.ts";
import { report } from "./reading.ts";

const [model = "processes", count = "10"] = Deno.args;
const noop = task<typeof import("../../lib/tasks/noop.ts")>(
  new URL("../../lib/tasks/noop.ts", import.meta.url),
);

async function readyMs(): Promise<number> {
  const start = performance.now();
  await using executor = (model === "workers" ? workers : processes)({ lanes: 1 });
  // A subprocess can only run what it was started with; a thread takes tasks as it is.
  await executor.ready(model === "workers" ? undefined : noop);
  return performance.now() - start;
}

await readyMs();
let ms = 0;
for (let index = 0; index < Number(count); index++) ms += await readyMs();
report({ items: Number(count), sum: Number(count), ms });
