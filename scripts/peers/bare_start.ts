/** Bare `deno run` of an empty file, from start to end. Argument: how often. */

import { report } from "./reading.ts";

const [count = "10"] = Deno.args;
const run = () =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", new URL("./empty.ts", import.meta.url).href],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
await run();

let sum = 0;
const start = performance.now();
for (let index = 0; index < Number(count); index++) sum += (await run()).success ? 1 : 0;
const ms = performance.now() - start;
report({ items: Number(count), sum, ms });
