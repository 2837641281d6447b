/**
 * One of several independent processes: every so-manieth of the numbers, from a number of its own.
 * Arguments: first number, how many numbers, processes, this one's number.
 */

import { plainContext } from "../../lib/lanes/lane_tasks.ts";
import sumSquares from "../../lib/tasks/sum_squares.ts";

const context = plainContext(0, new AbortController().signal);
const [first = 0, count = 0, processes = 1, part = 0] = Deno.args.map(Number);
const say = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
await say("ready");
const started = await Deno.stdin.read(new Uint8Array(8));
if (started !== null) {
  let items = 0;
  let sum = 0n;
  for (let index = part; index < count; index += processes) {
    sum += sumSquares(first + index, context);
    items++;
  }
  await say(`${items} ${sum}`);
}
