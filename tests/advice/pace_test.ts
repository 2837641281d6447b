import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TrialSpec } from "../../lib/timing/spec.ts";
import { rateOf } from "../../lib/advice/program.ts";
import { costLine, recommendationLines } from "../../lib/report/advice/advice_words.ts";
import type { LanePermissions } from "../../lib/lanes/permissions.ts";
import { JOB } from "../timing/fake.ts";
import { adviceOn, asPredicted } from "./advice_on.ts";

/** A trial with a server that allows `perSecond` requests a second. */
function limitedTo(perSecond: number, { rate }: TrialSpec) {
  if (rate === undefined) return { runMs: 4000, pacePerSecond: perSecond };
  const asked = Math.round(1000 * rate.limit / rate.perMs);
  const count = Math.max(0, asked - perSecond);
  const failure = { reason: "Error", count, index: 20, message: "slow down", status: 429 };
  return {
    runMs: 1000,
    succeeded: asked - count,
    failed: count,
    ...(count > 0 && { failures: [failure], pacePerSecond: perSecond }),
  };
}

const WAITING = { waitMs: 30, items: 120 };

Deno.test("advise() keeps to the pace of a server that refuses the plain loop, and races nothing", async () => {
  const trials: TrialSpec[] = [];
  const advice = await adviceOn(
    { ...WAITING, waitMs: 20, refused: { count: 40, status: 429 } },
    (trial) => {
      trials.push(trial);
      return limitedTo(20, trial);
    },
  );
  // The first trial asks faster than the server allows, which shows its pace; the second tries that pace.
  assertEquals(trials.map(({ rate, retries }) => [rate, retries]), [
    [{ limit: 12, perMs: 100 }, undefined],
    [{ limit: 2, perMs: 100 }, undefined],
  ]);
  const { recommended, code, hazards } = advice;
  assertEquals([recommended.model, recommended.decision], ["sequential", "server's pace"]);
  assertStringIncludes(recommended.reason, "about 20 a second, so 120 items take 6.00 s");
  assertStringIncludes(code, "{ retries: 5, rate: { limit: 2, perMs: 100 } }");
  assertEquals(recommended.rate, { limit: 2, perMs: 100 });
  assertStringIncludes(recommendationLines(advice).join(" "), "Rate: at most 2 starts in 100 ms.");
  const rate = hazards.find(({ kind }) => kind === "rate");
  assertStringIncludes(rate!.text, "HTTP 429");
  assertEquals([rate?.figures?.perSecond, rate?.figures?.refused], [20, 40]);
  assertEquals(advice.partial, undefined);
  // Once in the sample, and in each trial.
  assertEquals(advice.cost.timesRun, 3);
  assertStringIncludes(costLine(advice), "more than 3 times, tries after a refusal aside.");
  // The predicted times and gains are for the server's pace, not for requests that are refused at once.
  assertEquals(Math.round(advice.models[0]!.predictedMs / 100), 60);
  assert(advice.models.every(({ predictedGain }) => predictedGain <= 1));
});

Deno.test("advise() takes a plain loop's own pace for no limit of the server", async () => {
  const made = { waitMs: 30, items: 120, refused: { count: 6, status: 429 } };
  const { recommended } = await adviceOn(made, (trial) => limitedTo(60, trial));
  assertEquals([recommended.name, recommended.rate], ["limited (2 slots)", {
    limit: 6,
    perMs: 100,
  }]);
});

Deno.test("advise() gives slots to a pace that keeps several busy", async () => {
  const made = { waitMs: 200, items: 100, refused: { count: 3, status: 503 } };
  const { recommended } = await adviceOn(made, (trial) => limitedTo(10, trial));
  // An answer takes 206 ms, so two slots make 10 requests a second.
  assertEquals(recommended.name, "limited (2 slots)");
});

Deno.test("advise() takes refusals as frequent at any rate for failures by chance, and races", async () => {
  const made = { ...WAITING, refused: { count: 12, status: 503 } };
  const rates: number[] = [];
  const advice = await adviceOn(made, ({ rate }, items, runMs) => {
    if (rate !== undefined) rates.push(rate.limit);
    const failed = items / 10;
    const failure = { reason: "Error", count: failed, index: 20, message: "down", status: 503 };
    return { runMs, failed, succeeded: items - failed, failures: [failure] };
  });
  assertEquals(rates.length, 1);
  assertEquals(advice.recommended.model, "concurrent");
  assert(advice.hazards.some(({ kind }) => kind === "failures"));
  assert(!advice.hazards.some(({ kind }) => kind === "rate"));
});

Deno.test("advise() looks for the rate that is borne where nothing goes through meanwhile", async () => {
  const made = { ...WAITING, refused: { count: 60, status: 429 } };
  const { recommended } = await adviceOn(made, (trial) => {
    const { pacePerSecond: _, ...told } = limitedTo(10, trial);
    return trial.rate === undefined ? { runMs: 4000, pacePerSecond: 5 } : told;
  });
  assert(recommended.rate!.perMs >= 100 && recommended.rate!.perMs <= 125);
});

Deno.test("advise() gives no pace that a server let through until its window was full, and refuses then", async () => {
  const refused = { count: 40, status: 429, pacePerSecond: 46 };
  const advice = await adviceOn({ ...WAITING, refused }, (trial) => {
    const { pacePerSecond: _, ...told } = limitedTo(3, trial);
    return trial.rate === undefined ? { runMs: 4000 } : told;
  });
  assertEquals([advice.recommended.decision, advice.recommended.rate], [
    "server's pace",
    undefined,
  ]);
  const rate = advice.hazards.find(({ kind }) => kind === "rate")!;
  assertEquals(rate.figures?.perSecond, null);
  assertStringIncludes(rate.text, "Its pace could not be measured.");
});

Deno.test("advise() gives the pace that it saw where a busy machine, or no time, keeps it from being tried", async () => {
  const refused = { count: 40, status: 429, pacePerSecond: 30 };
  const nothing = { runMs: 1, succeeded: 0 };
  for (const isOver of [false, true]) {
    const advice = await adviceOn({ ...WAITING, refused }, (trial) => {
      if (isOver) return nothing;
      const told = limitedTo(30, trial);
      // Of what isn't refused half as much is done in the time as its rate allows.
      return "failures" in told ? told : { runMs: 1000, succeeded: 15 };
    });
    assertEquals(advice.recommended.rate, { limit: 3, perMs: 100 });
    const { text } = advice.hazards.find(({ kind }) => kind === "rate")!;
    assertStringIncludes(text, "It lets about 30 a second through");
  }
});

Deno.test("advise() doesn't recommend more slots than a long job may have, though a short race bore them", async () => {
  const failures = [{
    reason: "HTTP 429",
    count: 60,
    index: 20,
    message: "slow down",
    status: 429,
  }];
  const advice = await adviceOn({ waitMs: 100, items: 120 }, (trial, items, runMs) => {
    if (trial.retries !== undefined) return { runMs: 3000, pacePerSecond: 20 };
    const inFlight = trial.model === "sequential" ? 1 : trial.slots ?? items;
    // In so short a race, a burst hides the limit from up to four in flight.
    return inFlight * (trial.lanes ?? 1) > 4
      ? { runMs: runMs / 2, failed: 60, succeeded: items - 60, failures }
      : { runMs };
  });
  assertEquals(advice.recommended.name, "limited (2 slots)");
  assertEquals(advice.recommended.decision, "server's pace");
  const refused = advice.hazards.find(({ kind }) => kind === "refused")!;
  for (const part of ["HTTP 429", "slow down", "about 20 a second", "failing fast is no speed"]) {
    assertStringIncludes(refused.text, part);
  }
});

Deno.test("advise() takes a server that bears so many at once for what it is, and measures no pace", async () => {
  const failures = [{ reason: "Error", count: 60, index: 20, message: "busy", status: 503 }];
  const asked: number[] = [];
  const { recommended } = await adviceOn({ waitMs: 20 }, (trial, items, runMs) => {
    const inFlight = trial.model === "sequential" ? 1 : (trial.slots ?? items) * (trial.lanes ?? 1);
    if (trial.retries !== undefined) asked.push(inFlight);
    return inFlight > 8 ? { runMs, failed: 60, succeeded: items - 60, failures } : { runMs };
  });
  assertEquals(recommended.name, "limited (8 slots)");
  assertEquals(asked, [8]);
});

Deno.test("advise() finds the rate that a server bears which refuses two at once, but not one by one", async () => {
  const failures = [{ reason: "Error", count: 40, index: 20, message: "slow down", status: 429 }];
  const advice = await adviceOn(
    { waitMs: 30, items: 120 },
    (trial, items, runMs) =>
      trial.rate !== undefined
        ? limitedTo(50, trial)
        : trial.model === "sequential"
        ? { runMs }
        : { runMs, failed: 40, succeeded: items - 40, failures },
  );
  const { recommended, hazards, code } = advice;
  assertEquals([recommended.name, recommended.decision], ["limited (2 slots)", "server's pace"]);
  assert(Math.abs(recommended.predictedGain - 50 * 0.03) < 0.02, `${recommended.predictedGain}`);
  assertStringIncludes(code, "{ retries: 5, rate: { limit: 5, perMs: 100 } }");
  const { text } = hazards.find(({ kind }) => kind === "refused")!;
  assertStringIncludes(text, "limits their rate: about 50 a second went through");
});

Deno.test("advise() tries no rate at which the items don't last for a try", async () => {
  const failures = [{ reason: "Error", count: 20, index: 20, message: "slow down", status: 429 }];
  const rates: number[] = [];
  const { recommended } = await adviceOn({ waitMs: 50, items: 40 }, (trial, items, runMs) => {
    const { model, rate } = trial;
    if (rate === undefined) {
      return model === "sequential"
        ? { runMs }
        : { runMs, failed: 20, succeeded: items - 20, failures };
    }
    const perSecond = 1000 * rate.limit / rate.perMs;
    rates.push(perSecond);
    return { runMs: 1000 * Math.min(1, 40 / perSecond), succeeded: Math.min(40, perSecond) };
  });
  assertEquals(rates.map(Math.round), [40]);
  assertEquals(recommended.rate, { limit: 4, perMs: 101 });
});

Deno.test("advise() stays with the plain loop if every faster rate is refused, or goes no faster", async () => {
  const failures = [{ reason: "Error", count: 40, index: 20, message: "slow down", status: 429 }];
  for (const slow of [false, true]) {
    const { recommended } = await adviceOn(
      WAITING,
      (trial, items, runMs) =>
        trial.rate !== undefined
          ? slow ? { runMs: 1000, succeeded: 9 } : limitedTo(33, trial)
          : trial.model === "sequential"
          ? { runMs }
          : { runMs, failed: 40, succeeded: items - 40, failures },
    );
    assertEquals([recommended.model, recommended.rate], ["sequential", undefined]);
  }
});

Deno.test("rateOf() never allows more than the pace, and no less than one start", () => {
  assertEquals(rateOf(20.9), { limit: 2, perMs: 96 });
  assertEquals(rateOf(0.3), { limit: 1, perMs: 3334 });
  for (const none of [null, 0, NaN]) assertEquals(rateOf(none), undefined);
});

Deno.test("a gain is less sure where a server was never asked for so many items in one go", async () => {
  const items = { kind: "module", module: JOB.task.module, export: "items" } as const;
  const job = (permissions: LanePermissions) => ({ job: { ...JOB, items, permissions } });
  const made = { waitMs: 30, items: 100, total: 10_000 };
  const asked = await adviceOn(made, asPredicted, job({ net: true }));
  assertEquals(asked.recommended.confidence, 0.8);
  assertStringIncludes(asked.recommended.reason, "may refuse some of it");
  const { measured } = asked.models.find(({ name }) => name === asked.recommended.name)!;
  const said = recommendationLines(asked).join(" ");
  assertStringIncludes(said, ` for 10,000 items, by runs of ${measured!.items};`);
  for (const [of, more] of [[made, {}], [{ ...made, total: 100 }, job({ net: true })]] as const) {
    const { recommended } = await adviceOn(of, asPredicted, more);
    assert(recommended.confidence > 0.8 && !recommended.reason.includes("refuse"));
  }
  // A job that was seen not to use the network asks no server.
  const alone = await adviceOn(made, asPredicted, job({ net: true }), false, undefined, {
    usesNetwork: false,
  });
  assert(alone.recommended.confidence > 0.8 && !alone.recommended.reason.includes("refuse"));
  // A job that only computes asks no server.
  const computes = { computeMs: 30, items: 100, total: 10_000 };
  const { recommended } = await adviceOn(computes, asPredicted, job({ net: true }));
  assert(recommended.model !== "sequential" && !recommended.reason.includes("refuse"));
});

Deno.test("advise() takes a plain loop that is refused in the race for refused, and not for fast", async () => {
  const quota = { reason: "HTTP 429", count: 100, index: 0, message: "used up", status: 429 };
  const failures = [{ ...quota, retryAfterMs: 3_600_000 }];
  const trials: string[] = [];
  const { recommended, hazards, models } = await adviceOn(WAITING, ({ model, retries }, items) => {
    trials.push(`${model}${retries ? " with retries" : ""}`);
    return { runMs: items / 10, failed: items, succeeded: 0, failures };
  });
  assertEquals(trials, ["sequential"], "nobody is asked who wants to be left alone for an hour");
  assertEquals([recommended.model, recommended.decision], ["sequential", "server's pace"]);
  assert(recommended.confidence <= 0.6);
  assertEquals(hazards.map(({ kind }) => kind), ["rate"]);
  assertStringIncludes(hazards[0]!.text, "items already one by one (HTTP 429, Retry-After 1h)");
  assertEquals(models.find(({ model }) => model === "sequential")?.out, "failures");
});
