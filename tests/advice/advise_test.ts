import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { MOST_TIMES } from "../../lib/advice/advise.ts";
import type { SharedState } from "../../lib/advice/job/shared_state.ts";
import { adviceFileOf } from "./advice_file.ts";
import { adviceReport } from "../../lib/report/advice/advice_report.ts";
import type { Model } from "../../lib/models.ts";
import type { TrialSpec } from "../../lib/timing/spec.ts";
import { adviceOn, asPredicted } from "./advice_on.ts";
import { probedOf } from "./fixture.ts";

Deno.test("advise() recommends slots where tasks wait, lanes where they compute, both where they do both", async () => {
  const waiting = await adviceOn({ waitMs: 20 }, asPredicted);
  assertEquals([waiting.bound, waiting.recommended.model], ["io", "concurrent"]);
  const computing = await adviceOn({ computeMs: 20 }, asPredicted);
  assertEquals([computing.bound, computing.recommended.name], ["cpu", "workers (2 lanes)"]);
  const mixed = await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted);
  assertEquals([mixed.bound, mixed.recommended.model], ["mixed", "workers"]);
  assert((mixed.recommended.slots ?? 0) > 1);
});

Deno.test("advise() leaves a small job sequential and races nothing", async () => {
  const advice = await adviceOn({ computeMs: 0.05 }, () => {
    throw new Error("raced");
  });
  assertEquals([advice.bound, advice.recommended.model], ["small", "sequential"]);
  assertStringIncludes(advice.recommended.reason, "Leave it sequential");
  assertEquals(advice.cost.timesRun, 1);
});

Deno.test("advise() says where a prediction was wrong, and believes what it measured", async () => {
  const advice = await adviceOn({ waitMs: 20 }, (_trial, items) => ({ runMs: 20 * items }));
  assertEquals(advice.recommended.model, "sequential");
  assert(advice.surprises.some(({ name }) => name === "concurrent"));
});

Deno.test("advise() names shared state and recommends nothing that changes the results", async () => {
  const advice = await adviceOn({ waitMs: 20 }, ({ model }, _items, runMs) => ({
    runMs,
    checksum: model === "sequential" ? "same" : "other",
  }));
  assertEquals(advice.recommended.model, "sequential");
  assertEquals(advice.hazards[0]?.kind, "results");
});

Deno.test("advise() tells tasks that lean on earlier ones from tasks that share state", async () => {
  const differing: Parameters<typeof adviceOn>[1] = ({ model }, _items, runMs) => ({
    runMs,
    checksum: model === "sequential" ? "same" : "other",
  });
  const hazardIf = async (orderMatters: boolean) =>
    (await adviceOn({ waitMs: 20 }, differing, {}, orderMatters)).hazards[0]!;
  assertEquals((await hazardIf(true)).kind, "order");
  assertEquals((await hazardIf(false)).kind, "results");
  assertStringIncludes((await hazardIf(false)).text, "it isn't the order");
});

Deno.test("advise() leaves in their order tasks that fail without those before them, and races nothing", async () => {
  const made = { waitMs: 20, items: 40 };
  const probed = probedOf(made);
  const failures = [20, 21, 10].map((index) => ({
    index,
    reason: "Error",
    name: "Error",
    message: "",
    causes: [],
  }));
  const spread = { ...probed, spread: 40, failures, done: { ...probed.done!, failed: 38 } };
  const on = (made: Parameters<typeof adviceOn>[0]) =>
    adviceOn(made, asPredicted, {}, undefined, undefined, undefined, spread);
  const { recommended, hazards, models, sample, partial } = await on(made);
  assertEquals([recommended.model, recommended.decision], ["sequential", "order matters"]);
  assertEquals(hazards.map(({ kind }) => kind), ["order"]);
  assertStringIncludes(hazards[0]!.text, "Tasks fail, or don't end, once");
  assertEquals([sample.failed, models.some(({ measured }) => measured)], [0, false]);
  assertEquals(partial, undefined, "no race is missing");
  // Too few items ran in their order to tell.
  assertEquals((await on({ ...made, items: 9, total: 40 })).hazards[0]?.kind, "failures");
});

Deno.test("advise() counts a sample that it took again in how often items ran", async () => {
  const probed = probedOf({ waitMs: 20, items: 40 });
  const spread = { ...probed, spread: 40, done: { ...probed.done!, failed: 38 } };
  let trials = 0;
  const truth = (_: TrialSpec, items: number, runMs: number) => {
    trials++;
    return { runMs, failed: items, succeeded: 0 };
  };
  const made = { waitMs: 20, items: 9, total: 40 };
  const { cost } = await adviceOn(made, truth, {}, undefined, undefined, undefined, spread);
  assertEquals(cost.timesRun, 2 + trials);
});

Deno.test("advise() stays below a server's limit", async () => {
  const advice = await adviceOn({ waitMs: 20 }, (trial, items, runMs) => ({
    runMs,
    failed: Math.min(trial.slots ?? (trial.model === "sequential" ? 1 : items), items) *
          (trial.lanes ?? 1) > 8
      ? 9
      : 0,
    reasons: { "HTTP 429": 9 },
  }));
  assertEquals(advice.recommended.name, "limited (8 slots)");
  assert(advice.hazards.some(({ kind, text }) => kind === "refused" && text.includes("429")));
});

Deno.test("advise() costs less than three sequential runs of the sample", async () => {
  for (const made of [{ waitMs: 20 }, { computeMs: 20 }, { computeMs: 6, waitMs: 6 }]) {
    const { cost } = await adviceOn(made, asPredicted);
    assert(cost.sequentialRuns < 3, `${JSON.stringify(made)}: ${cost.sequentialRuns}`);
  }
});

/** Trials of a server that serves three at once and queues the rest. */
const threeAtOnce = (trial: TrialSpec, items: number) => {
  const inFlight = trial.model === "sequential" ? 1 : (trial.slots ?? items) * (trial.lanes ?? 1);
  const wobble = 1 + 0.02 * Math.sin(5 * trial.round + inFlight);
  return { runMs: 45 * items * wobble / Math.min(3, inFlight) };
};

Deno.test("advise() goes on while the budget lasts where three runs can't tell, and tries what was too dear", async () => {
  const made = { waitMs: 45, computeMs: 0.5, items: 67, total: 100 };
  const { recommended, models, cost } = await adviceOn(made, threeAtOnce);
  assertEquals([recommended.name, recommended.decision], ["limited (3 slots)", "gain"]);
  const { gain } = recommended;
  assert(gain !== null && gain.low > 2 && gain.high < 4.5, JSON.stringify(gain));
  const rounds = Math.max(...models.map(({ measured }) => measured?.rounds ?? 0));
  assert(rounds > 1 && cost.sequentialRuns > 3 && cost.timesRun <= MOST_TIMES);
});

Deno.test("advise() says of one round that a larger budget makes it surer", async () => {
  const made = { waitMs: 45, computeMs: 0.5, items: 67, total: 100 };
  const { partial } = await adviceOn(made, threeAtOnce, { budgetMs: 8000 });
  assertStringIncludes(partial ?? "", "only one round; a larger --budget");
  assertEquals((await adviceOn(made, threeAtOnce)).partial, undefined);
});

Deno.test("advise() looks whether the order matters though a race on a busy machine took its time", async () => {
  const slowly = (_trial: TrialSpec, _items: number, runMs: number) => ({ runMs, wallMs: 1500 });
  const made = { waitMs: 8, othersUse: 1.9 };
  const { recommended } = await adviceOn(made, slowly, { isSoon: true }, true);
  assertEquals([recommended.model, recommended.decision], ["sequential", "order matters"]);
});

Deno.test("advise() says that a larger budget would tell, if the budget ended the race", async () => {
  const made = { waitMs: 45, computeMs: 0.5, items: 67, total: 100 };
  const noise = [1, 0.55, 1.7, 0.8, 1.3];
  const noisy = (trial: TrialSpec, items: number) => ({
    runMs: 45 * items * (trial.model === "sequential" ? 1 : 0.8 * noise[trial.round % 5]!),
  });
  const { recommended } = await adviceOn(made, noisy, { budgetMs: 16_000 });
  assertEquals([recommended.model, recommended.decision], ["sequential", "can't tell"]);
  assertStringIncludes(recommended.reason, "A larger --budget buys more rounds.");
  const longer = await adviceOn(made, noisy, { budgetMs: 600_000 });
  assert(!longer.recommended.reason.includes("--budget"));
});

Deno.test("advise() finds how many a server bears that refuses more, though one run of them is dear", async () => {
  const failures = [{ reason: "Error", count: 90, index: 4, message: "HTTP 503", status: 503 }];
  const { recommended, hazards } = await adviceOn(
    { waitMs: 45, computeMs: 0.5, items: 67, total: 100 },
    (trial, items, runMs) => {
      const inFlight = trial.model === "sequential"
        ? 1
        : (trial.slots ?? items) * (trial.lanes ?? 1);
      return inFlight > 3
        ? { runMs: runMs / 4, failed: items - 6, succeeded: 6, failures }
        : { runMs: 45 * items / inFlight };
    },
  );
  assertEquals(recommended.name, "limited (3 slots)");
  assertStringIncludes(hazards.find(({ kind }) => kind === "refused")!.text, "Stay at 3 or fewer");
});

Deno.test("advise() answers without a race, and says that it only predicts", async () => {
  const advice = await adviceOn({ computeMs: 400, items: 8 }, asPredicted, { budgetMs: 400 });
  assertEquals(advice.recommended.model, "workers");
  assertEquals(advice.recommended.gain, null);
  assertStringIncludes(advice.partial!, "predicted");
});

Deno.test("advise() speaks of lanes only what items can be sent to", async () => {
  const uncloneable = "result 0: .again is a function";
  const advice = await adviceOn({ computeMs: 20, transfer: { uncloneable } }, asPredicted);
  assertEquals(advice.recommended.model, "sequential");
  assert(advice.hazards.some(({ text }) => text.includes(".again")));
});

Deno.test("advise() races no other process where items can be sent to threads alone", async () => {
  const unserializable = "item 0: it is a Blob, which would arrive empty";
  const made = { computeMs: 20, transfer: { unserializable } };
  const { recommended, models, hazards } = await adviceOn(made, asPredicted);
  assertEquals(recommended.model, "workers");
  assert(models.every(({ model }) => model !== "processes"));
  const [hazard] = hazards;
  assertStringIncludes(hazard!.text, `thread, but not to another process: ${unserializable}`);
  const waiting = await adviceOn({ ...made, computeMs: 0, waitMs: 20 }, asPredicted);
  assertEquals([waiting.recommended.lanes, waiting.hazards], [1, []]);
  const alone = await adviceOn(made, asPredicted, { models: ["processes"] });
  assertEquals(alone.recommended.model, "sequential");
  assertStringIncludes(alone.recommended.reason, unserializable);
});

Deno.test("advise() sends items of a class to lanes only where some gave the same results", async () => {
  const transfer = { classLost: "item 0: it is a Point, which arrives as an Object" };
  const unraced = { budgetMs: 400 };
  const made = { computeMs: 400, items: 8, transfer };
  const { recommended, hazards } = await adviceOn(made, asPredicted, unraced);
  assertEquals([recommended.model, recommended.gain], ["sequential", null]);
  assertStringIncludes(recommended.reason, "not all of an item arrives there");
  assertStringIncludes(hazards.find(({ kind }) => kind === "class")!.text, "item 0: it is a Point");
  const waiting = await adviceOn({ ...made, computeMs: 1, waitMs: 400 }, asPredicted, unraced);
  assertEquals([waiting.recommended.lanes, waiting.hazards.map(({ kind }) => kind)], [1, [
    "class",
  ]]);
  const raced = await adviceOn({ computeMs: 20, transfer }, asPredicted);
  assertEquals([raced.recommended.model, raced.hazards], ["workers", []]);
});

Deno.test("advise() says where lanes are taken what doesn't come back of a result", async () => {
  const transfer = { resultLost: "result 0: it is a Money, which would arrive without its class" };
  const kinds = async (made: { computeMs?: number; waitMs?: number }) =>
    (await adviceOn({ ...made, transfer }, asPredicted)).hazards.map(({ text }) => text);
  const [text] = await kinds({ computeMs: 20 });
  assertStringIncludes(text!, "comes back from another lane (result 0: it is a Money");
  assertEquals(await kinds({ waitMs: 20 }), []);
});

Deno.test("advise() calls what lanes gain on a busy machine unsure, and how much is no promise", async () => {
  const given = await adviceOn({ computeMs: 20, othersUse: 1.6 }, asPredicted);
  const calm = await adviceOn({ computeMs: 20, othersUse: 0 }, asPredicted);
  assertEquals([given, calm].map((of) => of.recommended.lanes), [2, 2]);
  assertStringIncludes(given.unsure!, "other programs used 1.6 of 2 cores meanwhile");
  assertEquals(calm.unsure, undefined);
  const waiting = await adviceOn({ waitMs: 20, othersUse: 1.6 }, asPredicted);
  assertEquals(waiting.unsure, undefined);
});

Deno.test("advise() says that others used the CPUs, and is less sure that lanes don't pay", async () => {
  const asSlow = (_trial: TrialSpec, items: number) => ({ runMs: 40 * items });
  const busy = await adviceOn({ computeMs: 20, available: 0.5 }, asSlow);
  assertEquals([busy.recommended.model, busy.recommended.decision], ["sequential", "can't tell"]);
  assertMatch(busy.recommended.reason, /can't be told: .*other programs used the CPUs\./);
  assert(busy.hazards.some(({ kind }) => kind === "busy") && busy.recommended.confidence <= 0.6);
  const idle = await adviceOn({ computeMs: 20 }, asSlow);
  assert(!idle.hazards.some(({ kind }) => kind === "busy"));
  assertEquals(idle.recommended.decision, "no gain");
});

Deno.test("advise() doesn't take a thread that hardly got a core for one that waits", async () => {
  // Each task computes 16 ms and took 1.2 s, and nothing counted who used the cores meanwhile.
  const starved = { computeMs: 16, waitMs: 970, blocks: true, available: 0.07, items: 40 };
  const { classConfidence, recommended, hazards } = await adviceOn(starved, asPredicted, {
    budgetMs: 400,
  });
  assert(classConfidence < 0.8, String(classConfidence));
  assertEquals([recommended.model, recommended.decision], ["sequential", "unmeasured"]);
  assertStringIncludes(recommended.reason, "while others use the CPUs");
  assertEquals(hazards.map(({ kind }) => kind), ["busy"]);
  // A task that waits and hardly computes is still recommended more than the plain loop.
  const waiting = await adviceOn({ ...starved, computeMs: 0.01 }, asPredicted, { budgetMs: 400 });
  assert(waiting.classConfidence >= 0.8 && waiting.recommended.model !== "sequential");
});

Deno.test("advise() says that tasks settle before their work is done, and recommends nothing", async () => {
  for (const  of of[{ computeMs: 0.02 }, { waitMs: 20 }]) {
    const { classConfidence, recommended, hazards } = await adviceOn(
      { ...of, leftMs: 900 },
      asPredicted,
    );
    assertEquals([recommended.model, recommended.decision], ["sequential", "can't tell"]);
    assertStringIncludes(recommended.reason, "the tasks settle before their work is done");
    assertStringIncludes(hazards.find(({ kind }) => kind === "unawaited")!.text, "900 ms or more");
    assert(Math.max(classConfidence, recommended.confidence) <= 0.5);
    const { recommended: usual } = await adviceOn({ ...of, leftMs: 29 }, asPredicted);
    assert(usual.decision !== "can't tell");
  }
});

Deno.test("advise() gives a break-even that its own figures bear out", async () => {
  const { recommended } = await adviceOn({ computeMs: 5, items: 200 }, asPredicted);
  assert(recommended.breakEven !== null && recommended.breakEven > 4 && recommended.breakEven < 20);
});

Deno.test("advise() takes a set-up that each model has for no cost of one of them", async () => {
  const unraced = { budgetMs: 400 };
  const { recommended } = await adviceOn(
    { waitMs: 10, items: 40, laneMs: 300 },
    asPredicted,
    unraced,
  );
  assertEquals([recommended.gain, recommended.breakEven! < 5], [null, true]);
});

Deno.test("adviceReport() writes no escape sequence that a title brings along", async () => {
  const advice = await adviceOn({ waitMs: 20 }, asPredicted);
  const text = adviceReport(
    adviceFileOf({ ...advice, job: { ...advice.job, title: "\x1b[2Jx\nfake line" } }),
  ).text({
    columns: 80,
    colour: false,
  });
  assert(!text.includes("\x1b"));
  assert(text.startsWith("x fake line: I/O-bound"));
});

Deno.test("advise() keeps the sample when it is interrupted while lanes are started", async () => {
  const interruption = new AbortController();
  const advice = await adviceOn({ waitMs: 20 }, asPredicted, {
    signal: interruption.signal,
    onPhase: (phase) => {
      if (phase === "starting lanes") interruption.abort();
    },
  });
  assertEquals(advice.bound, "io");
  assert(advice.partial !== undefined);
});

Deno.test("advise() says of tasks that give nothing back that nothing was compared", async () => {
  const given = await adviceOn({ waitMs: 20, isVoid: true }, asPredicted);
  assertEquals(given.recommended.model, "concurrent");
  assert(given.recommended.confidence <= 0.6);
  assertMatch(given.hazards.find(({ kind }) => kind === "no-results")!.text, /give nothing back/);
  const told = await adviceOn({ waitMs: 20 }, asPredicted);
  assert(!told.hazards.some(({ kind }) => kind === "no-results"));
});

const server = { servers: ["nats://10.0.0.5:4222"], user: "ann", password: "hidden" };
const joined = { lanes: 8, machines: ["a", "b\u001b[2J"], startMs: 5 };

/** Advice when other machines' lanes are `speed` times as fast as this one's cores. */
const withMachines = (
  speed: number,
  made: Parameters<typeof adviceOn>[0] = { computeMs: 20 },
  more: Parameters<typeof adviceOn>[2] = {},
) =>
  adviceOn(made, (trial, _items, runMs) => {
    assertEquals(trial.server, trial.model === "cluster" ? server : undefined);
    return trial.model === "cluster" ? { runMs: runMs / speed, startMs: 5 } : { runMs };
  }, { server, joined, ...more });

Deno.test("advise() races lanes of other machines, and takes them where they gain more than this one's", async () => {
  const advice = await withMachines(0.95);
  const { recommended, hazards, surprises, code, flags } = advice;
  assertEquals(recommended.name, "cluster (8 lanes)");
  assert(recommended.gain !== null && recommended.gain.low > 4);
  assertEquals([hazards, surprises], [[], []]);
  const opened = 'cluster({ servers: "nats://10.0.0.5:4222", user: "ann", password: ' +
    'Deno.env.get("NATS_PASSWORD") });';
  assertStringIncludes(code, opened);
  assertEquals(flags.filter((flag) => /net|env/.test(flag)), [
    "--allow-net=10.0.0.5:4222",
    "--allow-env=NATS_PASSWORD",
  ]);
  assert(!JSON.stringify(advice).includes("hidden"));
  const text = adviceReport(adviceFileOf(advice)).text({ columns: 100, colour: false });
  assertMatch(text.replaceAll(/\s+/g, " "), /8 lanes of other machines have joined \(a, b\S*\)\./);
  assert(!text.includes("\u001b") && !text.includes("independent processes"), text);
});

Deno.test("advise() leaves other machines alone where this one's models gain as much", async () => {
  assertEquals((await withMachines(0.25)).recommended.name, "workers (2 lanes)");
  assertEquals((await withMachines(0.95, { waitMs: 20 })).recommended.name, "concurrent");
  const short = { budgetMs: 400 };
  const unraced = await withMachines(0.95, { computeMs: 400, items: 8 }, short);
  assertEquals([unraced.recommended.name, unraced.recommended.gain], ["workers (2 lanes)", null]);
});

Deno.test("advise() takes a gain above their lanes for no gain, and the others' for theirs", async () => {
  const { recommended, hazards } = await withMachines(2);
  assertEquals(recommended.name, "workers (2 lanes)");
  const impossible = hazards.find(({ kind }) => kind === "impossible")!;
  assertStringIncludes(impossible.text, "where 8 lanes and the tasks' waiting");
  assertStringIncludes(impossible.text, "or its machines are faster than this one");
});

Deno.test("advise() says of tasks that fail on other machines alone what they may do there", async () => {
  const message = 'Requires read access to "/data"';
  const failures = [{ reason: "NotCapable", count: 8, index: 0, message }];
  const { recommended, hazards } = await adviceOn(
    { computeMs: 20 },
    ({ model }, items, runMs) =>
      model === "cluster"
        ? { runMs, failed: items, succeeded: 0, reasons: { NotCapable: items }, failures }
        : { runMs },
    { server, joined },
  );
  assertEquals(recommended.name, "workers (2 lanes)");
  assertStringIncludes(hazards.find(({ kind }) => kind === "lanes")!.text, "--allow-… flags say");
});

Deno.test("advise() considers the models that it is told to, and no others", async () => {
  const namesOf = async (...models: Model[]) => {
    const more = { models, joined: models.includes("cluster") ? joined : undefined };
    const advice = await withMachines(0.95, { computeMs: 6, waitMs: 6 }, more);
    return [...new Set(advice.models.map(({ model }) => model))];
  };
  assertEquals(await namesOf("workers"), ["sequential", "workers"]);
  assertEquals(await namesOf("limited", "cluster"), ["sequential", "limited", "cluster"]);
});

Deno.test("advise() goes on with no race that only lanes leave open, where tasks share what they change", async () => {
  const trialsWith = async (shared?: SharedState) => {
    let trials = 0;
    const { recommended } = await adviceOn({ computeMs: 5 }, ({ model, round }, _items, runMs) => {
      trials++;
      // Lanes gain much in one round and nothing in the next.
      return { runMs: runMs * (model === "sequential" ? 1 : round % 2 === 0 ? 0.7 : 2) };
    }, { shared });
    return { trials, model: recommended.model };
  };
  const free = await trialsWith();
  const kept = await trialsWith({ name: "cache", module: "file:///job.ts", line: 4 });
  assertEquals(kept.model, "sequential");
  assertLess(kept.trials, free.trials);
});
