import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { retryAfterMs } from "../../lib/tasks/retry_after.ts";

const NOW = Date.UTC(2026, 0, 1);

Deno.test("retryAfterMs() takes seconds", () => {
  assertEquals(retryAfterMs("0", NOW), 0);
  assertEquals(retryAfterMs(" 120 ", NOW), 120_000);
});

Deno.test("retryAfterMs() takes the three forms of a date in HTTP", () => {
  for (
    const date of [
      "Thu, 01 Jan 2026 00:00:05 GMT",
      "Thursday, 01-Jan-26 00:00:05 GMT",
      "Thu Jan  1 00:00:05 2026 GMT",
    ]
  ) {
    assertEquals(retryAfterMs(date, NOW), 5_000, date);
  }
});

Deno.test("retryAfterMs() asks for no wait when the date has passed", () => {
  assertEquals(retryAfterMs("Wed, 31 Dec 2025 23:59:59 GMT", NOW), 0);
});

Deno.test("retryAfterMs() knows nothing of what it can't understand", () => {
  for (const header of [null, "", "-1", "1.5", "soon", "1e3", "Infinity", "2 seconds"]) {
    assertEquals(retryAfterMs(header, NOW), undefined, String(header));
  }
});

Deno.test("retryAfterMs() never asks timers for more than they can", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 400n }), (seconds) => {
    const ms = retryAfterMs(String(seconds), NOW)!;
    assertEquals(ms, Math.min(Number(seconds) * 1_000, 2 ** 31 - 1));
  }));
});
