/** A bare `for await … of` loop over tasks of one millisecond. Arguments: busy|timer, items. */

import { busy, timer } from "./tasks.ts";
import { numbers, report, total } from "./reading.ts";

async function* source(items: number[]): AsyncGenerator<number> {
  yield* items;
}

const [mode = "busy", items = "100"] = Deno.args;
const task = mode === "busy" ? busy : timer;
for await (const item of source(numbers(20))) await task(item);

const input = numbers(Number(items));
const results: number[] = [];
const start = performance.now();
for await (const item of source(input)) results.push(await task(item));
const ms = performance.now() - start;
report({ items: results.length, sum: total(results), ms });
