import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/options.ts";
import { rateOf } from "../../lib/running/run_options.ts";

Deno.test("a rate is even: one start at a time, or a few where they follow on each other fast", () => {
  assertEquals(rateOf("--rate", "20/s"), { limit: 2, perMs: 100 });
  assertEquals(rateOf("--rate", "10/s"), { limit: 1, perMs: 100 });
  assertEquals(rateOf("--rate", "30/m"), { limit: 1, perMs: 2000 });
  assertEquals(rateOf("--rate", "0.5/s"), { limit: 1, perMs: 2000 });
  for (const text of ["1000/s", "300/s", "100000/s"]) {
    const { limit, perMs } = rateOf("--rate", text);
    assertEquals(Math.round(limit / perMs * 1000), parseInt(text));
    assertEquals(perMs >= 100 && perMs < 110, true);
  }
  for (const text of ["0/s", "0", "20", "20/d", "-1/s", "1e9/s", "999999999999999999/s"]) {
    assertThrows(() => rateOf("--rate", text), UsageError);
  }
});
