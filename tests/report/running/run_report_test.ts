import { assertEquals, assertStringIncludes } from "@std/assert";
import { ONE, type Shape } from "../../../lib/adaptive/watch.ts";
import { reportPage, reportRenderers } from "../../../lib/report/kinds.ts";
import { runPart, runReport, runTraced } from "../../../lib/report/running/run_report.ts";
import type { RunResult } from "../../../lib/running/run_result.ts";
import { runFile, runResult } from "./fixture.ts";

const STYLE = { columns: 80, colour: false };

Deno.test("the summary tells what settled, how fast, what failed and why, and what took longest", () => {
  const text = runReport({ ...runFile(), run: runResult() }).text(STYLE);
  assertEquals(
    text.split("\n")[0],
    "crawl: 120 of 2,000 items in 6.00 s, 20.0/s: 100 succeeded, 20 failed",
  );
  for (
    const words of [
      "limited (5 slots); halted",
      "1,200 were done and 3 had failed before",
      "HTTP 503",
    ]
  ) {
    assertStringIncludes(text, words);
  }
  assertStringIncludes(text, "item 1300  2.00 s");
  for (const line of text.split("\n")) assertEquals(line.length <= 80, true, line);
});

Deno.test("what there was none of isn't told, nor a rate of nothing", () => {
  const before = { done: 0, failed: 0 };
  const none = {
    ended: "done" as const,
    before,
    succeeded: 0,
    failed: 0,
    reasons: [],
    slowest: [],
  };
  const told = (changes: Partial<RunResult>) =>
    runReport({ ...runFile(), run: runResult({ ...none, ...changes }) }).text(STYLE).trim();
  const first = "crawl: 0 items in 6.00 s: 0 succeeded, 0 failed\n";
  assertEquals(told({}), `${first}limited (5 slots)`);
  const auto = { decisions: [], next: "await using executor = sequential();" };
  assertEquals(told({ model: "auto", auto }), `${first}auto`);
  assertEquals(
    told({ before: { done: 0, failed: 1 }, gone: 1 }),
    `${first}limited (5 slots); 1 had failed before; 1 recorded item left the list`,
  );
  assertEquals(
    told({ before: { done: 1, failed: 0 } }),
    `${first}limited (5 slots); 1 was done before`,
  );
});

Deno.test("a run that ended before its end says so, and of how many items", () => {
  const told = (changes: Partial<RunResult>) =>
    runReport({ ...runFile(), run: runResult({ before: { done: 0, failed: 0 }, ...changes }) })
      .text(STYLE).split("\n").slice(0, 2).join("; ");
  const rest = "in 6.00 s, 20.0/s: 100 succeeded, 20 failed; limited (5 slots)";
  assertEquals(told({ ended: "done" }), `crawl: 120 items ${rest}`);
  assertEquals(told({ ended: "interrupted", total: 120 }), `crawl: 120 items ${rest}`);
  assertEquals(told({ ended: "interrupted" }), `crawl: 120 of 2,000 items ${rest}; interrupted`);
  assertEquals(
    told({ ended: "failed", total: null }),
    `crawl: 120 items ${rest}; stopped before its end`,
  );
});

Deno.test("no model is named for the next time where most items failed", () => {
  const auto = { decisions: [], next: "await using executor = limited({ slots: 48 });" };
  const of = (succeeded: number, failed: number) =>
    runReport({ ...runFile(), run: runResult({ model: "auto", auto, succeeded, failed }) })
      .text(STYLE).includes("next time");
  assertEquals([of(10, 90), of(0, 100), of(80, 20)], [false, false, true]);
});

Deno.test("a terminal says how many reasons and decisions it leaves out, and Markdown has them all", () => {
  const reasons = Array.from({ length: 7 }, (_, n) => (
    { reason: `HTTP 50${n}`, count: 1, index: n, message: `HTTP 50${n}` }
  ));
  const figures = { busyShare: 0.5, latencyMs: null, perSecond: 120, refused: 0 };
  const decisions = Array.from({ length: 6 }, (_, n) => (
    { atMs: n, from: { ...ONE }, to: { ...ONE }, why: "computes" as const, figures }
  ));
  const auto = { decisions, next: "await using executor = sequential();" };
  const report = runReport({ ...runFile(), run: runResult({ model: "auto", auto, reasons }) });
  assertStringIncludes(report.text(STYLE), "… and 2 more reasons");
  assertStringIncludes(report.text(STYLE), "… and 1 more decision\n");
  assertEquals(report.markdown().match(/HTTP 50/g)!.length, 7);
  assertEquals(report.markdown().includes("more reason"), false);
});

Deno.test("only a run that was interrupted is said to be partial", () => {
  const partial = (["done", "interrupted", "halted", "failed"] as const).filter((ended) =>
    runReport({ ...runFile(), run: runResult({ ended }) }).markdown().includes("**Partial:**")
  );
  assertEquals(partial, ["interrupted"]);
});

Deno.test("a run of auto tells what was decided, and what to use next time", () => {
  const one: Shape = { ...ONE };
  const figures = { busyShare: 0.96, latencyMs: null, perSecond: 120, refused: 0 };
  const auto = {
    decisions: [
      { atMs: 24, from: one, to: one, why: "computes" as const, figures },
      {
        atMs: 64,
        from: one,
        to: { place: "lanes" as const, lanes: 2, slots: 1 },
        why: "lanes ready" as const,
        detail: "can't\x1b[2J",
        figures,
      },
    ],
    next: "await using executor = workers({ lanes: 2 });",
  };
  const run = runResult({ model: "auto", auto });
  const text = runReport({ ...runFile(), run }).text(STYLE);
  for (
    const words of [
      "next time: await using executor = workers({ lanes: 2 });",
      "24.0 ms 1 slot: tasks compute, lanes start",
      "64.0 ms 1 slot → 2 lanes of 1 slot: lanes have started (can't)",
    ]
  ) {
    assertStringIncludes(text.replaceAll(/\s+/g, " "), words);
  }
  assertEquals(text.includes("\x1b"), false);
  for (const line of text.split("\n")) assertEquals(line.length <= 80, true, line);
});

Deno.test("what comes from outside can't steer the terminal", () => {
  const reasons = [{ reason: "\x1b[2Jx", count: 1, index: 0, message: "a\nb\x1b]0;t\x07" }];
  const job = { name: "\x1b[31mjob", module: "file:///job.ts", export: "default" };
  const text = runReport({ ...runFile(), run: runResult({ reasons, job }) }).text(STYLE);
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x1b\x07]/.test(text), false);
});

Deno.test("why items failed is told whole, however long it is", () => {
  const message = `refused: GET http://host/${"page/".repeat(30)}: nobody listens there`;
  const reasons = [{ reason: "refused", count: 1200, index: 7, message }];
  const text = runReport({ ...runFile(), run: runResult({ reasons }) }).text(STYLE);
  const told = `1,200 × ${message.replace(": ", ", first item 7: ")}`;
  assertStringIncludes(text.replaceAll(/\s+/g, " "), told);
});

/** Two of 120 tasks; the second failed. */
const timeline = {
  round: 0,
  lanes: [{ lane: 0, startMs: 5, cpuShare: 0.5 }],
  index: [0, 60],
  lane: [0, 0],
  queuedMs: [0, 10],
  startedMs: [1, 20],
  endedMs: [9, 30],
  status: ["fulfilled", "failed"],
};

Deno.test("the page tells what failed and what took longest, and says of how many tasks it draws some", () => {
  const page = reportPage([{ ...runFile(), run: runResult({ timeline }) }]);
  for (const words of ["HTTP 503", "item 1300", "records 2 of 120 tasks", "limited (5 slots)"]) {
    assertStringIncludes(page, words);
  }
  const place = { id: "run", before: 0, alone: true };
  assertEquals(runPart(runFile(), place).sections.map(({ found }) => found!.text), [
    "120 of 2,000 items in 6.00 s, 20.0/s: 100 succeeded, 20 failed",
  ]);
});

Deno.test("a trace has the tasks that were kept, and says that they are a sample", async () => {
  const { traceEvents } = JSON.parse(
    await reportRenderers([{ ...runFile(), run: runResult({ timeline }) }]).trace(),
  );
  const tasks = traceEvents.filter(({ cat, ph }: { cat: string; ph: string }) =>
    cat === "task" && ph === "X"
  );
  assertEquals(tasks.map(({ name }: { name: string }) => name), ["task 0", "task 60"]);
  const { labels } =
    traceEvents.find(({ name }: { name: string }) => name === "process_labels").args;
  assertStringIncludes(labels, "an even sample of 2 of 120 tasks");
  assertEquals(runTraced(runFile()), undefined);
  const [all] = runTraced({ ...runFile(), run: runResult({ timeline, succeeded: 1, failed: 1 }) })!;
  assertEquals(all!.labels, "19 HTTP 503; 1 timed-out");
});

Deno.test("in Markdown nothing from outside becomes markup", () => {
  const job = { name: "a | b <img>", module: "file:///job.ts", export: "default" };
  const text = runReport({ ...runFile(), run: runResult({ job }) }).markdown();
  assertEquals(text.includes("<img>"), false);
  assertStringIncludes(text, "- 19 × HTTP 503, first item 1203: busy");
});
