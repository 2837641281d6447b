/**
 * Passes items through a model, one result after another, and prints the program's peak resident memory in
 * bytes. Arguments: the model, how many items.
 */

import { processes, sequential, workers } from "../../../lib/mod.ts";
import { taskNamed } from "../guarantee.ts";

const [model, count] = [Deno.args[0], Number(Deno.args[1])];
function* items() {
  for (let n = 0; n < count; n++) yield n;
}
const executor = model === "workers"
  ? workers({ lanes: 2 })
  : model === "processes"
  ? processes({ lanes: 2 })
  : sequential();
await executor.ready();
let taken = 0;
let sum = 0;
for await (const value of executor.map(taskNamed("double"), items())) {
  taken++;
  sum += value;
}
await executor.close();
console.log(JSON.stringify({ taken, sum, peakRssBytes: process.resourceUsage().maxRSS * 1024 }));
