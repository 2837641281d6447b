import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sameWork } from "../../lib/advice/findings_of.ts";
import { SEQUENTIAL } from "../../lib/advice/prediction/candidate.ts";
import type { Race } from "../../lib/advice/race/race.ts";
import { adviceOn } from "./advice_on.ts";
import { roundOf, sampleFor } from "./fixture.ts";

function raceOf(runMs: number[], runCpuMs?: number, otherResults = false): Race {
  const rounds = runMs.map((ms, round) => ({
    ...roundOf({ round, runMs: ms }),
    ...(runCpuMs !== undefined && { runCpuMs }),
  }));
  return {
    runners: [{ candidate: SEQUENTIAL, items: 100, rounds }],
    costMs: 1,
    trials: 3,
    partial: false,
    warnings: [],
    unrepeatable: false,
    otherResults,
  };
}

Deno.test("sameWork() notices work that is done already, and work that grows", () => {
  const waiting = sampleFor({ waitMs: 10 });
  assert(sameWork(waiting, raceOf([1000, 1010, 990]))?.same);
  assertEquals(sameWork(waiting, raceOf([500, 510, 490]))?.same, false);
  assertEquals(sameWork(waiting, raceOf([2000, 2100, 1900]))?.same, false);
  const computing = sampleFor({ computeMs: 10 });
  assertEquals(sameWork(computing, raceOf([200, 210, 190], 200))?.same, false);
  // Of tasks that compute and wait the waits may vanish.
  assertEquals(
    sameWork(sampleFor({ computeMs: 5, waitMs: 5 }), raceOf([520, 530, 510], 500))?.same,
    false,
  );
  // A loop that was compiled better is the same work.
  assert(sameWork(computing, raceOf([500, 510, 490], 500))?.same);
});

Deno.test("sameWork() takes a busy machine for no other work", () => {
  // Others took half of the CPU from the sample, or from the race: the CPU time is the same.
  const busy = sampleFor({ computeMs: 10, available: 0.5 });
  assert(sameWork(busy, raceOf([1000, 1010, 990], 1000))?.same);
  const computing = sampleFor({ computeMs: 10 });
  assert(sameWork(computing, raceOf([2000, 2100, 1900], 1000))?.same);
  // Who shares a core and its caches needs more CPU time for the same work, too.
  const crowded = sampleFor({ computeMs: 13, available: 0.5 });
  assert(sameWork(crowded, raceOf([1000, 1010, 990], 800))?.same);
  // One disturbed round of three isn't the job's.
  assert(sameWork(sampleFor({ waitMs: 10 }), raceOf([1000, 2400, 1010]))?.same);
});

Deno.test("sameWork() notices results that changed once and for all", () => {
  assertEquals(sameWork(sampleFor({ waitMs: 10 }), raceOf([1000, 1000], 0, true))?.same, false);
});

Deno.test("advise() recommends nothing by a race that wasn't the job, and says what to do", async () => {
  const advice = await adviceOn({ waitMs: 20 }, (trial, items) => ({
    runMs: trial.model === "sequential" ? items : items / 8,
  }));
  assertEquals([advice.recommended.gain, advice.recommended.decision], [null, "other work"]);
  assert(advice.recommended.confidence <= 0.5);
  assertEquals(advice.surprises, []);
  const hazard = advice.hazards.find(({ kind }) => kind === "other-work")!;
  assertStringIncludes(hazard.text, "reset()");
  assertEquals(Math.round(Number(hazard.figures?.ratio) * 100), 5);
});
