/** Hands on to subprocesses what this program was denied, and what it was not; prints what came of it. */

import { auto, type Executor, processes } from "../../../lib/mod.ts";
import { taskOf } from "../guarantee.ts";

const read = taskOf("export default (name) => Deno.env.get(name)");
const told: string[] = [];
for (const env of [true, ["LANES_SECRET"], ["LANES_*"], ["HOME"]]) {
  const permissions = { env };
  await using executor: Executor = Deno.args[0] === "auto"
    ? auto({ isolate: true, start: { lanes: 1 }, permissions })
    : processes({ lanes: 1, permissions });
  const name = String(env) === "HOME" ? "HOME" : "LANES_SECRET";
  told.push(await executor.run(read, name).then(() => "read", (error: Error) => error.name));
}
console.log(JSON.stringify(told));
