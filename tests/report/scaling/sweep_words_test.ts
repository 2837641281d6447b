import {
  capacitySentences,
  definitionSentences,
  failingSentences,
  failureSentences,
  itemsSentences,
  kneeSentence,
  littleSentences,
  nothingWorked,
  openLoopSentences,
  takeLines,
} from "../../../lib/report/scaling/sweep_words.ts";
import { chartText } from "../../../lib/report/scaling/sweep_chart.ts";
import { sizeColumns } from "../../../lib/report/scaling/sweep_report.ts";
import type { SweepPoint, SweepResult } from "../../../lib/scaling/sweep_result.ts";
import { resultOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const result = await resultOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
const [first, second] = result.points as [SweepPoint, SweepPoint];

function pointWith(more: Partial<SweepPoint>, round: Partial<SweepPoint["rounds"][number]> = {}) {
  return { ...first, rounds: first.rounds.map((of) => ({ ...of, ...round })), ...more };
}

Deno.test("what is reported is defined: a sweep's knee, laws and fits, or what an open loop sustains", async () => {
  const [latency, knee, laws, fit] = definitionSentences(result);
  assertMatch(latency!, /^Latency is a task's time in flight/);
  assertStringIncludes(knee!, "whose median throughput lies farthest above the straight");
  assertMatch(laws!, /^Laws are fitted/);
  assertMatch(fit!, /^A fit is believed if/);
  const [loop, sustained] = definitionSentences(await ratesOf());
  assertMatch(loop!, /^Requests are due/);
  assertMatch(sustained!, /^A rate is sustained if/);
});

Deno.test("the worst size tells how Little's law is violated", () => {
  const little = (ratio: number) => ({
    inFlight: 5 * ratio,
    slots: 5,
    ratio,
    holds: Math.abs(ratio - 1) < 0.1,
    meaning: `off by ${ratio}`,
  });
  const points = [1.2, 0.5, 1.05].map((ratio, i) => ({
    ...first,
    size: i + 1,
    little: little(ratio),
  }));
  const told = (points: unknown) =>
    littleSentences({ axis: "slots", points: points as SweepPoint[] });
  assertEquals(told(points), [
    "Little's law N = X·R is violated at 1, 2 slots, most at 2: X·R = 2.50, N = 5; off by 0.5.",
  ]);
  assertEquals(told([{ ...first, little: null }]), []);
  // Sizes at which tasks fail are left out.
  const failing = points.map((point, i) =>
    i < 1 ? point : { ...point, rounds: pointWith({}, { succeeded: 1, failed: 50 }).rounds }
  );
  assertEquals(told(failing), [
    "Little's law N = X·R is violated at 1 slot: X·R = 6.00, N = 5; off by 1.2.",
  ]);
});

Deno.test("where computing ends is told of one core and of several", () => {
  const capacity = {
    by: "cores",
    units: 1,
    size: 2,
    busy: 0.98,
    cpuMsPerItem: 4,
    limitPerSecond: 250,
    computingShare: 0.9,
    reached: true,
  } as const;
  const told = (more: Partial<NonNullable<SweepResult["capacity"]>>, axis: "slots" | "lanes") =>
    capacitySentences({
      ...result,
      capacity: { ...capacity, ...more },
      axis,
      points: [first, second],
    });
  assertEquals(told({}, "slots"), [
    "Computing ends at its only core, busy 98% at 2 slots: more slots can't help here; an item takes " +
    "4.00 ms of CPU, which makes 250/s at most.",
  ]);
  assertStringIncludes(told({ busy: 0.2 }, "slots")[0]!, "one slot alone computes 90% of the time");
  assertEquals(told({}, "lanes").length, 2, "a size lies beyond the core");
  assertStringIncludes(told({}, "lanes")[1]!, "Beyond 1 lane the curve");
  assertEquals(told({ units: 2 }, "lanes").length, 1);
  assertStringIncludes(told({ units: 2, reached: false }, "lanes")[0]!, "2 cores were busy 98%");
  const left = told({ reached: false }, "lanes")[0]!;
  assertStringIncludes(left, "its only core was busy 98%");
  assertStringIncludes(left, "would fill it.");
  assertStringIncludes(told({ by: "event loop" }, "slots")[0]!, "lanes can (--model workers)");
  assertEquals(
    capacitySentences({ ...result, capacity: null }),
    [],
  );
});

Deno.test("failures are told by size, and a server that refuses is named", () => {
  const refused = pointWith({}, { failed: 3, succeeded: 1, reasons: { "HTTP 429": 3 } });
  const failsFrom = { size: 1, failed: 3, of: 4 };
  const fails = (points: SweepPoint[], from = failsFrom) =>
    failingSentences({ axis: "slots", points, failsFrom: from })[0]!;
  assertStringIncludes(
    fails([refused]),
    "already, 3 of 4: nothing can be said of sizes until they",
  );
  assertStringIncludes(fails([refused]), "The server refuses so many");
  const broken = pointWith({}, { failed: 3, succeeded: 1, reasons: { TypeError: 3 } });
  assert(!fails([broken]).includes("refuses"));
  assert(!failingSentences({ axis: "slots", points: [], failsFrom })[0]!.includes("refuses"));
  const later = fails([first, { ...broken, size: 2 }], { ...failsFrom, size: 2 });
  assertStringIncludes(later, "from 2 slots on, 3 of 4 there: 1 slot is the most");
  assertEquals(failingSentences({ axis: "slots", points: [first], failsFrom: null }), []);
  const lacking = pointWith({}, { failed: 1, succeeded: 1, reasons: { NotCapable: 1 } });
  const rounds = lacking.rounds.length;
  assertEquals(failureSentences({ points: [lacking], openLoop: [] }), [
    `At 1: ${rounds} of ${
      2 * rounds
    } tasks failed: ${rounds} NotCapable (a permission is missing: ` +
    `give it with --allow-…).`,
  ]);
});

Deno.test("nothing worked only where something was tried", () => {
  assertEquals(nothingWorked({ points: [] }), false);
  const none = pointWith({}, { succeeded: 0 });
  assertEquals(nothingWorked({ points: [none] }), true);
  assertEquals(nothingWorked({ points: [none, first] }), false);
  assertEquals(kneeSentence({ ...result, points: [none] }), "No knee: no task succeeded.");
  const failing = (size: number) =>
    kneeSentence({ ...result, failsFrom: { size, failed: 3, of: 4 } }).includes("already");
  assertEquals([first.size, second.size].map(failing), [true, false]);
});

Deno.test("a curve without a knee is told as rising, or as one without a clear bend", () => {
  const bent = (size: number) =>
    kneeSentence({ ...result, knee: null, best: { size, throughputPerSecond: 9 } });
  const largest = result.points.at(-1)!.size;
  assertEquals(bent(largest), `No knee up to ${largest} slots: throughput was highest there.`);
  assertEquals(bent(1), `No knee up to ${largest} slots: the curve has no clear bend.`);
  assertEquals(kneeSentence({ ...result, points: [first] }), "One size was measured, 1 slot.");
});

Deno.test("what naive times hide is told from half as much again on", async () => {
  const [point] = (await ratesOf()).openLoop;
  const told = (corrected: number, unanswered = 0) =>
    openLoopSentences({
      openLoop: [{
        ...point!,
        unanswered,
        unstarted: 0,
        naive: { ...point!.naive, p99: 20 },
        corrected: { ...point!.corrected, p99: corrected },
      }],
    });
  assertEquals([told(29).length, told(30).length], [1, 2]);
  assertStringIncludes(told(30)[1]!, "the naive p99 of 20.0 ms hides 30.0 ms");
  assertStringIncludes(told(30, 1)[1]!, "hides at least 30.0 ms");
});

Deno.test("a size that was added is marked, and unknown times are dashes", () => {
  const row = (more: Partial<SweepPoint>) =>
    sizeColumns(result).map(({ cell }) => cell({ ...first, ...more }));
  assertEquals(row({ refined: true })[0], "1+");
  assertEquals(row({ latencyMs: null }).slice(3, 6), ["–", "–", "–"]);
  assertEquals(row({ throughputPerSecond: { median: 0, low: 0, high: 0 } })[2], "–");
});

Deno.test("how fast tasks fail is no throughput: it is neither in the table nor in the chart", () => {
  const points = result.points.map((point) =>
    point.size < 4 ? point : {
      ...point,
      rounds: point.rounds.map((round) => ({ ...round, succeeded: 40, failed: 60 })),
    }
  );
  const cells = points.map((point) =>
    sizeColumns({ ...result, points }).map(({ cell }) => cell(point))
  );
  assert(cells.slice(0, 2).every((row) => row[1] !== "–" && row[6] !== "–"));
  assert(cells.slice(2).every((row) => row[1] === "–" && row[2] === "–" && row[6] === "–"));
  const borne = points.slice(0, 2);
  assertEquals(chartText({ ...result, points }, 80), chartText({ ...result, points: borne }, 80));
});

Deno.test("a size to stay at is told with its reason and its line of code", () => {
  const stay = (more: Partial<SweepResult>) => takeLines({ ...result, ...more });
  const [differs, code] = stay({ differsAt: 4 });
  assertStringIncludes(differs!, "Stay at 1 slot: with 4 slots the same items gave other results.");
  assertStringIncludes(differs!, "which others run beside or before it: keep no state outside");
  assertEquals(code, "await using executor = sequential();");
  assertStringIncludes(stay({ differsAt: 2, orderMatters: false })[0]!, "Stay at 1 slot");
  assertStringIncludes(stay({ differsAt: 4, orderMatters: true })[0]!, "Stay at 1 slot");
  assertStringIncludes(stay({ orderMatters: true })[0]!, "in another order, one by one");
  assertStringIncludes(
    stay({ otherWork: 0.5 })[0]!,
    "were 2.00× as fast as before them: work that was done once",
  );
  assertStringIncludes(
    stay({ otherWork: 3 })[0]!,
    "took 3.00× as long as before them: work may grow",
  );
  assertEquals(stay({ points: [] }), []);
  assertEquals(stay({ failsFrom: { size: 1, failed: 1, of: 2 } }), []);
});

Deno.test("sizes below the one that gives other results may be taken if it isn't for the items' order", () => {
  const [take, code] = takeLines({ ...result, differsAt: 4, orderMatters: false });
  assertMatch(take!, /^Take 2 slots: .* That is the best of the sizes/);
  assertStringIncludes(take!, "With 4 slots the same items gave other results, and not for their");
  assertEquals(code, "await using executor = limited({ slots: 2 });");
});

Deno.test("the line of code names lanes and slots as far as they were result", () => {
  const code = (more: Partial<SweepPoint>, model: string, axis: "slots" | "lanes") =>
    takeLines({ ...result, points: [{ ...first, ...more }], differsAt: 9, model, axis }).at(-1);
  assertEquals(
    code({ slots: 4 }, "limited", "slots"),
    "await using executor = limited({ slots: 4 });",
  );
  assertEquals(
    code({ lanes: 2 }, "workers", "lanes"),
    "await using executor = workers({ lanes: 2 });",
  );
  assertEquals(
    code({ lanes: 2, slots: 3 }, "workers", "lanes"),
    "await using executor = workers({ lanes: 2, slots: 3 });",
  );
});

Deno.test("of one size nothing is called the best", () => {
  const [one] = takeLines({ ...result, points: [first] });
  assertEquals(
    one,
    "Take 1 slot. No other size gave a result; deno task advise compares it with the other models.",
  );
  assertStringIncludes(takeLines(result)[0]!, "That is the best of the sizes of limited that were");
});

Deno.test("a size found on a busy machine is told with that", () => {
  const said = (used: number) => takeLines({ ...result, others: { used, cores: 2 } })[0]!;
  assertMatch(
    said(1.2),
    /^On so busy a machine take \d+ slots: .+ An idle machine may show another gain/,
  );
  assertEquals(said(0.1), takeLines(result)[0]);
});

Deno.test("what compares the size with other models is a command that can run the job", () => {
  const comparedBy = (model: string, options: SweepResult["job"]["options"]) => {
    const [text] = takeLines({
      ...result,
      points: [first],
      model,
      job: { ...result.job, options },
    });
    return text!.match(/a result; (.*)\.$/)![1];
  };
  const sums = { task: "sum-squares", start: 1, count: 2 };
  const own = { export: "default", items: 3 };
  assertEquals(
    [
      comparedBy("limited", { latencyMs: 20 }),
      comparedBy("workers", sums),
      comparedBy("gpu", sums),
      comparedBy("workers", own),
      comparedBy("gpu", own),
    ],
    [
      "deno task io compares it with the other models",
      "deno task cpu compares it with the other models",
      "deno task cpu --models sequential,workers,gpu compares it with the other models",
      "deno task advise compares it with the other models",
      "a sweep under --model workers shows what lanes gain",
    ],
  );
});

Deno.test("where advice on the job may take another model, it is said why", async () => {
  const own = { ...result.job, options: { export: "default", items: 60 }, total: 60 };
  const flat = { ...await resultOf((slots) => 50 * Math.min(slots, 4)), job: own };
  const said = (more: Partial<SweepResult>) => takeLines({ ...flat, ...more })[0]!;
  assertStringIncludes(said({}), "It may take concurrent, all at once, which is simpler: 64 slots");
  const falls = await resultOf((slots) => 50 * Math.min(slots, 4) - slots / 2);
  assert(!said({ points: falls.points }).includes("It may take"));
  const [told] = takeLines({ ...result, job: own });
  assert(!told!.includes("It may take"));
  assertStringIncludes(told!, " as fast as 1 slot on the whole job, start included");
  assertStringIncludes(takeLines(result)[0]!, " as much as 1 slot");
  assertStringIncludes(
    takeLines({ ...result, job: own, computingShare: 0.47 })[0]!,
    "It may take lanes with slots on each, for the tasks compute 47% of their time and wait the rest",
  );
  const bent = await resultOf((slots) => 50 * Math.min(slots, 2) - slots / 2);
  const mixed = { ...bent, job: own, computingShare: 0.72 };
  const isSaid = (more: Partial<SweepResult>) =>
    takeLines({ ...mixed, ...more })[0]!.includes("It may take");
  assert(isSaid({ freeShare: 0.28 }));
  assert(!isSaid({ freeShare: 0.01 }), "slots fill no wait that holds up its thread");
  assert(!isSaid({ failsFrom: { size: 64, failed: 9, of: 10 } }), "nor where more fail");
  const shared = "line 4 of memo.ts changes cache, and each lane would have its own";
  assert(!isSaid({ shared }), "nor where lanes would have their own of what tasks share");
  const lanes = mixed.points.map((point) => ({ ...point, lanes: point.slots, slots: 1 }));
  assertStringIncludes(
    takeLines({ ...mixed, axis: "lanes", model: "workers", points: lanes, shared })[0]!,
    "with the other models. It keeps to one event loop: line 4 of memo.ts changes cache, and",
  );
  const small = { ...mixed, job: { ...own, total: 4 } };
  assertMatch(
    takeLines(small)[0]!,
    /It may call the job too small to matter, for all of it takes \d+\.\d ms one by one\.$/,
  );
  const downloads = { ...result.job, options: { latencyMs: 20 } };
  const ofSite = takeLines({ ...result, job: downloads, computingShare: 0.47 })[0]!;
  assert(!ofSite.includes("It may take"));
});

Deno.test("a size to stay at because larger ones fail is told so, and how many items ran", () => {
  const failing = { points: [first], failsFrom: { size: 2, failed: 1, of: 60 } };
  assertStringIncludes(
    takeLines({ ...result, ...failing })[0]!,
    "Take 1 slot: tasks fail from 2 slots on.",
  );
  const of = (total?: number) =>
    itemsSentences({
      ...result,
      job: { ...result.job, options: { items: 512 }, ...total && { total } },
    });
  assertEquals([of(1000), of(), of(512)], [
    ["Every size ran the same 512 of 1,000 items."],
    ["Every size ran the same 512 items."],
    [],
  ]);
});
