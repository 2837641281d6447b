/**
 * Runs an endless loop in a worker thread past its deadline, the argument in milliseconds, and prints how each
 * item ended; then prints which of the events at the end of a program still come.
 */

import { workers } from "../../../lib/mod.ts";
import { taskNamed } from "../guarantee.ts";

const items = Array.from({ length: 12 }, (_, n) => n === 3 || n === 8);
{
  await using executor = workers({ lanes: 2, graceMs: 100 });
  const outcomes = await executor.mapSettled(taskNamed("spinForEver"), items, {
    timeoutMs: Number(Deno.args[0]),
    chunk: 2,
  }).toArray();
  console.log(JSON.stringify(outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended)));
}

addEventListener("beforeunload", (event) => {
  event.preventDefault();
  setTimeout(() => console.log("behind beforeunload"));
}, { once: true });
process.once("beforeExit", () => setTimeout(() => console.log("behind beforeExit")));
process.on("exit", () => console.log("exit"));
