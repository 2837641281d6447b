import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Outcome } from "../../lib/dispatch/outcome.ts";
import { failureKindsOf, paceOf } from "../../lib/timing/failures.ts";

const at = (index: number, endedAtMs = index) => ({
  index,
  lane: 0,
  attempts: 1,
  queuedAtMs: 0,
  startedAtMs: 0,
  endedAtMs,
});

function failed(index: number, reason: unknown, endedAtMs?: number): Outcome<unknown> {
  return { ...at(index, endedAtMs), status: "rejected", ended: "failed", reason };
}

function went(index: number, endedAtMs?: number, attempts = 1): Outcome<unknown> {
  return { ...at(index, endedAtMs), attempts, status: "fulfilled", value: index };
}

Deno.test("failureKindsOf() counts kinds, and keeps the first item's message and status", () => {
  const busy = (index: number) => failed(index, Object.assign(new Error("wait"), { status: 429 }));
  const kinds = failureKindsOf([
    failed(4, new TypeError("db is undefined")),
    busy(2),
    busy(1),
    went(0),
    failed(3, new Response("", { status: 503, headers: { "retry-after": "2" } })),
  ]);
  assertEquals(kinds, [
    { reason: "Error", count: 2, index: 1, message: "wait", status: 429 },
    {
      reason: "failed",
      count: 1,
      index: 3,
      message: "a Response with status 503",
      status: 503,
      retryAfterMs: 2000,
    },
    { reason: "TypeError", count: 1, index: 4, message: "db is undefined" },
  ]);
});

Deno.test("paceOf() is what goes through after the first refusal, whether it failed or was tried again", () => {
  const refused = Object.assign(new Error("wait"), { status: 429 });
  const burst = Array.from({ length: 20 }, (_, index) => went(index, index));
  const rest = Array.from(
    { length: 40 },
    (_, n) => n % 2 === 0 ? failed(20 + n, refused, 20 + 25 * n) : went(20 + n, 20 + 25 * n),
  );
  assertAlmostEquals(paceOf([...burst, ...rest])!, 20, 1);
  const again = Array.from({ length: 20 }, (_, n) => went(20 + n, 20 + 50 * n, 2));
  assertAlmostEquals(paceOf([...burst, ...again])!, 20, 2);
  assertEquals(paceOf(burst), null);
});
