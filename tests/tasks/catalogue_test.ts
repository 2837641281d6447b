import { assertEquals, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import { CPU_TASK_NAMES, CPU_TASKS, scaleTo, SizeError } from "../../lib/tasks/catalogue.ts";
import { contextOf } from "./context.ts";

const canRead = Deno.permissions.querySync({ name: "read" }).state === "granted";

Deno.test("the catalogue's sum of squares begins with the article's 20 numbers", () => {
  const { defaults, items } = CPU_TASKS["sum-squares"];
  assertEquals(items(defaults), Array.from({ length: 20 }, (_, index) => 5_000_000 + index));
});

Deno.test("the catalogue's picture has a row an item, and its width is start", () => {
  assertEquals(CPU_TASKS.mandelbrot.items({ start: 4, count: 2 }), [
    { row: 0, width: 4, height: 2 },
    { row: 1, width: 4, height: 2 },
  ]);
});

Deno.test("the catalogue's hashes differ by their seed alone", () => {
  assertEquals(CPU_TASKS.sha256.items({ start: 9, count: 2 }), [
    { seed: 0, bytes: 9 },
    { seed: 1, bytes: 9 },
  ]);
});

Deno.test("the catalogue's Fibonacci items are one n, as often as told, and cost the same calls", () => {
  for (const name of ["fib", "fib-async"] as const) {
    const { items, work } = CPU_TASKS[name];
    assertEquals(items({ start: 7, count: 3 }), [7, 7, 7]);
    assertEquals(work({ start: 35, count: 20 }), 20 * 29_860_703);
  }
});

Deno.test("scaleTo() comes near fib(35), 20 times over, where a call takes 2.5 ns", () => {
  assertEquals(scaleTo(CPU_TASKS.fib, 2.5e-6, 1_600), { start: 35, count: 21 });
});

for (const name of CPU_TASK_NAMES) {
  const task = CPU_TASKS[name];

  Deno.test({
    name: `the catalogue's ${name} takes the items that it makes`,
    ignore: !canRead,
    fn: async () => {
      const { default: run } = await import(task.module);
      for (const item of task.items({ start: 3, count: 2 })) {
        assertEquals(structuredClone(item), item);
        await run(item, contextOf());
      }
    },
  });

  Deno.test(`the catalogue's ${name} refuses sizes out of range, saying what to give`, () => {
    for (const start of [0, -1, 1.5, NaN, Infinity, task.limit + 1]) {
      const error = assertThrows(() => task.items({ start, count: 1 }), SizeError);
      assertEquals([error.part, error.value], ["start", start]);
      assertEquals(error.message.includes(`give 1 to ${task.limit}`), true, error.message);
    }
    for (const count of [0, -1, 0.5, NaN, 1_000_001]) {
      const error = assertThrows(() => task.items({ start: 1, count }), SizeError);
      assertEquals([error.part, error.value], ["count", count]);
    }
  });

  Deno.test(`scaleTo() gives ${name} a size in range at any speed, never less for more time`, () => {
    const speed = fc.double({ min: 1e-12, max: 1e6, noNaN: true });
    fc.assert(fc.property(speed, (msPerWork) => {
      const short = scaleTo(task, msPerWork, 1_000);
      const long = scaleTo(task, msPerWork, 4_000);
      if (short.count < 70_000) task.items(short);
      assertEquals(task.work(long) >= task.work(short), true);
    }));
  });

  Deno.test(`scaleTo() comes within a fifth of the time wanted for ${name}`, () => {
    const msPerWork = 40 / task.work(task.defaults);
    const ms = msPerWork * task.work(scaleTo(task, msPerWork, 2_000));
    assertEquals(ms > 1_600 && ms < 2_100, true, String(ms));
  });
}

Deno.test("the catalogue keeps every number of a run within the limit of exact sums", () => {
  const task = CPU_TASKS["sum-squares"];
  const start = task.limit - 19;
  assertEquals(task.items({ start, count: 20 }).at(-1), task.limit);
  assertThrows(() => task.items({ start: start + 1, count: 20 }), SizeError, String(start));
});

Deno.test("scaleTo() refuses a speed that can't be", () => {
  for (const msPerWork of [0, -1, NaN]) {
    assertThrows(() => scaleTo(CPU_TASKS.primes, msPerWork), RangeError);
    assertThrows(() => scaleTo(CPU_TASKS.primes, 1, msPerWork), RangeError);
  }
});
