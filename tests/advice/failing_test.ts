import { assertEquals, assertStringIncludes } from "@std/assert";
import { failingOf } from "../../lib/advice/failing.ts";
import { sayFinding } from "../../lib/advice/words/finding_words.ts";
import type { Candidate } from "../../lib/advice/prediction/candidate.ts";
import type { Runner } from "../../lib/advice/race/race.ts";
import type { FailureKind } from "../../lib/timing/failures.ts";
import { roundOf } from "./fixture.ts";

const limited = (slots: number): Candidate => ({ model: "limited", lanes: 1, slots });
const WORKERS: Candidate = { model: "workers", lanes: 2, slots: 1 };

function runner(candidate: Candidate, kind?: Partial<FailureKind> & { count: number }): Runner {
  const failed = kind?.count ?? 0;
  const reason = kind?.reason ?? "Error";
  const reasons = { ...(failed > 0 && { reasons: { [reason]: failed } }) };
  return {
    candidate,
    items: 100,
    rounds: [roundOf({ runMs: 10, failed, succeeded: 100 - failed, ...reasons })],
    ...(failed > 0 && {
      out: "failures" as const,
      failures: [{ reason, index: 3, message: "", ...kind! }],
    }),
  };
}

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
  assertEquals(failingOf([runner(limited(64), { count: 9, reason: "timed-out" })])?.kind, "late");
});

Deno.test("failingOf() tells state that isn't there in other lanes from a refusal", () => {
  const missing = { count: 100, reason: "TypeError", message: "db is undefined" };
  const found = failingOf([runner(limited(1)), runner(WORKERS, missing)])!;
  assertEquals(found.kind, "lanes");
  assertStringIncludes(sayFinding(found), "db is undefined");
  // What failed in lanes with no more in flight than went well on the event loop isn't refused either.
  assertEquals(
    failingOf([runner(limited(8)), runner(WORKERS, { count: 9, message: "no" })])?.kind,
    "lanes",
  );
  const refused = { count: 9, reason: "TypeError", message: "fetch failed" };
  assertEquals(failingOf([runner(limited(1)), runner(WORKERS, refused)])?.kind, "refused");
});

Deno.test("failingOf() has nothing to tell where nothing failed", () => {
  assertEquals(failingOf([runner(limited(8))]), undefined);
});
