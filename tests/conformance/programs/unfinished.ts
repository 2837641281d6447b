/** A program that takes one of endlessly many results under a model, and then has nothing more to do. */

import * as lanes from "../../../lib/mod.ts";

const open = lanes[Deno.args[0] as "limited" | "workers" | "processes"];
const task = lanes.task<{ default: (n: number) => number }>(
  "data:text/javascript,export default (n) => n",
);
function* endless() {
  for (let n = 0;; n++) yield n;
}
const results = open().map(task, endless());
console.log((await results.next()).value);
