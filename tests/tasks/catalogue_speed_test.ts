import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { awaitCost, calibrate, CPU_TASKS } from "../../lib/tasks/catalogue.ts";

const task = CPU_TASKS["sum-squares"];

/** A clock that only tasks advance; the first twenty runs are slow, as with cold code. */
function cold() {
  let ms = 0;
  let runs = 0;
  return {
    now: () => ms,
    run: () => void (ms += runs++ < 20 ? 100 : runs < 41 ? 2 : 3),
    runs: () => runs,
  };
}

Deno.test("calibrate() leaves the cold run out and takes the fastest of the others", async () => {
  const { now, run, runs } = cold();
  assertAlmostEquals(await calibrate(task, { now, run }) * task.work(task.defaults), 40, 1e-9);
  // One run that doesn't count, one of 40 ms and one of 60 ms together exceed the sample's time.
  assertEquals(runs(), 60);
});

Deno.test("calibrate() stops when its signal is aborted", async () => {
  const { now, run, runs } = cold();
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => calibrate(task, { now, run, signal }), Error, "enough");
  assertEquals(runs(), 0);
});

Deno.test("awaitCost() measures both recursions in the same unit, a call", async () => {
  const units: [string, number][] = [];
  const { signal } = new AbortController();
  const cost = await awaitCost(signal, (task) => {
    units.push([task.name, task.work({ start: 2, count: 1 })]);
    return Promise.resolve(units.length);
  });
  assertEquals(units, [["fib", 3], ["fib-async", 3]]);
  assertEquals(cost, { plainMs: 1, awaitedMs: 2 });
});
