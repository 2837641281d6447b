import { assertEquals, assertStringIncludes } from "@std/assert";
import { sayFinding } from "../../../lib/advice/findings/findings.ts";
import { failingOf } from "../../../lib/advice/race/failing.ts";
import type { Runner } from "../../../lib/advice/race/runner.ts";
import { limited, runner, WORKERS } from "../fixture.ts";

Deno.test("failingOf() names once how many are too many, why, and how many went well", () => {
  const found = failingOf([
    runner(limited(64), { count: 60, status: 429 }),
    runner(limited(16), { count: 30, status: 429, retryAfterMs: 1000, message: "slow down" }),
    runner(limited(8)),
  ])!;
  assertEquals([found.kind, found.inFlight, found.well], ["refused", 16, 8]);
  const text = sayFinding(found);
  for (
    const part of [
      "With 16 tasks in flight (limited (16 slots)) 30 of 100 items failed",
      "HTTP 429",
      "Retry-After 1.00 s",
      "first item 3: slow down",
      "limited (64 slots)",
      "Stay at 8 or fewer",
    ]
  ) assertStringIncludes(text, part);
});

Deno.test("failingOf() tells a lack of descriptors, and tasks that wait for each other, from a refusal", () => {
  const message = "Too many open files (os error 24)";
  assertEquals(failingOf([runner(limited(64), { count: 9, message })])?.kind, "descriptors");
  for (const reason of ["timed-out", "TimeoutError", "ETIMEDOUT", "ConnectTimeoutError"]) {
    assertEquals(failingOf([runner(limited(64), { count: 9, reason })])?.kind, "late");
  }
  const unsettled = { count: 1, reason: "did not settle", index: 33 };
  const hangs = failingOf([runner(limited(2), unsettled)])!;
  assertEquals(hangs.kind, "late");
  assertStringIncludes(
    sayFinding(hangs),
    "1 of 100 items failed (1 × did not settle, first item 33)",
  );
});

Deno.test("failingOf() tells state that isn't there in other lanes from a refusal", () => {
  const missing = { count: 100, reason: "TypeError", message: "db is undefined" };
  const found = failingOf([runner(limited(1)), runner(WORKERS, missing)])!;
  assertEquals(found.kind, "lanes");
  assertStringIncludes(sayFinding(found), "db is undefined");
  // Failures in lanes with no more in flight than the event loop ran well aren't refusals either.
  assertEquals(
    failingOf([runner(limited(8)), runner(WORKERS, { count: 9, message: "no" })])?.kind,
    "lanes",
  );
  const refused = { count: 9, reason: "TypeError", message: "fetch failed" };
  assertEquals(failingOf([runner(limited(1)), runner(WORKERS, refused)])?.kind, "refused");
});

Deno.test("failingOf() tells what one event loop alone doesn't bear from a refusal", () => {
  const busy = { count: 99, message: "another query is under way on this connection" };
  const textOf = (...runners: Runner[]) => sayFinding(failingOf(runners)!);
  const [two, more] = [runner(limited(2), busy), runner(limited(16), busy)];
  assertStringIncludes(textOf(more, two, runner(WORKERS)), "Lanes bore as many");
  assertStringIncludes(textOf(more, two), "What they wait for refuses so many at once");
  assertStringIncludes(textOf(more, runner(WORKERS)), "What they wait for refuses so many at once");
  const asked = runner(limited(2), { count: 9, status: 429 });
  assertStringIncludes(
    textOf(asked, runner(WORKERS)),
    "What they wait for refuses so many at once",
  );
});

Deno.test("failingOf() has nothing to tell where nothing failed", () => {
  assertEquals(failingOf([runner(limited(8))]), undefined);
});
