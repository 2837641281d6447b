import { assertEquals } from "@std/assert";
import { Fifo } from "../../lib/dispatch/fifo.ts";

Deno.test("what comes first is taken first, however many come and go", () => {
  const queue = new Fifo<number>();
  let [pushed, taken] = [0, 0];
  for (const [more, less] of [[3000, 1100], [10, 900], [0, 1010], [5, 5]] as const) {
    for (let n = 0; n < more; n++) queue.push(pushed++);
    for (let n = 0; n < less; n++) {
      assertEquals(queue.first, taken);
      assertEquals(queue.shift(), taken++);
    }
    assertEquals(queue.size, pushed - taken);
  }
  assertEquals([queue.first, queue.shift(), queue.size], [undefined, undefined, 0]);
});

Deno.test("those that wait can be looked at, and dropped", () => {
  const queue = new Fifo<string>();
  for (const item of ["a", "b", "c", "d"]) queue.push(item);
  queue.shift();
  assertEquals(queue.slice(1, 3), ["c", "d"]);
  queue.clear();
  assertEquals([queue.size, queue.first], [0, undefined]);
});
