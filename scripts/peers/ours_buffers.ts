/** Our own `processes` with buffers of 1 MiB. Arguments: there|back, buffers. */

import { processes, task } from "../../lib/mod.ts";
import { checkedBuffer, checkedMark } from "./buffers.ts";
import { numbers, report, total } from "./reading.ts";

const [direction = "back", count = "100"] = Deno.args;
const module = new URL("./buffers.ts", import.meta.url);
await using executor = processes({ lanes: 1, slots: 4 });

async function pass(buffers: Uint8Array[]): Promise<number[]> {
  if (direction === "there") {
    return await executor.map(
      task<typeof import("./buffers.ts"), "there">(module, "there"),
      buffers,
    )
      .toArray();
  }
  const marks: number[] = [];
  const back = task<typeof import("./buffers.ts"), "back">(module, "back");
  for await (const buffer of executor.map(back, buffers)) marks.push(checkedMark(buffer));
  return marks;
}

await pass(numbers(8).map(checkedBuffer));
const buffers = numbers(Number(count)).map(checkedBuffer);
const start = performance.now();
const marks = await pass(buffers);
const ms = performance.now() - start;
report({ items: marks.length, sum: total(marks), ms });
