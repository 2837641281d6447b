import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { backoffMs } from "../../lib/dispatch/backoff.ts";

const options = fc.record({
  baseMs: fc.double({ min: 0, max: 1e4, noNaN: true }),
  maxMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
  jitter: fc.boolean(),
});
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

Deno.test("backoffMs() doubles with each attempt up to its bound", () => {
  const fixed = { baseMs: 100, maxMs: 500, jitter: false };
  assertEquals([1, 2, 3, 4, 90].map((attempt) => backoffMs(attempt, fixed)), [
    100,
    200,
    400,
    500,
    500,
  ]);
});

Deno.test("jitter draws between 0 and the bound, never beyond", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), options, share, (attempt, options, draw) => {
      const bound = backoffMs(attempt, { ...options, jitter: false });
      const waitMs = backoffMs(attempt, options, undefined, () => draw);
      assert(waitMs >= 0 && waitMs <= bound && bound <= options.maxMs);
      if (options.jitter) assertEquals(waitMs, draw * bound);
    }),
  );
});

Deno.test("a wait that the server asked for is never shortened, however short the bound", () => {
  fc.assert(
    fc.property(options, share, fc.nat({ max: 1e6 }), (options, draw, retryAfterMs) => {
      const waitMs = backoffMs(1, options, { retryAfterMs }, () => draw);
      assert(waitMs >= retryAfterMs);
    }),
  );
});

Deno.test("what is no wait changes nothing", () => {
  const fixed = { baseMs: 100, maxMs: 500, jitter: false };
  for (const reason of [undefined, null, "x", {}, { retryAfterMs: -5 }, { retryAfterMs: NaN }]) {
    assertEquals(backoffMs(1, fixed, reason), 100);
  }
});
