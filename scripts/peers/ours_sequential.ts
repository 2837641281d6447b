/** Our own `sequential` with tasks of one millisecond. Arguments: busy|timer, items. */

import { sequential, task } from "../../lib/mod.ts";
import { numbers, report, total } from "./reading.ts";

const [mode = "busy", items = "100"] = Deno.args;
const oneMs = task<typeof import("./one_ms.ts"), "busy" | "timer">(
  new URL("./one_ms.ts", import.meta.url),
  mode === "busy" ? "busy" : "timer",
);
await using executor = sequential();
await executor.map(oneMs, numbers(20)).toArray();

const input = numbers(Number(items));
const results: number[] = [];
const start = performance.now();
for await (const result of executor.map(oneMs, input)) results.push(result);
const ms = performance.now() - start;
report({ items: results.length, sum: total(results), ms });
