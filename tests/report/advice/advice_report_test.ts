import type { Advice } from "../../../lib/advice/advice.ts";
import type { ModelAdvice } from "../../../lib/advice/prediction/candidate.ts";
import { MORE_LIKELY } from "../../../lib/judge/thresholds.ts";
import { adviceReport } from "../../../lib/report/advice/advice_report.ts";
import {
  classLine,
  costLine,
  jobItems,
  modelColumns,
  recommendationLines,
  remarkLines,
  remarkOn,
  sampleLine,
} from "../../../lib/report/advice/advice_words.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const advice = await adviceOn({ computeMs: 20 }, asPredicted);

Deno.test("adviceReport() has a row for each model, and marks the recommended one", () => {
  const lines = adviceReport(adviceFileOf(advice)).markdown().split("\n");
  const rows = lines.filter((line) => line.startsWith("| ")).slice(2);
  assertEquals(
    rows.map((row) => row.split(" | ")[0]),
    advice.models.map(({ name }) => `| ${name}`),
  );
  const marked = rows.filter((row) => row.endsWith("| ← recommended |"));
  assertEquals(marked.map((row) => row.split(" | ")[0]), [`| ${advice.recommended.name}`]);
});

Deno.test("adviceReport() holds the code as it is, and the command that runs it", () => {
  const text = adviceReport(adviceFileOf({ ...advice, flags: ["--allow-read=/a b"] })).markdown();
  assertStringIncludes(text, `\n\`\`\`ts\n${advice.code}\`\`\`\n`);
  assertStringIncludes(text, "deno run '--allow-read=/a b' job&#95;run.ts");
});

Deno.test("adviceReport() tells what is missing, and hazards", () => {
  const hazards = [{ kind: "memory", text: "It needs 1 GB." }] as const;
  const text = adviceReport(adviceFileOf({ ...advice, hazards, partial: "it was interrupted" }))
    .markdown();
  assertStringIncludes(text, "\nPartial: it was interrupted.\n");
  assertStringIncludes(text, "#### Hazards seen\n\n- It needs 1 GB.\n");
});

const [raced] = advice.models.filter(({ model, measured }) =>
  model !== "sequential" && measured?.gain != null
);

Deno.test("a model's remark says why it isn't the recommended one", () => {
  const remark = (out: ModelAdvice["out"], measured = raced!.measured) =>
    remarkOn({ ...raced!, out, measured });
  assertEquals(
    (["failures", "results", "broken", "impossible"] as const).map((out) => remark(out)),
    ["tasks failed", "other results", "could not run", "can't be right"],
  );
  const slower = (low: number, high: number) =>
    remark("slower", { ...raced!.measured!, gain: { median: 1, low, high } });
  assertEquals([slower(1.01, 2), slower(0.5, 0.9), slower(0.5, 1.5)], [
    "behind the best",
    "clearly slower",
    "seemed behind",
  ]);
  assertEquals(remark("slower", { ...raced!.measured!, gain: null }), "behind the best");
  assertEquals(remarkOn({ ...raced!, out: "slower", measured: undefined }), "stopped, too long");
  assertEquals(remarkOn({ ...raced!, out: undefined, measured: undefined }), "not raced");
  assertEquals(remark(undefined), "");
});

function sample(more: Partial<Advice["sample"]>): string {
  return sampleLine({ ...advice, sample: { ...advice.sample, others: undefined, ...more } });
}

Deno.test("what sending an item takes is told from a byte on", () => {
  assert(!sample({ itemBytes: 0.5, resultBytes: 0.4 }).includes("to send"));
  assertStringIncludes(sample({ itemBytes: 0.5, resultBytes: 0.5, cloneMs: 2 }), "takes 2.00 ms");
});

Deno.test("an item's source is told if it takes more than a twentieth, and can be felt", () => {
  const source = (sourceMs: number, wallMs: number) =>
    sample({ sourceMs, wallMs }).includes("Getting an item");
  assertEquals([source(1.1, 20), source(1, 20), source(0.01, 0.1), source(0.011, 0.1)], [
    true,
    false,
    false,
    true,
  ]);
});

Deno.test("what other programs took is told by what is known of them", () => {
  assertStringIncludes(sample({ available: 0.89 }), "Other programs left 89% of a CPU");
  assert(!sample({ available: 0.9 }).includes("Other programs"));
  const busy = sample({ available: 0.5, others: { used: 1.9, cores: 2 }, queuedMs: 3 });
  assertStringIncludes(busy, "1.9 of 2 cores meanwhile: a task queued 3.00 ms for a core");
  const others = { used: 1.9, cores: 2 };
  const told = { ...advice, hazards: [{ kind: "busy", text: "" }] } as const;
  const once = sampleLine({ ...told, sample: { ...advice.sample, others, queuedMs: 3 } });
  assertStringIncludes(once, " A task queued 3.00 ms for a core");
  assert(!busy.includes("left 50%"));
  assert(!sample({ available: 0.5, others: { used: 0, cores: 2 } }).includes("queued"));
});

function lines(more: Partial<Advice["recommended"]>, of: Partial<Advice> = {}): string[] {
  return recommendationLines({
    ...advice,
    ...of,
    recommended: { ...advice.recommended, ...more },
  });
}

Deno.test("a recommendation tells its size, gain, memory, break-even and how sure it is", () => {
  const gain = { median: 1.9, low: 1.8, high: 2 };
  assertEquals(
    lines({
      reason: "R.",
      ...{ lanes: 2, slots: null, chunk: "auto", gain, predictedGain: 1.95 },
      ...{ memoryBytes: 5e6, breakEven: 1, confidence: 0.97 },
    }, { horizon: 100, unsure: undefined, machine: { ...advice.machine, cores: 2, ceiling: 1.9 } }),
    [
      "R.",
      "Lanes: 2; slots on each: all items'; chunk: auto.",
      "Gain: 1.90× 1.80–2.00 for 100 items, by runs of 28; 1.95× was predicted.",
      "2 independent processes gain 1.90× here: computing can't gain more.",
      "Memory: 5 MB more than the plain loop.",
      "Pays from about 2 items.",
      "Confidence: 97%.",
    ],
  );
  const bare = lines({ lanes: 1, gain: null, memoryBytes: 0, breakEven: null }, { unsure: "few" });
  assert(bare.some((line) => /predicted for \d+ items \(unsure: few\)\.$/.test(line)), bare.join());
  assert(bare.includes("Memory: no more than the plain loop."));
  assert(!bare.some((line) => /independent|Pays|Retries|Rate/.test(line)));
  assert(!lines({ memoryBytes: null }).some((line) => line.startsWith("Memory")));
});

Deno.test("how sure it is that nothing gains is told where it is more likely than not", () => {
  const told = (confidence: number, decision: Advice["recommended"]["decision"]) =>
    lines({ model: "sequential", reason: "R.", decision, confidence, retries: 0 })
      .filter((line) => /sure|Confidence/.test(line));
  const plain = advice.recommended.decision;
  assertEquals(told(MORE_LIKELY, plain), [`Confidence: ${Math.round(100 * MORE_LIKELY)}%.`]);
  assertEquals(told(MORE_LIKELY, "can't tell"), []);
  assertEquals(told(0.8, "can't tell"), ["That nothing gains a tenth is 80% sure."]);
});

Deno.test("a gain that was measured and can't be is told beside the one that can", () => {
  const gain = { median: 1.9, low: 1.8, high: 1.9 };
  const told = (median: number) =>
    lines({ gain }, {
      models: advice.models.map((of) => ({
        ...of,
        measured: of.measured && { ...of.measured, gain: { ...gain, median } },
      })),
    }).join("\n");
  assertStringIncludes(told(2.6), "; 2.60× was measured, which cores and waiting can't give: most");
  assert(!told(1.9).includes("can't give"));
  const most = lines({ gain: { median: 1.68, low: 1.68, high: 1.68 } }).join("\n");
  assertStringIncludes(most, "1.68× at most for");
});

Deno.test("what ran fewer items than the job has is said to be scaled to all", () => {
  const wordsOf = (items: (isPlain: boolean) => number) =>
    adviceReport(adviceFileOf({
      ...advice,
      horizon: 100,
      models: advice.models.map((of) => ({
        ...of,
        measured: of.measured && { ...of.measured, items: items(of.model === "sequential") },
      })),
    })).markdown();
  assertStringIncludes(
    wordsOf((isPlain) => isPlain ? 4 : 100),
    "Scaled to that: sequential from 4.",
  );
  assertStringIncludes(
    wordsOf((isPlain) => isPlain ? 4 : 11),
    "Scaled to that: sequential from 4, others from 11.",
  );
  assertStringIncludes(wordsOf(() => 11), "Scaled to that from 11.");
  assert(!wordsOf(() => 100).includes("Scaled"));
});

Deno.test("a pace and retries are told of the plain loop too", () => {
  for (const model of ["sequential", "limited"] as const) {
    const told = lines({ model, retries: 2, rate: { limit: 1, perMs: 1000 } }).join("\n");
    assertStringIncludes(told, "\nRate: at most 1 start in 1.00 s.\nRetries: 2, after waits");
  }
});

Deno.test("what auto settled on is told last, whatever is recommended", () => {
  const text = "auto settled on 2 lanes × 8 slots, 1.06 of the recommended model's time.";
  for (const model of ["sequential", "limited"] as const) {
    assertEquals(lines({ model }, { auto: { text } }).at(-1), text);
  }
});

Deno.test("on a busy machine a gain isn't promised to an idle one", () => {
  const gain = { median: 1.5, low: 1.4, high: 1.6 };
  const told = (hazards: Advice["hazards"]) => lines({ lanes: 2, gain }, { hazards }).join("\n");
  assertStringIncludes(told([{ kind: "busy", text: "" }]), "Faster here, on a busy machine: 1.50×");
  assertStringIncludes(told([]), "Gain: 1.50×");
});

Deno.test("the advice's cost says how often an item ran", () => {
  const cost = { ...advice.cost, tasksMs: 1500, sequentialRuns: 2.26 };
  assertEquals(
    costLine({ ...advice, cost: { ...cost, timesRun: 1 } }),
    "This advice ran tasks for 1.50 s, 2.3 times one sequential run of the sample; no item ran " +
      "more than once.",
  );
  assert(costLine({ ...advice, cost: { ...cost, timesRun: 3 } }).endsWith("more than 3 times."));
});

Deno.test("a class and what corrects it are told, or the source that takes the time; an unknown one is called measured", () => {
  const { sample } = advice;
  assertEquals(
    classLine({ sample, bound: "mixed", cpuShare: 0.4, classConfidence: 0.9 }),
    "mixed: the tasks compute 40% of their time and wait the rest (90% sure)",
  );
  assert(
    classLine({ sample, bound: "mixed", cpuShare: 0.4, classConfidence: 0.5 }).endsWith(
      "(unsure: 50%)",
    ),
  );
  assert(
    classLine({ sample, bound: "cpu", cpuShare: 1, classConfidence: 1 })
      .includes("100% of their time ("),
  );
  assertEquals(
    classLine({
      sample: { ...sample, wallMs: 5, sourceMs: 20 },
      bound: "cpu",
      cpuShare: 1,
      classConfidence: 0.99,
    }),
    "limited by the source of its items, which takes 80% of the time: the tasks compute 100% of " +
      "their time (99% sure)",
  );
  assertEquals(remarkLines({ partial: "stopped" }), ["Partial: stopped."]);
  assertEquals(remarkLines({}), []);
});

Deno.test("a row tells times of the plain loop, and gains of the others", () => {
  const columns = modelColumns(advice);
  const row = (of: ModelAdvice) => columns.map(({ cell }) => cell(of));
  const measured = { ...raced!.measured!, totalMs: 250, startMs: 12, peakRssBytes: 8e7 };
  const gain = { median: 1.9, low: 1.8, high: 2 };
  const of = { ...raced!, name: "other", predictedMs: 400, predictedGain: 2, out: undefined };
  assertEquals(row({ ...of, measured: { ...measured, gain } }), [
    "other",
    "2.00×",
    "1.90× 1.80–2.00",
    "12.0 ms",
    "80 MB",
    "",
  ]);
  assertEquals(row({ ...of, measured: { ...measured, gain: null } })[2], "250 ms");
  assertEquals(row({ ...of, model: "sequential", measured: { ...measured, gain } }).slice(1, 3), [
    "400 ms",
    "250 ms",
  ]);
  assertEquals(row({ ...of, measured: undefined }).slice(2), ["–", "–", "–", "not raced"]);
  assertEquals(row({ ...of, name: advice.recommended.name }).at(-1), "← recommended");
});

Deno.test("a narrow terminal shows what was measured, or what was predicted where nothing was raced", () => {
  const head = (models: readonly ModelAdvice[]) => {
    const text = adviceReport(adviceFileOf({ ...advice, models })).text({
      columns: 40,
      colour: false,
    });
    return /^model +(\w+)$/m.exec(text)?.[1];
  };
  assertEquals(head(advice.models), "measured");
  const unraced = advice.models.map((of) => {
    return of.model === "sequential" ? of : { ...of, measured: undefined };
  });
  assertEquals(head(unraced), "predicted");
});

Deno.test("a number of items that isn't known is said to be assumed", () => {
  const of = { horizon: 1000, job: { ...advice.job, total: null } };
  assertEquals(jobItems(of), "an assumed 1,000 items");
  assertEquals(jobItems({ ...of, job: { ...advice.job, total: 1000 } }), "1,000 items");
  assertStringIncludes(lines({ lanes: 2, gain: null }, of).join(), "for an assumed 1,000 items");
});
