import { assertEquals } from "@std/assert";
import { type Candidate, eventLoop, nameOf } from "../../../lib/advice/prediction/candidate.ts";
import { Trials } from "../../../lib/advice/race/trials.ts";
import { roundOf } from "../fixture.ts";
import { JOB } from "../../timing/fake.ts";

function stateOf(raced: readonly Candidate[]): Trials {
  return new Trials({
    ...{ job: JOB, raced, mostTrials: 9, timeoutMs: 1000, sampled: 100, failedShare: 0, kept: 0 },
    plan: { sequentialItems: 10, items: 100, rounds: 3, allowanceMs: 1000, hardMs: 2000 },
    judge: {
      expectedMs: (_, items) => items,
      byChance: () => 1,
      scaledBy: () => (_, { runMs }) => runMs,
      isDecided: () => false,
      isUnclear: () => true,
      instead: () => [],
      isNeedless: () => false,
    },
    checksumOf: () => undefined,
    leftMs: () => 500,
    seed: 1,
    runTrial: () => Promise.reject(new Error("nothing is run here")),
    signal: new AbortController().signal,
  });
}

Deno.test("of those that never ran to their end who was stopped comes last, and else who has most in flight", () => {
  const state = stateOf([8, 16, 2, 4, 32].map(eventLoop));
  const [eight, , two, , ended] = state.runners;
  eight!.stops = 1;
  two!.stops = 2;
  ended!.rounds.push(roundOf({ runMs: 5 }));
  assertEquals(state.unrun.map(({ candidate }) => nameOf(candidate)), [
    "limited (4 slots)",
    "limited (16 slots)",
    "limited (8 slots)",
    "limited (2 slots)",
  ]);
});
