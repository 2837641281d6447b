import { assertEquals } from "@std/assert";
import { sayFinding } from "../../lib/advice/findings/findings.ts";
import { say } from "../../lib/advice/say.ts";
import { sayAll } from "../../lib/text/fill.ts";

Deno.test("the end of a figure's name says how it is shown", () => {
  assertEquals(
    say("no gain.little", { items: "9 items", allMs: 1500, savedMs: 20, startMs: 0.04 }),
    "9 items take 1.50 s in all, of which no model could save more than 20.0 ms, and starting lanes " +
      "alone takes 0.04 ms.",
  );
  assertEquals(
    say("no gain.dealing", { taskTinyMs: 0.04 }),
    "a task computes for 40.0 µs, less than it takes to deal it out. Make one item of many to gain " +
      "from lanes.",
  );
  assertEquals(
    say("memory.in flight", { model: "M", inFlight: 3, allBytes: 2e9, free: "" }),
    "M has 3 in flight: up to 2 GB.",
  );
  assertEquals(say("gained", { gain: { median: 2, low: 1.5, high: 3 } }), "gained 2.00× 1.50–3.00");
  assertEquals(
    say("surprise", { name: "M", predictedGain: 2, measuredGain: 0.5 }),
    "M: 2.00× predicted, 0.50× measured.",
  );
  assertEquals(say("unclear.rounds", { rounds: 1000 }).slice(0, 12), "1000 rounds ");
});

Deno.test("sentences that don't apply leave no gap", () => {
  assertEquals(sayAll("A.", false, undefined, "", "B."), "A. B.");
  const figures = { sampleBytes: 3e8, taskBytes: 0, inFlight: 4, measuredBytes: null, model: "M" };
  assertEquals(
    sayFinding({ kind: "memory", ...figures }),
    "The tasks of the sample raised the peak memory by 300 MB one by one. A worker that runs out of " +
      "memory takes the whole program with it; a process doesn't.",
  );
});
