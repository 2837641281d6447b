import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { asksTooLong, backoffMs } from "../../lib/dispatch/settler.ts";

const options = fc.record({
  baseMs: fc.double({ min: 0, max: 1e4, noNaN: true }),
  maxMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
  jitter: fc.boolean(),
});
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const fixed = { baseMs: 100, maxMs: 500, jitter: false };

Deno.test("waits double with each attempt up to their bound", () => {
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
      const waitMs = backoffMs(attempt, options, () => draw);
      assert(waitMs >= 0 && waitMs <= bound && bound <= options.maxMs);
      if (options.jitter) assertEquals(waitMs, draw * bound);
    }),
  );
});

Deno.test("a wait beyond the longest that is allowed is told, with what asked for it as the cause", () => {
  const cause = new Error("429");
  const error = asksTooLong("Item 7 of crawl.ts", fixed, 501, cause)!;
  assertEquals([error.name, error.retryAfterMs, error.retryable], ["RetryAfterError", 501, false]);
  assertEquals(
    error.message,
    "Item 7 of crawl.ts is not tried again: it asks for a wait of 501 ms, and retries.maxMs allows 500 ms",
  );
  assert(error.cause === cause);
  assertEquals(asksTooLong("Item 7 of crawl.ts", fixed, 500, cause), undefined);
  assert(asksTooLong("Item 7 of crawl.ts", fixed, Infinity, cause) !== undefined);
});
