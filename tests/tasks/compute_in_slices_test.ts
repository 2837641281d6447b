import { assertEquals, assertThrows } from "@std/assert";
import { spin } from "../../lib/tasks/compute_in_slices.ts";
import { contextOf } from "./context.ts";

/** Runs a function with a clock that advances by 1 ms at each reading. */
function withCountingClock<T>(run: (reads: () => number) => T): T {
  const real = performance.now;
  let ms = 0;
  performance.now = () => ms++;
  try {
    return run(() => ms);
  } finally {
    performance.now = real;
  }
}

Deno.test("spin() computes until its time is over by the clock", () => {
  withCountingClock((reads) => {
    const context = contextOf();
    assertEquals(spin(5, context), 5);
    // The clock is read once at the start, then before each piece of work, and once at the end.
    assertEquals([reads(), context.looks], [6, 4]);
  });
});

Deno.test("spin() stops when it is asked to", () => {
  withCountingClock(() => {
    const context = contextOf({ cancelAfter: 2 });
    assertThrows(() => spin(1_000_000, context), DOMException);
    assertEquals(context.looks, 3);
  });
});

Deno.test("spin() does nothing for no time, and refuses what is no time", () => {
  const context = contextOf();
  withCountingClock(() => assertEquals([spin(0, context), context.looks], [0, 0]));
  for (const ms of [-1, NaN, Infinity]) {
    assertThrows(() => spin(ms, contextOf()), RangeError, String(ms));
  }
});
