import { assertEquals } from "@std/assert";
import { awaitCost } from "../../lib/tasks/await_cost.ts";

Deno.test("awaitCost() measures both recursions in the same unit, a call", async () => {
  const units: [string, number][] = [];
  const cost = await awaitCost((task) => {
    units.push([task.name, task.work({ start: 2, count: 1 })]);
    return Promise.resolve(units.length);
  });
  assertEquals(units, [["fib", 3], ["fib-async", 3]]);
  assertEquals(cost, { plainMs: 1, awaitedMs: 2 });
});
