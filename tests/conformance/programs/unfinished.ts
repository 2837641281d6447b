/**
 * Takes one of endlessly many results under a model and then has nothing more to do; an earlier call would
 * still take hours.
 */

import * as lanes from "../../../lib/mod.ts";

const open = lanes[Deno.args[0] as "limited" | "workers" | "processes"];
const task = lanes.task<{ default: (n: number) => number }>(
  "data:text/javascript,export default (n) => n",
);
function* endless() {
  for (let n = 0;; n++) yield n;
}
const executor = open();
const signal = AbortSignal.timeout(3_600_000);
await Promise.all([
  executor.run(task, 1, { signal }),
  executor.map(task, [2], { signal }).toArray(),
]);
const results = executor.map(task, endless(), { signal });
console.log((await results.next()).value);
