import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Candidate } from "../../../lib/advice/prediction/candidate.ts";
import { clearlySlower, nextRound, race } from "../../../lib/advice/race/race.ts";
import type { RaceJudge } from "../../../lib/advice/race/race_judge.ts";
import type { RaceOptions } from "../../../lib/advice/race/trials.ts";
import { eventLoop } from "../../../lib/advice/prediction/candidate.ts";
import { failingOf } from "../../../lib/advice/race/failing.ts";
import type { Race, Runner } from "../../../lib/advice/race/runner.ts";
import { substitutes } from "../../../lib/advice/race/race_judge.ts";
import type { Round } from "../../../lib/timing/result.ts";
import type { TrialSpec } from "../../../lib/timing/spec.ts";
import { roundOf } from "../fixture.ts";

function runner(model: Candidate["model"], ...times: number[]): Runner {
  return {
    candidate: { model, lanes: 2, slots: 1 },
    items: 10,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  };
}

const slower = (...runners: Runner[]) =>
  clearlySlower(runners, (_runner, { runMs }) => runMs).map(({ candidate }) => candidate.model);

Deno.test("clearlySlower() asks less of a difference the more rounds agree on it", () => {
  assertEquals(slower(runner("workers", 100), runner("processes", 290)), []);
  assertEquals(slower(runner("workers", 100), runner("processes", 310)), ["processes"]);
  const three = runner("workers", 100, 100, 100);
  assertEquals(slower(three, runner("processes", 140, 150, 140)), ["processes"]);
  assertEquals(slower(three, runner("processes", 140, 150, 110)), []);
});

Deno.test("clearlySlower() pairs rounds, so that a slow moment of the machine blames nobody", () => {
  assertEquals(slower(runner("workers", 100, 300), runner("processes", 120, 330)), []);
});

Deno.test("clearlySlower() never takes out the plain loop", () => {
  assertEquals(slower(runner("sequential", 900, 900), runner("workers", 100, 100)), []);
});

const RUNNERS = [
  runner("sequential", 30),
  runner("concurrent", 90),
  runner("limited", 70),
  runner("workers", 50),
];

const chosen = (leftMs: number) =>
  nextRound(RUNNERS, leftMs, (_runner, { runMs }) => runMs)
    .map(({ candidate }) => candidate.model);

Deno.test("nextRound() runs the two best again, then sequential, then the others", () => {
  assertEquals(chosen(1000), ["workers", "limited", "sequential", "concurrent"]);
  assertEquals(chosen(200), ["workers", "limited", "sequential"]);
  assertEquals(chosen(120), ["workers", "limited"]);
});

Deno.test("nextRound() runs nobody where not even two can be compared", () => {
  assertEquals(chosen(119), []);
});

Deno.test("nextRound() passes over what hasn't run yet", () => {
  const unstarted = { ...runner("processes", 1), rounds: [] };
  assertEquals(nextRound([...RUNNERS, unstarted], 1000, () => 1).length, 4);
});

const SEQUENTIAL: Candidate = { model: "sequential", lanes: 1, slots: 1 };
const CONCURRENT: Candidate = { model: "concurrent", lanes: 1, slots: Infinity };
const WORKERS: Candidate = { model: "workers", lanes: 2, slots: 1 };

const ALLOWED = { cores: 2, waits: true, canTravel: true };
const lastMs = ({ rounds }: Runner) => rounds.at(-1)!.runMs;

type Fake = (trial: TrialSpec) => Partial<Round> & { runMs: number };

function optionsFor(
  raced: readonly Candidate[],
  fake: Fake,
): RaceOptions & { trials: TrialSpec[] } {
  const trials: TrialSpec[] = [];
  return {
    trials,
    job: {
      name: "made up",
      task: { module: "data:,", export: "default" },
      items: { kind: "values", values: Array.from({ length: 64 }, (_, item) => item) },
      options: {},
    },
    plan: { sequentialItems: 64, items: 64, rounds: 3, allowanceMs: 1e6, hardMs: 1e6 },
    raced,
    mostTrials: 30,
    timeoutMs: 1000,
    sampled: 1,
    failedShare: 0,
    checksumOf: (count) => count === 64 ? "same" : undefined,
    kept: 64,
    judge: {
      expectedMs: () => 10,
      byChance: () => 1,
      scaledBy: () => (_runner, { runMs }) => runMs,
      isDecided: () => true,
      isUnclear: () => false,
      instead: () => [],
      isNeedless: () => false,
    },
    leftMs: () => 1e6,
    pause: () => Promise.resolve(),
    seed: 1,
    signal: new AbortController().signal,
    runTrial: (trial) => {
      trials.push(trial);
      const { lanes = 1, slots = null } = trial;
      const round = roundOf({ round: trial.round, succeeded: 64, ...fake(trial) });
      const stopped = round.reasons?.cancelled !== undefined;
      return Promise.resolve({ round, lanes, slots, warnings: [], stopped });
    },
  };
}

/** The same options with parts of the judge replaced. */
const judgedBy = <Of extends RaceOptions>(options: Of, judge: Partial<RaceJudge>): Of => ({
  ...options,
  judge: { ...options.judge, ...judge },
});

Deno.test("race() runs every model once a round, until they are told apart", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 10 }));
  const { runners, trials } = await race(options);
  assertEquals(runners.map(({ rounds }) => rounds.length), [3, 3]);
  assertEquals(trials, 6);
  assertEquals(options.trials.map(({ round }) => round), [0, 0, 1, 1, 2, 2]);
  assert(options.trials.every((trial) => !("prefix" in trial)), "no part of the results is known");
});

Deno.test("race() goes on while undecided, but never past its allowance or its trials", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 10 }));
  const undecided = judgedBy(options, { isDecided: () => false });
  assertEquals((await race(undecided)).trials, 14);
  assertEquals((await race({ ...undecided, mostTrials: 5 })).trials, 5);
  const plan = { ...undecided.plan, allowanceMs: 45 };
  assertEquals((await race({ ...undecided, plan })).costMs, 40);
});

Deno.test("race() spends no more on a further round than its allowance, unless that buys none", async () => {
  const runMs: { readonly [model: string]: number } = {
    sequential: 100,
    concurrent: 20,
    limited: 21,
    workers: 55,
  };
  const limited: Candidate = { model: "limited", lanes: 1, slots: 2 };
  const roundsFor = async (allowanceMs: number) => {
    const options = optionsFor(
      [SEQUENTIAL, CONCURRENT, limited, WORKERS],
      ({ model }) => ({ runMs: runMs[model]! }),
    );
    const undecided = judgedBy(options, { isDecided: () => false, isUnclear: () => true });
    const plan = { ...options.plan, allowanceMs };
    const { runners } = await race({ ...undecided, plan });
    return runners.map(({ rounds }) => rounds.length);
  };
  // A round of the two fast models takes 41 ms, with the plain loop 141 ms.
  assertEquals(await roundsFor(130), [1, 7, 7, 1]);
  // After all have run twice, rounds of two are enough as well.
  assertEquals(await roundsFor(30), [2, 7, 7, 2]);
});

Deno.test("race() takes out what is clearly slower, fails, or gives other results", async () => {
  const runMs: { readonly [model: string]: number } = {
    sequential: 100,
    concurrent: 10,
    limited: 90,
    workers: 12,
    processes: 11,
  };
  const limited: Candidate = { model: "limited", lanes: 1, slots: 2 };
  const processes: Candidate = { model: "processes", lanes: 2, slots: 1 };
  const options = optionsFor(
    [SEQUENTIAL, CONCURRENT, limited, WORKERS, processes],
    ({ model }) => ({
      runMs: runMs[model]!,
      ...(model === "workers" && { checksum: "other" }),
      ...(model === "processes" && { failed: 4 }),
    }),
  );
  const { runners } = await race(options);
  assertEquals(
    runners.map(({ candidate, out }) => [candidate.model, out]),
    [
      ["sequential", undefined],
      ["concurrent", undefined],
      ["limited", "slower"],
      ["workers", "results"],
      ["processes", "failures"],
    ],
  );
});

Deno.test("race() blames nobody if sequential doesn't repeat its own results", async () => {
  let draw = 0;
  const { runners, unrepeatable } = await race(
    optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 10, checksum: `${draw++}` })),
  );
  assert(unrepeatable);
  assertEquals(runners.map(({ out }) => out), [undefined, undefined]);
});

Deno.test("race() keeps what it has when it is aborted, and says so", async () => {
  const abort = new AbortController();
  const options = optionsFor([SEQUENTIAL, WORKERS], () => {
    abort.abort();
    return { runMs: 10 };
  });
  const { partial, trials } = await race({ ...options, signal: abort.signal });
  assert(partial);
  assertEquals(trials, 1);
});

Deno.test("race() goes on without a model that can't run", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 10 }));
  const { runners } = await race({
    ...options,
    runTrial: (trial, more) =>
      trial.model === "workers"
        ? Promise.reject(new Error("no threads"))
        : options.runTrial(trial, more),
  });
  assertEquals(runners.map(({ out }) => out), [undefined, "broken"]);
  assertEquals(runners[1]!.error, "no threads");
});

Deno.test("race() finds how many slots a server that refuses still serves", async () => {
  const most = 8;
  const inFlight = ({ slots = 64 }: TrialSpec) => Math.min(slots, 64);
  const options = optionsFor([SEQUENTIAL, CONCURRENT], (trial) => ({
    runMs: 1000 / (trial.model === "sequential" ? 1 : inFlight(trial)),
    failed: trial.model !== "sequential" && inFlight(trial) > most ? 20 : 0,
  }));
  const instead: RaceJudge["instead"] = (of) => substitutes(of, ALLOWED, lastMs);
  const { runners } = await race(judgedBy(options, { instead }));
  const kept = runners.filter(({ out }) => out === undefined).map(({ candidate }) =>
    candidate.slots
  );
  assertEquals(Math.max(...kept), 8);
});

Deno.test("race() skips what it can't afford once predictions have failed", async () => {
  const raced = [SEQUENTIAL, CONCURRENT, WORKERS, { ...WORKERS, slots: 4 }];
  const options = optionsFor(raced, () => ({ runMs: 100 }));
  const plan = { ...options.plan, allowanceMs: 200, hardMs: 220 };
  const expectedMs = ({ model }: Candidate) => model === "sequential" ? 100 : 5;
  const { costMs } = await race({ ...judgedBy(options, { expectedMs }), plan });
  assertEquals(costMs, 200);
});

Deno.test("race() stops a model that takes longer than the plain loop, and keeps its time out", async () => {
  const options = optionsFor(
    [SEQUENTIAL, CONCURRENT],
    ({ model, mostMs }) =>
      model === "sequential"
        ? { runMs: 1000 }
        : { runMs: mostMs!, failed: 30, succeeded: 34, reasons: { cancelled: 30 } },
  );
  const expectedMs = ({ model }: Candidate) => model === "sequential" ? 1000 : 20;
  const { runners: [, once] } = await race(judgedBy(options, { expectedMs }));
  assertEquals([once?.out, once?.stops, once?.rounds], [undefined, 1, []]);
  // One trial may have been disturbed, so the second decides.
  const isUnclear = ({ untried }: Race) => untried > 0;
  const { runners: [, twice] } = await race(judgedBy(options, { expectedMs, isUnclear }));
  assertEquals([twice?.out, twice?.stops, twice?.rounds], ["slower", 2, []]);
  assertEquals(options.trials.find(({ model }) => model === "concurrent")?.mostMs, 1400);
});

Deno.test("race() compares the first results with the sample's, and the others among themselves", async () => {
  const raced = [SEQUENTIAL, CONCURRENT, WORKERS];
  const options = optionsFor(raced, () => ({ runMs: 10 }));
  const prefixOf = ({ model }: TrialSpec) => model === "workers" ? "other" : "first";
  const { runners } = await race({
    ...options,
    checksumOf: (count) => count === 16 ? "first" : undefined,
    kept: 16,
    runTrial: async (trial, more) => ({
      ...await options.runTrial(trial, more),
      ...(trial.prefix !== undefined && { prefixChecksum: prefixOf(trial) }),
    }),
  });
  assertEquals(options.trials.map(({ prefix }) => prefix).filter((of) => of !== 16), []);
  assertEquals(runners.map(({ out }) => out), [undefined, undefined, "results"]);
});

Deno.test("race() compares as many results as are run with the sample's, however many these are", async () => {
  const options = optionsFor([SEQUENTIAL, CONCURRENT], () => ({ runMs: 10 }));
  const othersOf = async (others: number) => {
    const { otherResults } = await race({
      ...options,
      plan: { ...options.plan, sequentialItems: 8 },
      checksumOf: (count) => count === others ? "others" : undefined,
    });
    return otherResults;
  };
  assertEquals([await othersOf(8), await othersOf(9)], [true, false]);
});

Deno.test("race() learns from a round that ended early how many items there are", async () => {
  const options = optionsFor([SEQUENTIAL, CONCURRENT], ({ model }) => ({
    runMs: 10,
    checksum: model,
    succeeded: model === "sequential" ? 64 : 40,
  }));
  const plan = { ...options.plan, sequentialItems: 8 };
  const { total, runners } = await race({ ...options, plan });
  assertEquals(total, 40);
  assertEquals(runners.map(({ items }) => items), [8, 40]);
});

Deno.test("race() blames nobody for a machine that became slower for the plain loop too", async () => {
  // 1000 ms were predicted, but everything takes twice as long by now.
  let stopped = 0;
  const options = optionsFor([SEQUENTIAL, WORKERS], ({ model, mostMs = Infinity }) => {
    const runMs = model === "sequential" ? 2000 : 1900;
    if (runMs < mostMs) return { runMs };
    stopped++;
    return { runMs: mostMs, failed: 30, succeeded: 34, reasons: { cancelled: 30 } };
  });
  const expectedMs = ({ model }: Candidate) => model === "sequential" ? 1000 : 600;
  const { runners, untried } = await race(judgedBy(options, { expectedMs }));
  const workers = runners.find(({ candidate }) => candidate.model === "workers");
  assert(workers === undefined || workers.out === undefined);
  if (stopped > 0) assertEquals(untried, 1);
  // If the budget allows it, the model runs to its end.
  const isUnclear = ({ untried }: Race) => untried > 0;
  const again = await race(judgedBy(options, { expectedMs, isUnclear }));
  const ran = again.runners.find(({ candidate }) => candidate.model === "workers")!;
  assertEquals([ran.rounds.length > 0, ran.out], [true, undefined]);
});

Deno.test("race() learns nothing of an endless source from a trial that its limit ended", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 10 }));
  const { total } = await race({
    ...options,
    runTrial: async (trial, more) => {
      const result = await options.runTrial(trial, more);
      // Tasks that never wait aren't cancelled: those handed out end, and no more are handed out.
      return trial.model === "sequential"
        ? { ...result, round: { ...result.round, succeeded: 31 }, stopped: true }
        : result;
    },
  });
  assertEquals(total, undefined);
});

Deno.test("nextRound() runs the plain loop no more once it ran twice and two others are thrice as fast", () => {
  const of = (plain: number[], ...others: number[][]) =>
    nextRound(
      [
        runner("sequential", ...plain),
        ...others.map((times, at) => runner((["workers", "processes"] as const)[at]!, ...times)),
      ],
      1e6,
      (_runner, { runMs }) => runMs,
    ).map(({ candidate }) => candidate.model);
  const fast = [[100, 100], [110, 110]];
  assertEquals(of([400, 400], ...fast), ["workers", "processes"]);
  assertEquals(of([400], ...fast), ["workers", "processes", "sequential"]);
  assertEquals(of([330, 330], ...fast), ["workers", "processes", "sequential"], "just thrice");
  assertEquals(of([400, 400], fast[0]!), ["workers", "sequential"], "alone with it");
});

Deno.test("race() gives a first trial the plain loop's time and 0.15 s, that loop twice so long, and others what is left", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], ({ model }) => ({
    runMs: model === "sequential" ? 200 : 60,
  }));
  const plan = { ...options.plan, hardMs: 5000 };
  await race({ ...judgedBy(options, { expectedMs: () => 100 }), plan });
  const limits = Map.groupBy(options.trials, ({ model }) => model);
  const mostMs = (model: TrialSpec["model"]) => limits.get(model)!.map(({ mostMs }) => mostMs);
  // At first 100 ms are expected of the plain loop; then 200 ms were measured.
  assertEquals(mostMs("sequential"), [2 * 250, 2 * 350, 2 * 350]);
  // Items whose times are random may take longer.
  const chance = optionsFor([SEQUENTIAL], () => ({ runMs: 10 }));
  await race(judgedBy(chance, { expectedMs: () => 100, byChance: (items) => items / 32 }));
  assertEquals(chance.trials[0]!.mostMs, 2 * 2 * 250);
  const [first, second, third] = mostMs("workers");
  assertEquals(first, 350);
  const places = options.trials.map(({ model }, place) => model === "workers" ? place : -1)
    .filter((place) => place >= 0);
  const spentMs = (until: number) =>
    options.trials.slice(0, until)
      .reduce((sum, { model }) => sum + (model === "sequential" ? 200 : 60), 0);
  assertEquals([second, third], places.slice(1).map((place) => 5000 - spentMs(place)));
});

Deno.test("race() tries what it can afford, if it takes as much longer as the others did", async () => {
  const raced = [SEQUENTIAL, CONCURRENT, WORKERS];
  const ran = async (hardMs: number, surprise: number) => {
    const options = optionsFor(raced, ({ model }) => ({
      runMs: model === "sequential" ? 1000 : 100 * surprise,
    }));
    const plan = { ...options.plan, allowanceMs: hardMs, hardMs };
    const expectedMs = ({ model }: Candidate) => model === "sequential" ? 1000 : 100;
    const { untried, runners } = await race({ ...judgedBy(options, { expectedMs }), plan });
    assertEquals(runners.length, raced.length - untried, "what never ran has nothing to tell");
    return runners.length;
  };
  assertEquals(await ran(1200, 1), 3);
  assertEquals(await ran(1199, 1), 2);
  assertEquals(await ran(1600, 3), 3);
  assertEquals(await ran(1599, 3), 2, "the first took three times as long as predicted");
  // No model is expected to take much longer than the plain loop.
  assertEquals(await ran(1000 + 1300 + 1200, 13), 3);
  assertEquals(await ran(1000 + 1300 + 1199, 13), 2);
});

Deno.test("race() takes no model out for failures that chance explains, and any for more", async () => {
  const out = async (failed: number, failedShare: number, sampled = 64) => {
    const options = optionsFor([SEQUENTIAL, WORKERS], ({ model }) => ({
      runMs: 10,
      ...(model === "workers" && { failed, succeeded: 64 - failed }),
    }));
    return (await race({ ...options, failedShare, sampled })).runners[1]!.out;
  };
  assertEquals([await out(0, 0), await out(1, 0)], [undefined, "failures"]);
  // A tenth of 64 items fail one by one; three standard deviations are 10.2, and one more is allowed.
  assertEquals([await out(17, 0.1), await out(18, 0.1)], [undefined, "failures"]);
  // Of a smaller sample the share is known less.
  assertEquals([await out(22, 0.1, 20), await out(23, 0.1, 20)], [undefined, "failures"]);
});

Deno.test("race() measures nothing of a job whose items are gone once they are done", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 0, succeeded: 0 }));
  const { runners: [plain] } = await race({ ...options, sampled: 20 });
  assertEquals([plain!.out, plain!.rounds, options.trials.length], ["broken", [], 1]);
  assertMatch(plain!.error!, /gave 20 items or more at first, and gives 0 now: export reset\(\)/);
});

Deno.test("race() compares no results where some items fail by chance", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], ({ model }) => ({
    runMs: 10,
    failed: 3,
    succeeded: 61,
    checksum: model,
  }));
  const { runners } = await race({ ...options, failedShare: 0.05 });
  assertEquals(runners.map(({ out }) => out), [undefined, undefined]);
});

Deno.test("race() takes results that changed once and for all for the race's own, not for chance", async () => {
  const of = async (checksum: (trial: TrialSpec) => string) => {
    const options = optionsFor([SEQUENTIAL, WORKERS], (trial) => ({
      runMs: 10,
      checksum: checksum(trial),
    }));
    const { otherResults, unrepeatable, runners } = await race(options);
    return { otherResults, unrepeatable, out: runners.map(({ out }) => out) };
  };
  const out = [undefined, undefined];
  assertEquals(await of(() => "new"), { otherResults: true, unrepeatable: false, out });
  const drawn = await of(({ model, round }) => model === "sequential" ? `${round}` : "same");
  assertEquals(drawn, { otherResults: true, unrepeatable: true, out });
  assertEquals(await of(() => "same"), { otherResults: false, unrepeatable: false, out });
});

Deno.test("race() goes on beyond its allowance while it can't tell, and says what ended it", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 10 }));
  const plan = { ...options.plan, rounds: 1, allowanceMs: 15 };
  const of = async ({ isUnclear = () => false, expectedMs = () => 10, ...more }: Partial<
    RaceOptions & RaceJudge
  >) => {
    const { trials, endedBy } = await race({
      ...judgedBy(options, { isUnclear, expectedMs }),
      plan,
      ...more,
    });
    return { trials, endedBy };
  };
  const none = { endedBy: undefined };
  assertEquals(await of({}), { trials: 2, ...none });
  const isUnclear = () => true;
  assertEquals(await of({ isUnclear, leftMs: () => 0 }), { trials: 2, ...none });
  assertEquals(await of({ isUnclear }), { trials: 14, endedBy: "trials" });
  assertEquals(await of({ isUnclear, mostTrials: 6 }), { trials: 6, endedBy: "trials" });
  assertEquals(await of({ isUnclear, leftMs: () => 19 }), {
    trials: 2,
    endedBy: "budget",
  });
  const { trials: limits } = options;
  limits.length = 0;
  // Each trial gets at most the time that is left then.
  await of({ isUnclear, leftMs: () => 120, expectedMs: () => 100 });
  assertEquals(new Set(limits.slice(2).map(({ mostMs }) => mostMs)), new Set([120]));
  const isSoon = ({ trials }: Race) => trials < 6;
  assertEquals(await of({ isUnclear: isSoon }), { trials: 6, endedBy: undefined });
});

Deno.test("race() has the plain loop run all that others run where its few items took too long, and no gain is clear", async () => {
  const ran = async (
    dearMs: number,
    { isUnclear = (): boolean => true, few = 8, mostMs = 1e6, allMs = 680 } = {},
  ) => {
    let leftMs = mostMs;
    const fake: Fake = ({ job: { items }, model }) => {
      const succeeded = items.kind === "values" ? items.values.length : 0;
      const plainMs = succeeded === 64 ? allMs : 10 * succeeded + dearMs;
      const runMs = model === "sequential" ? plainMs : 10 * succeeded;
      leftMs -= runMs;
      return { succeeded, runMs };
    };
    const options = optionsFor([SEQUENTIAL, WORKERS], fake);
    const { runners: [plain, other] } = await race({
      ...judgedBy(options, {
        isUnclear,
        expectedMs: (_, items) => 10 * items,
        scaledBy: () => ({ items }, { runMs }) => 64 * runMs / items,
      }),
      plan: { ...options.plan, sequentialItems: few, rounds: 2 },
      leftMs: () => leftMs,
      checksumOf: () => undefined,
      kept: 0,
    });
    const counts = plain!.rounds.map(({ succeeded }) => succeeded);
    return { items: plain!.items, counts: new Set(counts), others: other!.rounds.length };
  };
  assertEquals(await ran(40), { items: 64, counts: new Set([64]), others: 7 });
  assertEquals(await ran(0), { items: 8, counts: new Set([8]), others: 7 });
  const isUnclear = () => false;
  assertEquals(await ran(40, { isUnclear }), { items: 8, counts: new Set([8]), others: 2 });
  // Half as many items again tell little more, and one round of them would replace all earlier ones.
  assertEquals(await ran(80, { few: 40 }), { items: 40, counts: new Set([40]), others: 7 });
  // If that takes all of the time, the new round has no other to compare with, and isn't used.
  const late = await ran(40, { mostMs: 4000, allMs: 5000 });
  assertEquals(late, { items: 8, counts: new Set([8]), others: 2 });
});

Deno.test("race() tries no more models than planned before there was time for a second round of those that ran", async () => {
  const few: Candidate = { model: "limited", lanes: 1, slots: 2 };
  const ran = async (budgetMs: number) => {
    const options = optionsFor([SEQUENTIAL, WORKERS], () => ({ runMs: 10 }));
    const { runners } = await race({
      ...judgedBy(options, {
        instead: (runners) => runners.length === 2 ? [few] : [],
        isUnclear: () => true,
      }),
      plan: { ...options.plan, rounds: 1, allowanceMs: 15, hardMs: 1000 },
      leftMs: () => budgetMs - 10 * options.trials.length,
    });
    return runners.map(({ candidate, rounds }) => [candidate.model, rounds.length]);
  };
  // Two models ran once, 10 ms each; a third takes as long, and then all run once more.
  assertEquals(await ran(49), [["sequential", 2], ["workers", 2]]);
  assertEquals(await ran(62), [["sequential", 2], ["workers", 2], ["limited", 2]]);
});

Deno.test("race() ends where the plain loop fails that went well in the sample", async () => {
  const ran = async (failed: number) => {
    const options = optionsFor([SEQUENTIAL, CONCURRENT, WORKERS], ({ model }) => ({
      runMs: 10,
      ...(model === "sequential" && { failed, succeeded: 64 - failed }),
    }));
    const { runners, trials } = await race(options);
    return [runners[0]!.out, trials];
  };
  assertEquals(await ran(0), [undefined, 9]);
  assertEquals(await ran(7), ["failures", 1]);
  // Up to a tenth of the items may fail because of another program.
  assertEquals((await ran(6))[1], 9);
});

Deno.test("race() ends where a server asks to be left alone for longer than there is time", async () => {
  const ran = async (retryAfterMs: number) => {
    const options = optionsFor([SEQUENTIAL, CONCURRENT], () => ({ runMs: 10 }));
    const kind = { reason: "Error", count: 9, index: 3, message: "later", status: 429 };
    const { trials } = await race({
      ...judgedBy(options, { instead: (of) => substitutes(of, ALLOWED, lastMs) }),
      leftMs: () => 30_000,
      runTrial: async (trial, more) => {
        const result = await options.runTrial(trial, more);
        return trial.model === "sequential" ? result : {
          ...result,
          round: { ...result.round, failed: 9, succeeded: 55 },
          failures: [{ ...kind, retryAfterMs }],
        };
      },
    });
    return trials;
  };
  assertEquals(await ran(3_600_000), 2);
  assert(await ran(1000) > 2, "fewer slots are tried");
});

Deno.test("race() ends once nothing but the plain loop is left", async () => {
  const options = optionsFor([SEQUENTIAL, WORKERS], ({ model }) => ({
    runMs: 10,
    checksum: model === "workers" ? "other" : "same",
  }));
  assertEquals((await race(judgedBy(options, { isDecided: () => false }))).trials, 2);
});

Deno.test("race() charges no model with what an earlier one's trial did to the server", async () => {
  const limited = (slots: number): Candidate => ({ model: "limited", lanes: 1, slots });
  const ran = async (banned: number) => {
    let ban = 0;
    const pauses: number[] = [];
    const options = optionsFor([SEQUENTIAL, CONCURRENT], (trial) => {
      const isBanned = ban > 0;
      if (trial.model === "sequential") ban--;
      if (trial.model === "concurrent") ban = banned;
      const fails = isBanned || trial.model === "concurrent";
      return { runMs: 100 / (trial.slots ?? 1), ...(fails && { failed: 64, succeeded: 0 }) };
    });
    const instead: RaceJudge["instead"] = (of) =>
      of.some(({ candidate }) => candidate.slots === 4) ? [] : [limited(4)];
    const { runners, untried } = await race({
      ...judgedBy(options, { instead }),
      leftMs: () => 10_000 - pauses.reduce((sum, ms) => sum + ms, 0),
      pause: (ms) => Promise.resolve(pauses.push(ms)),
    });
    const found = runners.find(({ candidate }) => candidate.slots === 4);
    return { found: found && [found.out, found.failures], pauses, untried };
  };
  const well = [undefined, undefined];
  assertEquals(await ran(1), { found: well, pauses: [3000], untried: 0 });
  assertEquals(await ran(0), { found: well, pauses: [], untried: 0 });
  assertEquals(await ran(9), { found: undefined, pauses: [3000, 6000], untried: 1 });
});

Deno.test("race() waits a ban out, and then begins with few slots, so that one more is all it causes", async () => {
  const ran = async (banMs: number, seed: number) => {
    let [nowMs, bannedUntilMs] = [0, 0];
    const seen: string[] = [];
    const raced = [SEQUENTIAL, CONCURRENT, eventLoop(64)];
    const options = optionsFor(raced, (trial) => {
      const inFlight = Math.min(trial.model === "concurrent" ? 64 : trial.slots ?? 1, 64);
      const runMs = 4500 / Math.min(inFlight, 12);
      const isBanned = nowMs < bannedUntilMs;
      if (!isBanned) nowMs += runMs;
      if (!isBanned && inFlight > 12) bannedUntilMs = nowMs + banMs;
      const fails = isBanned || inFlight > 12;
      if (trial.model !== "sequential") seen.push(`${trial.slots ?? "all"}${fails ? "!" : ""}`);
      return { runMs, ...(fails && { failed: 60, succeeded: 4 }) };
    });
    const { runners } = await race({
      ...judgedBy(options, {
        expectedMs: ({ slots }) => 4500 / Math.min(slots, 64),
        instead: (of) => substitutes(of, ALLOWED, lastMs),
      }),
      seed,
      leftMs: () => 30_000 - nowMs,
      pause: (ms) => Promise.resolve(nowMs += ms),
    });
    const went = runners.filter(({ out, rounds, candidate }) =>
      out === undefined && rounds.length > 0 && candidate.slots > 1
    );
    const { lastedMs } = failingOf(runners)!;
    return { seen, went: went.map(({ candidate }) => candidate.slots), lastedMs };
  };
  for (let seed = 0; seed < 10; seed++) {
    const { seen, went, lastedMs } = await ran(10_000, seed);
    assertEquals(seen.slice(-4), ["2", "4", "8", "16!"]);
    assertEquals([went.at(-1), lastedMs], [8, 9000]);
    const short = await ran(1500, seed);
    assertEquals([short.went.at(-1), short.lastedMs], [8, 0]);
    assert(short.seen.filter((of) => of === "8").length > 1, "rounds go on");
  }
});

Deno.test("race() has the plain loop run again only once tasks are let in that a trial's failures shut out", async () => {
  for (let seed = 0; seed < 10; seed++) {
    let [nowMs, bannedUntilMs] = [0, 0];
    const raced = [SEQUENTIAL, WORKERS, CONCURRENT];
    const options = optionsFor(raced, ({ model, job: { items } }) => {
      const count = items.kind === "values" ? items.values.length : 0;
      const runMs = 10 * count + (model === "sequential" ? 40 : 0);
      if (model === "concurrent") bannedUntilMs = nowMs + 1500;
      const fails = nowMs < bannedUntilMs;
      nowMs += fails ? 1 : runMs;
      return fails ? { runMs: 1, failed: count, succeeded: 0 } : { runMs, succeeded: count };
    });
    const { runners: [plain] } = await race({
      ...judgedBy(options, {
        isUnclear: () => true,
        expectedMs: (_, items) => 10 * items,
        scaledBy: () => ({ items }, { runMs }) => 64 * runMs / items,
      }),
      plan: { ...options.plan, sequentialItems: 8, rounds: 2 },
      checksumOf: () => undefined,
      kept: 0,
      seed,
      leftMs: () => 30_000 - nowMs,
      pause: (ms) => Promise.resolve(nowMs += ms),
    });
    assertEquals([plain!.out, plain!.items], [undefined, 64], `seed ${seed}`);
  }
});

Deno.test("race() takes items that don't settle beside others for failures, not for slowness", async () => {
  const stuck = { reason: "did not settle", count: 1, index: 33, message: "" };
  const ran = async (leftMs: number) => {
    const options = optionsFor([SEQUENTIAL, CONCURRENT], () => ({ runMs: 100 }));
    const plan = { ...options.plan, hardMs: leftMs };
    const { runners: [, concurrent] } = await race({
      ...judgedBy(options, { expectedMs: () => 100 }),
      plan,
      runTrial: async (trial, more) => ({
        ...await options.runTrial(trial, more),
        ...(trial.model === "concurrent" && { stopped: true, stuck }),
      }),
    });
    return [concurrent?.out, concurrent?.failures];
  };
  assertEquals(await ran(10_000), ["failures", [stuck]]);
  // A task that the budget stopped may only have been slow.
  assertEquals(await ran(340), [undefined, undefined]);
});

Deno.test("race() races few in flight on few items, and none with many, once what should gain much gains nothing", async () => {
  const limited: Candidate = { model: "limited", lanes: 1, slots: 32 };
  const ran = async (gain: number) => {
    const options = optionsFor([SEQUENTIAL, CONCURRENT, limited], ({ model, job }) => {
      const { items } = job;
      const count = items.kind === "values" ? items.values.length : 0;
      return { runMs: model === "sequential" ? count : count / gain, succeeded: count };
    });
    const judged = judgedBy(options, {
      expectedMs: ({ model }, items) => model === "sequential" ? items : items / 8,
      instead: (of) => of.some(({ candidate }) => candidate.lanes > 1) ? [] : [WORKERS],
    });
    const { runners } = await race({ ...judged, plan: { ...options.plan, sequentialItems: 16 } });
    return runners.map(({ candidate, items }) => `${candidate.model} ${items}`).slice(-2);
  };
  const [loop, lanes] = await ran(1);
  assert(loop === "concurrent 64" || loop === "limited 64", loop);
  assertEquals(lanes, "workers 16");
  assertEquals(await ran(1.3), ["limited 64", "workers 64"]);
  assertEquals(await ran(0.5), ["limited 64", "workers 64"], "too many at once refute no fewer");
});

Deno.test("race() runs nothing that the others leave needless", async () => {
  const options = optionsFor([SEQUENTIAL, CONCURRENT, WORKERS], () => ({ runMs: 10 }));
  const isNeedless: RaceJudge["isNeedless"] = ({ candidate, rounds }, all) => {
    assertEquals(rounds.length, 0);
    return candidate.model === "workers" && all[0]!.rounds.length > 0;
  };
  const { runners } = await race(judgedBy(options, { isNeedless }));
  assertEquals(runners.map(({ candidate }) => candidate.model), ["sequential", "concurrent"]);
});

Deno.test("race() lets what was stopped settle where it asked before another runs", async () => {
  const told: string[] = [];
  const few = eventLoop(2);
  const { judge, ...options } = optionsFor([SEQUENTIAL, CONCURRENT], ({ model }) => {
    told.push(model);
    return model === "concurrent"
      ? { runMs: 700, failed: 30, succeeded: 34, reasons: { cancelled: 30 } }
      : { runMs: 300 };
  });
  await race({
    ...options,
    judge: { ...judge, instead: (runners) => runners.length < 3 ? [few] : [] },
    pause: (ms) => Promise.resolve(told.push(`${ms} ms`)),
  });
  assertEquals(told.slice(0, 4), ["sequential", "concurrent", "700 ms", "limited"]);
});
