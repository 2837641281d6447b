import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Candidate } from "../../../lib/advice/prediction/candidate.ts";
import type { Runner } from "../../../lib/advice/race/race_options.ts";
import { refusal } from "../../../lib/advice/words/refusal.ts";
import { roundOf } from "../fixture.ts";

const limited = (slots: number): Candidate => ({ model: "limited", lanes: 1, slots });

function runner(candidate: Candidate, reasons?: Record<string, number>): Runner {
  const failed = Object.values(reasons ?? {}).reduce((sum, count) => sum + count, 0);
  return {
    candidate,
    items: 100,
    rounds: [roundOf({ runMs: 10, failed, succeeded: 100 - failed, ...(reasons && { reasons }) })],
    ...(failed > 0 && { out: "failures" as const }),
  };
}

Deno.test("refusal() names once how many are too many, and how many went well", () => {
  const found = refusal([
    runner(limited(64), { "HTTP 429": 60 }),
    runner(limited(16), { "HTTP 429": 30 }),
    runner(limited(8)),
  ]);
  assertEquals(found?.kind, "refused");
  assertStringIncludes(found!.text, "With 16 tasks in flight (limited (16 slots)) 30 of 100 items");
  assertStringIncludes(found!.text, "HTTP 429");
  assertStringIncludes(found!.text, "limited (64 slots)");
  assertStringIncludes(found!.text, "Stay at 8 or fewer");
});

Deno.test("refusal() tells a lack of descriptors, and tasks that wait for each other, from a refusal", () => {
  const emfile = refusal([runner(limited(64), { "Too many open files (os error 24)": 9 })]);
  assertEquals(emfile?.kind, "descriptors");
  const late = refusal([runner(limited(64), { "timed-out": 9 })]);
  assert(!late!.text.includes("refuses"));
});

Deno.test("refusal() has nothing to tell where nothing failed", () => {
  assertEquals(refusal([runner(limited(8))]), undefined);
});
