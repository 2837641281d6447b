import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Finding } from "../../../lib/advice/findings.ts";
import { itemsText, sayFinding } from "../../../lib/advice/words/finding_words.ts";
import type { FailureKind } from "../../../lib/timing/failures.ts";

function say(finding: Finding, ...parts: readonly string[]): string {
  const text = sayFinding(finding);
  for (const part of parts) assertStringIncludes(text, part);
  return text;
}

Deno.test("itemsText() says that a number of items is assumed, where it can't be told", () => {
  assertEquals(itemsText({ horizon: 1, total: 1 }), "1 item");
  assertEquals(itemsText({ horizon: 1000, total: null }), "an assumed 1000 items");
});

Deno.test("other results are told with what is known of their cause", () => {
  const models = ["concurrent", "workers (2 lanes)"];
  say({ kind: "results", models, loops: true }, "under concurrent, workers (2 lanes): the tasks");
  say(
    { kind: "results", models, orderMatters: false, loops: true },
    "it isn't the order, but tasks in flight at the same time that change what they share",
  );
  say(
    { kind: "results", models, orderMatters: false, loops: false },
    "it isn't the order, but memory that each lane has of its own",
  );
  say({ kind: "order", models: [] }, "once the plain loop runs the items in another order");
  say({ kind: "order", models }, "under concurrent, workers (2 lanes), and under the plain loop");
});

Deno.test("a race of other work is told by what was other, why, and what helps", () => {
  const of = (ratio: number, sameResults: boolean, canReset = false) =>
    sayFinding({ kind: "other-work", ratio, sameResults, canReset });
  assertMatch(of(0.5, true), /was 2\.00× as fast on the same items.* may be skipped or cached/);
  assertMatch(of(2, true), /took 2\.00× as long for the same items.* may grow with every run/);
  // No more than half as long is what a machine does by itself.
  assertMatch(of(1.4, false), /sampled: its results are others than the sample's\. Work may grow/);
  assertMatch(of(0.7, false), /sampled: its results are others than the sample's\. Work that was/);
  assertMatch(of(1, false), /Work that was done once/);
  assertMatch(of(0.5, false), /as in the sample, and its results are others/);
  assertStringIncludes(of(0.5, true), "Export a function reset()");
  assertStringIncludes(of(0.5, true, true), "Its reset() doesn't bring the first state back.");
});

Deno.test("a server's rate is told with what it takes, and with what an error lacks", () => {
  const rate = { kind: "rate", refused: 12, items: 40, horizon: 120, total: 120 } as const;
  const known = say(
    { ...rate, perSecond: 20, status: 429, retryAfterMs: 1000 },
    "refused 12 of 40 items already one by one (HTTP 429, Retry-After 1.00 s).",
    "It lets about 20 a second through: 120 items take 6.00 s whatever the model.",
    "Keep to it with retries",
  );
  assert(!known.includes("could not be measured"));
  say(
    { ...rate, perSecond: null, status: undefined, retryAfterMs: undefined },
    "already one by one. Its pace could not be measured.",
    "throw an error with it as retryAfterMs",
  );
  say(
    { ...rate, items: 1, horizon: 1, total: null, perSecond: 2 },
    "of 1 item ",
    "2.0 a second through: an assumed 1 item takes 500 ms",
  );
});

const FAILING = {
  model: "limited (16 slots)",
  inFlight: 16,
  others: [],
  failed: 3,
  items: 40,
  well: 8,
  perSecond: null,
  reasons: [],
} as const;

Deno.test("tasks that fail with many in flight are told with what went well, and with the pace", () => {
  say(
    { kind: "refused", ...FAILING, perSecond: 12.3 },
    "With 16 tasks in flight (limited (16 slots)) 3 of 40 items failed, none of them one by one",
    "about 12 a second went through. Stay at 8 or fewer",
  );
  const alone = say({ kind: "refused", ...FAILING, well: 1 }, "One by one they went well.");
  const some = { kind: "refused", ...FAILING, well: 1, oneByOne: 2 } as const;
  say(some, "more than one by one: failing", "One by one fewer failed.");
  assert(!alone.includes("a second"));
  const torn = { reason: "SyntaxError", count: 3, index: 4, message: "Unexpected end of JSON" };
  const own = say({ kind: "refused", ...FAILING, reasons: [torn] }, "get in each other's way");
  assert(!own.includes("limits their rate"));
  const down = { reason: "TypeError", count: 3, index: 4, message: "error sending request" };
  say({ kind: "refused", ...FAILING, reasons: [down] }, "What they wait for refuses so many");
  say({ kind: "descriptors", ...FAILING }, "ulimit -n", "Stay at 8 or fewer");
  say({ kind: "late", ...FAILING }, "wait for each other", "Stay at 8 or fewer");
  say(
    { kind: "lanes", ...FAILING, others: ["processes"] },
    "and so it is under processes",
    "make it in setup()",
  );
});

Deno.test("reasons of failures keep count, status, wait and first item, and at most three are told", () => {
  const of = (...reasons: readonly FailureKind[]) =>
    sayFinding({ kind: "refused", ...FAILING, reasons });
  const error = { reason: "Error", count: 2, index: 7 };
  assertStringIncludes(
    of({ ...error, message: "slow down", status: 429, retryAfterMs: 2000 }),
    "(2 × Error, HTTP 429, Retry-After 2.00 s, first item 7: slow down)",
  );
  // Nothing is said twice.
  assertStringIncludes(of({ ...error, message: "HTTP 429", status: 429 }), "item 7: HTTP 429)");
  assert(!of({ ...error, message: "HTTP 429", status: 429 }).includes("Error, HTTP 429"));
  assertStringIncludes(of({ ...error, message: "Error" }), "(2 × Error, first item 7)");
  assertStringIncludes(of({ ...error, message: "" }), "(2 × Error, first item 7)");
  const four = of(...["a", "b", "c", "d"].map((message) => ({ ...error, message })));
  assert(four.includes(": c)") && !four.includes(": d"), four);
});

Deno.test("failures of the plain loop are told with the first one", () => {
  const failed = { kind: "failures", failed: 2, items: 9 } as const;
  const first = { reason: "TypeError", count: 2, index: 3, message: "no body" };
  say({ ...failed, first }, "2 of 9 items failed", "(item 3 with TypeError: no body)");
  say({ ...failed, first: { ...first, message: "" } }, "(item 3 with TypeError)");
  say(failed, "2 of 9 items failed already one by one; their time");
});

Deno.test("memory is told as measured, or for as many as are in flight, beside what is free", () => {
  const memory = {
    kind: "memory",
    sampleBytes: 900e6,
    taskBytes: 700e6,
    inFlight: 6,
    model: "workers (2 lanes)",
    freeBytes: 2e9,
  } as const;
  say(
    { ...memory, measuredBytes: null },
    "raised the peak memory by 900 MB one by one, the first alone by 700 MB",
    "workers (2 lanes) has 6 in flight: about 4 GB of 2 GB that are free",
  );
  const { freeBytes: _unknown, ...nobodyKnows } = memory;
  say({ ...nobodyKnows, measuredBytes: 300e6 }, "was measured to need 300 MB more. A worker");
});

Deno.test("a busy machine, a slow teardown and the rest are told with their figures", () => {
  const busy = { kind: "busy", available: 0.5, cores: 2, ceiling: 1.1 } as const;
  say(busy, "Other programs used the CPUs meanwhile: a busy thread got 50% of one, and 2 ");
  say({ ...busy, others: { used: 1.4, cores: 2 } }, "used 1.4 of 2 cores meanwhile: a busy");
  say({ kind: "teardown", ms: null, graceMs: 5000 }, "did not end within 5.00 s");
  say({ kind: "teardown", ms: 1000, graceMs: 3000 }, "takes 1.00 s", "graceMs: 3000");
  say({ kind: "impossible", model: "m", gain: 3.9, most: 2, cores: 2 }, "gained 3.90× where 2 ");
  say(
    { kind: "turns", model: "workers (2 lanes)" },
    "lets in one at a time",
    "workers (2 lanes) has",
  );
  say({ kind: "blocking", share: 0.9 }, "hold up their thread for 90% of their time");
  say({ kind: "blocking", share: 0.9, startsPrograms: true }, "Starting programs holds up");
  say({ kind: "class", what: "item 0: it is P" }, "doesn't get all of an item (item 0: it is P)");
  say({ kind: "uncloneable", what: "item 0 is a function" }, "lane: item 0 is a function.");
  say({ kind: "broken", model: "workers", error: "no threads" }, "workers could not run: no thr");
  say({ kind: "uneven", variation: 1.26 }, "1.3 times the mean");
  say({ kind: "unrepeatable" }, "gives other results from run to run");
});

Deno.test("results that differ on lanes alone are put down to what doesn't arrive there", () => {
  const kind = "results" as const;
  const of = { kind, models: ["workers"], orderMatters: false, loops: false };
  say({ ...of, isLost: true }, "under workers: not all of an item arrives there.");
  say(of, "memory that each lane has of its own");
});
