/**
 * Downloads pages with more slots than there are file descriptors, and prints how the items ended. Arguments:
 * the model, the page's address, how many.
 */

import { limited, task, workers } from "../../../lib/mod.ts";

const [model, url, count] = [Deno.args[0], Deno.args[1]!, Number(Deno.args[2])];
const download = task<typeof import("../../../lib/tasks/download.ts")>(
  new URL("../../../lib/tasks/download.ts", import.meta.url),
);
// Deno opens its signal pipe at the first use, and panics if no descriptor is left then.
const onSignal = () => {};
Deno.addSignalListener("SIGINT", onSignal);
Deno.removeSignalListener("SIGINT", onSignal);
const executor = model === "workers" ? workers({ lanes: 2, slots: 50 }) : limited({ slots: 100 });
await executor.ready();
const ends: Record<string, number> = {};
const items = Array.from({ length: count }, (_, n) => `${url}?copy=${n}`);
for await (const outcome of executor.mapSettled(download, items)) {
  const how = outcome.status === "fulfilled" ? "fulfilled" : outcome.ended;
  ends[how] = (ends[how] ?? 0) + 1;
}
await executor.close();
console.log(JSON.stringify(ends));
