import { assertEquals } from "@std/assert";
import { graceFor } from "../../../lib/advice/job/grace.ts";

Deno.test("a teardown gets several times as long as it took, and the usual time if it is quick", () => {
  assertEquals([undefined, 0, 150].map((teardownMs) => graceFor({ teardownMs: teardownMs ?? 0 })), [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals([graceFor({ teardownMs: 1000 }), graceFor({ teardownMs: 1001 })], [3000, 3100]);
  assertEquals([graceFor({}), graceFor({ teardownMs: Infinity })], [undefined, 5000]);
});
