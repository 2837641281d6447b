/** A bare `for await … of` loop over tasks of one millisecond. Arguments: busy|timer, items. */

import { busy, timer } from "./tasks.ts";
import { numbers, reading, report } from "./reading.ts";

async function* source(items: number[]): AsyncGenerator<number> {
  yield* items;
}

const [mode = "busy", items = "100"] = Deno.args;
const task = mode === "busy" ? busy : timer;
for await (const item of source(numbers(20))) await task(item);

const input = numbers(Number(items));
report(
  await reading(async () => {
    const results: number[] = [];
    for await (const item of source(input)) results.push(await task(item));
    return results;
  }),
);
