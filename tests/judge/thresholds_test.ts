import { assertEquals } from "@std/assert";
import { boundOfShare, COMPUTES, WAITS } from "../../lib/judge/thresholds.ts";

Deno.test("boundOfShare() counts both thresholds to the classes beyond them", () => {
  const shares = [0, WAITS, WAITS + 0.001, COMPUTES - 0.001, COMPUTES, 1];
  assertEquals(shares.map(boundOfShare), ["io", "io", "mixed", "mixed", "cpu", "cpu"]);
});
