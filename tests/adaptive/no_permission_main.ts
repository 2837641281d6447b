/** A program without permissions that begins with lanes; prints its results and why tasks stayed here. */

import { auto, task } from "../../lib/mod.ts";

const same = task<{ default: (n: number) => number }>(
  "data:text/javascript,export default (n) => n",
);
await using executor = auto({ start: { lanes: 2 }, maxLanes: 2, isolate: Deno.args[0] === "true" });
const values = await executor.map(same, Array.from({ length: 20 }, (_, at) => at)).toArray();
const stays = executor.decisions.filter(({ why }) => why === "stays");
console.log(JSON.stringify([values, ...stays.map(({ detail }) => detail)]));
