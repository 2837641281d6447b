import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { takeLines } from "../../lib/report/scaling/sweep_words.ts";
import type { SharedState } from "../../lib/advice/job/shared_state.ts";
import type { OrderProber } from "../../lib/advice/probe/order_probe.ts";
import { checksumOfFirst, countNeighbours, JobError } from "../../lib/advice/probe/probe.ts";
import { compareKernel, holdAgainstSample } from "../../lib/scaling/swept_job.ts";
import type { TrialSpec } from "../../lib/timing/spec.ts";
import { probedOf } from "../advice/fixture.ts";
import { resultOf, trialOf } from "./measured.ts";

const JOB = {
  name: "job",
  task: { module: "file:///job.ts", export: "default" },
  items: { kind: "values" as const, values: [] },
  options: {},
};
const { signal } = new AbortController();
/** A prober that finds that the order doesn't matter. */
const NOTHING: OrderProber = () => Promise.resolve({ orderMatters: false });

/** The checksums of the function's results. */
const DIGESTS = Array<string>(40).fill("= n1;");

/** A sample of tasks that wait 10 ms, with the results that a backward run is compared with. */
function sampled(failed = 0) {
  const probed = probedOf({ waitMs: 10, items: 40 });
  return { ...probed, digests: DIGESTS, done: { ...probed.done!, failed } };
}

const SAMPLED = { job: JOB, probed: sampled() };

/** Compares a sweep with that sample; `runs` counts the backward runs. */
async function held(
  throughput: (slots: number) => number,
  found: Awaited<ReturnType<OrderProber>>,
  failed?: number,
  more: { readonly needsOrder?: true; readonly shared?: SharedState } = {},
) {
  let runs = 0;
  const orderProbe: OrderProber = (_, { count, forwards }) => {
    runs++;
    assertEquals(count, countNeighbours(sampled()));
    assertEquals(forwards, checksumOfFirst(count, { digests: DIGESTS }));
    return Promise.resolve(found);
  };
  const swept = await resultOf(throughput);
  const result = await holdAgainstSample(
    swept,
    { job: JOB, probed: sampled(failed), ...more },
    orderProbe,
    signal,
  );
  return { result, runs };
}

const rising = (slots: number) => 100 * Math.min(slots, 8);

Deno.test("a sweep of tasks that lean on earlier ones takes one slot, as advice keeps to the plain loop", async () => {
  const { result, runs } = await held(rising, { orderMatters: true });
  assertEquals([runs, result.orderMatters, result.otherWork], [1, true, undefined]);
  const [text, code] = takeLines(result);
  assertStringIncludes(text!, "Stay at 1 slot: ");
  assertEquals(code, "await using executor = sequential();");
  const free = await held(rising, { orderMatters: false });
  assertEquals(free.result.orderMatters, false);
  assertStringIncludes(takeLines(free.result)[0]!, "Take 8 slots");
});

Deno.test("a sweep of tasks that fail in another order than the list's needn't look at it once more", async () => {
  const { result, runs } = await held(rising, { orderMatters: false }, 0, {
    needsOrder: true,
  });
  assertEquals([runs, result.orderMatters], [0, true]);
  assertStringIncludes(takeLines(result)[0]!, "Stay at 1 slot: the results differ, or tasks fail,");
});

Deno.test("a sweep looks at the order only where more than one slot is taken and nothing failed", async () => {
  const flat = await held(() => 100, { orderMatters: true });
  assertEquals([flat.runs, flat.result.orderMatters], [0, undefined]);
  // State that tasks share may be needed by the next task, so several at once may fail.
  const shared = { name: "tokens", module: "file:///job.ts", line: 4 };
  assertEquals((await held(() => 100, { orderMatters: true }, 0, { shared })).runs, 1);
  assertEquals((await held(rising, { orderMatters: true }, 2)).runs, 0);
  const unknown = await held(rising, { orderMatters: undefined });
  assertEquals([unknown.runs, "orderMatters" in unknown.result], [1, false]);
});

Deno.test("a sweep that did other work than the sample is no reason to take a size", async () => {
  // An item took 10 ms in the sample, and 1 ms in the sweep at one slot.
  const { result } = await held((slots) => 1000 * slots, { orderMatters: false });
  assert(result.otherWork! < 0.2, `${result.otherWork}`);
  assertStringIncludes(takeLines(result)[0]!, "Stay at 1 slot: ");
  const swept = await resultOf((slots) => 1000 * slots);
  const otherWorkOf = async (points: typeof swept.points) => {
    return (await holdAgainstSample({ ...swept, points }, SAMPLED, NOTHING, signal))
      .otherWork;
  };
  // A round with failures doesn't count as time, and two slots aren't the plain loop.
  const failing = swept.points.map((point) => ({
    ...point,
    rounds: point.rounds.map((of) => ({ ...of, failed: 1 })),
  }));
  assertEquals(await otherWorkOf(failing), undefined);
  assertEquals(await otherWorkOf(swept.points.slice(1)), undefined);
  assertEquals(await otherWorkOf([]), undefined);
  const same = await held((slots) => 98 * slots, { orderMatters: false });
  assertEquals(same.result.otherWork, undefined);
});

Deno.test("a sweep warns of a file that tasks read and write", async () => {
  const rewritten = { path: "/tmp/count.txt", times: 5 };
  const { result } = await held(rising, { orderMatters: false, rewritten });
  assertEquals(result.warnings.filter((text) => text.includes("count.txt")).length, 1);
});

Deno.test("a sweep warns of items that arrive on lanes without their class, of a teardown that never ends, and of work that isn't awaited", async () => {
  const transfer = { classLost: "item 0: it is a Point", resultLost: "result 0: it is a Line" };
  const probed = probedOf({ transfer });
  const swept = await resultOf(() => 100);
  const warningsFor = async (model: string) =>
    (await holdAgainstSample({ ...swept, model }, { job: JOB, probed }, NOTHING, signal)).warnings;
  const warned = (await warningsFor("workers")).join();
  for (const what of Object.values(transfer)) assertStringIncludes(warned, what);
  assertEquals(await warningsFor("limited"), swept.warnings);
  const endless = { ...probed, teardownMs: Infinity };
  const { warnings } = await holdAgainstSample(
    swept,
    { job: JOB, probed: endless },
    NOTHING,
    signal,
  );
  assertStringIncludes(warnings.join(), "The teardown did not end within 5.00 s");
  const left = { job: JOB, probed: probedOf({ leftMs: 900 }) };
  const told = (await holdAgainstSample(swept, left, NOTHING, signal)).warnings.join();
  assertStringIncludes(told, "settle before their work is done");
});

Deno.test("a sweep says of items that come no faster than they are done that their source is the limit", async () => {
  const swept = await resultOf(rising);
  const warningsOf = async (sourceMs: number) =>
    (await holdAgainstSample(
      swept,
      { job: JOB, probed: probedOf({ waitMs: 10, sourceMs }) },
      NOTHING,
      signal,
    ))
      .warnings.join();
  assertStringIncludes(
    await warningsOf(1.2),
    "source of the items is the limit: it takes",
  );
  assert(!(await warningsOf(0.2)).includes("source"));
});

Deno.test("a sweep looks at no order where the smallest size itself gives other results", async () => {
  const swept = { ...await resultOf(rising), unsteady: true };
  const orderProbe: OrderProber = () => Promise.reject(new Error("looked"));
  const { orderMatters } = await holdAgainstSample(swept, SAMPLED, orderProbe, signal);
  assertEquals(orderMatters, undefined);
  assertStringIncludes(takeLines(swept)[0]!, "Take 8 slots");
});

const items = { kind: "module" as const, module: "file:///job.ts", export: "items" };
const probed = { ...probedOf({ items: 40 }), digests: DIGESTS };

/** Compares a kernel whose trial returns `round` with its function; `ran` holds the trials. */
function compared(
  round: { checksum: string; failed?: number; examples?: Record<string, string> },
  of = probed,
) {
  const ran: TrialSpec[] = [];
  const count = compareKernel({ ...JOB, items }, "gpu", of, {
    runTrial: (trial) => {
      ran.push(trial);
      const result = trialOf(trial, 10);
      return Promise.resolve({ ...result, round: { ...result.round, ...round } });
    },
    signal,
  });
  return { count, ran };
}

Deno.test("a kernel runs all items of the sample, whose results must be the function's", async () => {
  const { count, ran } = compared({ checksum: checksumOfFirst(40, probed)! });
  assertEquals(await count, 40);
  assertEquals(ran.map(({ model, job }) => [model, job.items]), [["gpu", { ...items, limit: 40 }]]);
});

Deno.test("a kernel with other results is not swept, and it is said what fails on it alone", async () => {
  const messageOf = async (round: Parameters<typeof compared>[0], of = probed) =>
    (await assertRejects(() => compared(round, of).count, JobError)).message;
  const before =
    "Cannot sweep the job under gpu: its kernel gives other results than its function for " +
    "the 40 items that were compared";
  const after = "; make them the same, bit by bit";
  assertEquals(await messageOf({ checksum: "others" }), before + after);
  assertEquals(
    await messageOf({ checksum: "others", failed: 2, examples: { Error: "item 7, no" } }),
    `${before} (2 failed on the kernel, 0 in the function, such as item 7, no)${after}`,
  );
  const failing = { ...probed, done: { ...probed.done!, failed: 3 } };
  assertEquals(
    await messageOf({ checksum: "others" }, failing),
    `${before} (0 failed on the kernel, 3 in the function)${after}`,
  );
});

Deno.test("where no results were kept nothing is compared", async () => {
  const { count, ran } = compared({ checksum: "others" }, { ...probed, digests: [] });
  assertEquals([await count, ran], [0, []]);
});

Deno.test("a sweep of tasks that give nothing back says that nothing was compared", async () => {
  const probed = probedOf({ isVoid: true });
  const { warnings } = await holdAgainstSample(
    await resultOf(rising),
    { job: JOB, probed },
    NOTHING,
    signal,
  );
  assertStringIncludes(warnings.join(), "The tasks give nothing back");
});
