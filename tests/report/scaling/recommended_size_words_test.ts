import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { itemsSentences, takeLines } from "../../../lib/report/scaling/sweep_words.ts";
import type { SweepPoint, SweepResult } from "../../../lib/scaling/sweep_result.ts";
import { resultOf } from "../../scaling/measured.ts";

const result = await resultOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
const [first] = result.points as [SweepPoint, SweepPoint];

Deno.test("a size to stay at is told with its reason and its line of code", () => {
  const stay = (more: Partial<SweepResult>) => takeLines({ ...result, ...more });
  const [differs, code] = stay({ differsAt: 4 });
  assertStringIncludes(differs!, "Stay at 1 slot: with 4 slots the same items gave other results.");
  assertStringIncludes(differs!, "which others run beside or before it: keep no state outside");
  assertEquals(code, "await using executor = sequential();");
  assertStringIncludes(stay({ orderMatters: true })[0]!, "from last to first, one by one");
  assertStringIncludes(stay({ otherWork: 0.5 })[0]!, "took 2.00× as fast as before them");
  assertStringIncludes(stay({ otherWork: 3 })[0]!, "took 3.00× as long as before them");
  assertEquals(stay({ points: [] }), []);
  assertEquals(stay({ failsFrom: { size: 1, failed: 1, of: 2 } }), []);
});

Deno.test("the line of code names lanes and slots as far as they were swept", () => {
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
    "Take 1 slot. No other size was measured; deno task advise compares it with the other models.",
  );
  assertStringIncludes(takeLines(result)[0]!, "That is the best of the sizes of limited that were");
});

Deno.test("what compares the size with other models is a command that can run the job", () => {
  const comparedBy = (model: string, options: SweepResult["job"]["options"]) => {
    const [text] = takeLines({
      ...result,
      points: [first],
      model,
      job: { ...result.job, options },
    });
    return text!.match(/measured; (.*)\.$/)![1];
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
  assert(!takeLines({ ...result, job: own })[0]!.includes("It may take"));
  assertStringIncludes(
    takeLines({ ...result, job: own, computingShare: 0.47 })[0]!,
    "It may take lanes with slots on each, for the tasks compute 47% of their time and wait the rest",
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
