import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { itemsText, paceText } from "../../../lib/advice/findings/failures.ts";
import { type Finding, resultFindings, sayFinding } from "../../../lib/advice/findings/findings.ts";
import type { Evidence } from "../../../lib/advice/evidence.ts";
import type { FailureKind } from "../../../lib/timing/failures.ts";
import { spreadOrder } from "../../../lib/timing/job_items.ts";
import {
  type Candidate,
  eventLoop,
  SEQUENTIAL,
  threads,
} from "../../../lib/advice/prediction/candidate.ts";
import type { Runner } from "../../../lib/advice/race/runner.ts";
import { adviceOn, asPredicted } from "../advice_on.ts";
import { probedOf, roundOf, sampleFor } from "../fixture.ts";

Deno.test("advise() recommends no model after a race of other work that failed in it or didn't pay", async () => {
  const failures = [{ reason: "Error", count: 5, index: 2, message: "cache is locked" }];
  const advice = (slots: number) =>
    adviceOn({ computeMs: 8, waitMs: 12, items: 150 }, ({ model, lanes = 1 }, items) => {
      if (model === "sequential") return { runMs: 6 * items };
      return lanes > 1
        ? { runMs: items, failed: 5, succeeded: items - 5, failures }
        : { runMs: 6 * items / slots };
    });
  const slow = await advice(0.5);
  assertEquals([slow.recommended.model, slow.recommended.decision], ["sequential", "other work"]);
  assertEquals(slow.recommended.gain, null);
  const paid = await advice(2);
  assertEquals([paid.recommended.model, paid.recommended.decision], ["limited", "other work"]);
});

Deno.test("advise() recommends nothing by a race that wasn't the job, and says what to do", async () => {
  const advice = await adviceOn({ waitMs: 20 }, (trial, items) => ({
    runMs: trial.model === "sequential" ? items : items / 8,
  }));
  assertEquals([advice.recommended.gain, advice.recommended.decision], [null, "other work"]);
  assert(advice.recommended.confidence <= 0.5);
  assertEquals(advice.surprises, []);
  const hazard = advice.hazards.find(({ kind }) => kind === "other-work")!;
  assertStringIncludes(hazard.text, "reset()");
  assertEquals(Math.round(Number(hazard.figures?.ratio) * 100), 5);
});

Deno.test("advise() says of tasks that can't run twice that they failed, and recommends nothing", async () => {
  const failures = [{ reason: "AlreadyExists", count: 90, index: 0, message: "mkdir 'a'" }];
  const of = (hooks: boolean) =>
    adviceOn(
      { waitMs: 20 },
      ({ model }, items, runMs) =>
        hooks || model === "sequential"
          ? { runMs: items / 10, failed: items, succeeded: 0, failures }
          : { runMs },
    );
  for (const all of [true, false]) {
    const { recommended, hazards } = await of(all);
    assertEquals([recommended.model, recommended.decision], ["sequential", "other work"]);
    assertEquals(hazards.map(({ kind }) => kind), ["other-work"]);
    assertStringIncludes(hazards[0]!.text, "failed one by one (90 × AlreadyExists, first item 0");
    assertStringIncludes(hazards[0]!.text, "impossible a second time");
    assertStringIncludes(hazards[0]!.text, "reset()");
  }
});

Deno.test("a file that tasks rewrite is told though all results agree", () => {
  const rewritten = { path: "/tmp/n", times: 16 };
  const text = sayFinding({ kind: "rewritten", tasks: 16, ...rewritten });
  assertStringIncludes(text, "The file /tmp/n was read and written 16 times by 16 tasks");
});

Deno.test("paceText() rounds what is ten a second or more", () => {
  assertEquals([9.94, 10, 20.6].map(paceText), ["9.9 a second", "10 a second", "21 a second"]);
});

function say(finding: Finding, ...parts: readonly string[]): string {
  const text = sayFinding(finding);
  for (const part of parts) assertStringIncludes(text, part);
  return text;
}

Deno.test("itemsText() says that a number of items is assumed, where it can't be told", () => {
  assertEquals(itemsText({ horizon: 1, total: 1 }), "1 item");
  assertEquals(itemsText({ horizon: 1000, total: null }), "an assumed 1,000 items");
});

Deno.test("other results are told with what is known of their cause", () => {
  const models = ["concurrent", "workers (2 lanes)"];
  say({ kind: "results", models, loops: true }, "under concurrent, workers (2 lanes): the tasks");
  say(
    { kind: "results", models, orderMatters: false, loops: true },
    "what they ask, most likely, gives other answers to so many at once",
  );
  say(
    { kind: "results", models, orderMatters: false, loops: true, shares: true },
    "it isn't the order, but tasks in flight at the same time that change what they share",
  );
  say(
    { kind: "results", models, orderMatters: false, loops: false },
    "it isn't the order, but memory that each lane has of its own",
  );
  const differs = { kind: "results", models, orderMatters: false, loops: true } as const;
  say({ ...differs, ofFile: true }, "the file that several in flight write over");
  say({ ...differs, ofProcess: true }, "such as its current folder", "subprocesses gave the same");
  say({ kind: "order", models: [] }, "once the plain loop runs the items in another order");
  say({ kind: "order", models }, "under concurrent, workers (2 lanes), and under the plain loop");
});

Deno.test("a race of other work is told by what was other, why, and what helps", () => {
  const of = (ratio: number, sameResults: boolean, canReset = false) =>
    sayFinding({ kind: "other-work", ratio, sameResults, canReset });
  assertMatch(of(0.5, true), /was 2\.00× as fast on the same items.* may be skipped or cached/);
  assertMatch(of(2, true), /took 2\.00× as long for the same items.* may grow with every run/);
  // A time up to half as long again can come from the machine alone.
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
    { ...rate, perSecond: 20, reason: "HTTP 429", retryAfterMs: 1000 },
    "refused 12 of 40 items already one by one (HTTP 429, Retry-After 1.00 s).",
    "It lets about 20 a second through: 120 items take 6.00 s whatever the model.",
    "Keep to it with retries",
  );
  assert(!known.includes("could not be measured"));
  say(
    { ...rate, perSecond: null, reason: undefined, retryAfterMs: undefined },
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
  const alone = say({ kind: "refused", ...FAILING, well: 1 }, "none of them one by one");
  const some = { kind: "refused", ...FAILING, well: 1, oneByOne: 2 } as const;
  say(some, "more than one by one: failing");
  assert(!/a second|Stay/.test(alone));
  const torn = { reason: "SyntaxError", count: 3, index: 4, message: "Unexpected end of JSON" };
  const own = say({ kind: "refused", ...FAILING, reasons: [torn] }, "get in each other's way");
  assert(!own.includes("limits their rate"));
  const down = { reason: "TypeError", count: 3, index: 4, message: "error sending request" };
  const locked = { reason: "Error", count: 3, index: 4, message: "locked", status: 423 };
  for (const reason of [down, locked]) {
    say({ kind: "refused", ...FAILING, reasons: [reason] }, "What they wait for refuses so many");
  }
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
  const busy = { ...error, reason: "HTTP 429", status: 429 };
  assertStringIncludes(
    of({ ...busy, message: "slow down", retryAfterMs: 2000 }),
    "(2 × HTTP 429, Retry-After 2.00 s, first item 7: slow down)",
  );
  // No part of the message is repeated.
  assertStringIncludes(of({ ...busy, message: "HTTP 429" }), "(2 × HTTP 429, first item 7)");
  assertStringIncludes(of({ ...busy, message: "HTTP 429: wait" }), "first item 7: wait)");
  assertStringIncludes(of({ ...error, message: "Error" }), "(2 × Error, first item 7)");
  assertStringIncludes(of({ ...error, message: "" }), "(2 × Error, first item 7)");
  const four = of(...["a", "b", "c", "d"].map((message) => ({ ...error, message })));
  assert(four.includes(": c)") && !four.includes(": d"), four);
});

Deno.test("tasks that fail in lanes are told what lanes lack, or what setup() does in each", () => {
  const of = (reason: string, setsUp: boolean) =>
    sayFinding({
      kind: "lanes",
      ...FAILING,
      reasons: [{ reason, count: 3, index: 1, message: "" }],
      setsUp,
    });
  assertStringIncludes(of("Error", true), "each lane runs setup() for itself");
  assertStringIncludes(of("TypeError", true), "State made elsewhere isn't there");
  assertStringIncludes(of("Error", false), "State made elsewhere isn't there");
  assertMatch(of("CloneError", true), /to which nothing is sent, they went well\.$/);
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
    "workers (2 lanes) has 6 in flight: up to 4 GB of 2 GB that are free",
  );
  const { freeBytes: _unknown, ...nobodyKnows } = memory;
  say({ ...nobodyKnows, measuredBytes: 300e6 }, "was measured to need 300 MB more. A worker");
});

Deno.test("a busy machine, a slow teardown and the rest are told with their figures", () => {
  const busy = { kind: "busy", available: 0.5, cores: 2, ceiling: 1.1 } as const;
  say(busy, "Other programs used the CPUs meanwhile: a busy thread got 50% of one, and 2 ");
  say({ ...busy, cores: 1 }, "a busy thread got 50% of one. On an idle machine");
  say({ ...busy, others: { used: 1.4, cores: 2 } }, "used 1.4 of 2 cores meanwhile: a busy");
  say({ kind: "open", what: "a WebSocket" }, "the job leaves a WebSocket open");
  say({ kind: "teardown", ms: null, graceMs: 5000 }, "did not end within 5.00 s");
  say({ kind: "teardown", ms: 1000, graceMs: 3000 }, "takes 1.00 s", "graceMs: 3000");
  say({ kind: "impossible", model: "m", gain: 3.9, most: 2, cores: 2 }, "gained 3.90× where 2 ");
  const offer = { model: "workers", gain: { median: 2, low: 1.9, high: 2.1 } };
  say(
    { kind: "turns", offer: { ...offer, model: "workers (2 lanes)" }, atOnce: 1, isSure: true },
    "lets in one at a time",
    "workers (2 lanes) gained 2.00× 1.90–2.10 with that: take it if one in each lane is as good.",
  );
  say(
    { kind: "turns", offer, atOnce: 3, isSure: false },
    "about 3 tasks got on at once, though it had time for more: it may be that",
    "lets in so many at",
  );
  const shared = { kind: "state", name: "cache", module: "file:///a/memo.ts", line: 4 } as const;
  say(shared, "line 4 of memo.ts changes cache, and each lane would have its own");
  say({ ...shared, kind: "stampede" }, "line 4 of memo.ts changes cache. If that is a cache");
  say({ ...shared, items: 400, distinct: 40 }, "Only 40 of 400 items differ from all before them");
  say({ ...shared, offer }, "workers gained 2.00× 1.90–2.10 with that: take it if");
  say({ kind: "blocking", share: 0.9 }, "hold up their thread for 90% of their time");
  say({ kind: "blocking", share: 0.9, startsPrograms: true }, "asynchronous calls leave");
  say({ kind: "class", what: "item 0: it is P" }, "doesn't get all of an item (item 0: it is P)");
  const given = { kind: "class", what: "result 0: it is P", ofResult: true } as const;
  say(given, "Not all of a result comes back from another lane (result 0: it is P)");
  say({ kind: "uncloneable", what: "item 0 is a function" }, "lane: item 0 is a function.");
  say({ kind: "broken", model: "workers", error: "no threads" }, "workers could not run: no thr");
  say({ kind: "uneven", variation: 1.26 }, "1.3 times the mean");
  const longest = { index: 37, share: 0.94 };
  say({ kind: "uneven", variation: 5, longest }, "Item 37 alone took 94% of the sample's time");
  say({ kind: "unrepeatable" }, "gives other results from run to run");
});

Deno.test("results that differ on lanes alone are put down to what doesn't arrive there", () => {
  const kind = "results" as const;
  const of = { kind, models: ["workers"], orderMatters: false as const, loops: false };
  say({ ...of, isLost: true }, "under workers: not all of an item arrives there.");
  say(of, "memory that each lane has of its own");
});

Deno.test("the item that takes most of the time is named by its place in the list", async () => {
  const made = { waitMs: 10, items: 60 };
  const inOrder = probedOf(made);
  const of = async (longMs: number, total = 60) => {
    // The fifth item that ran is the long one.
    const stretches = inOrder.stretches.map((one, at) =>
      at === 4 ? { ...one, wallMs: longMs } : one
    );
    const probed = { ...inOrder, stretches, spread: total, done: { ...inOrder.done!, total } };
    const truth = (_: unknown, items: number) => ({ runMs: longMs + 10 * items });
    const { hazards } = await adviceOn(made, truth, {}, false, undefined, {}, probed);
    return hazards.find(({ kind }) => kind === "uneven")?.text;
  };
  const place = spreadOrder(60)[4]!;
  assert(place !== 4);
  assertStringIncludes((await of(3000))!, `Item ${place} alone took 8`);
  // 400 ms are less than half of the total time, and of 1000 items only a small part was sampled.
  for (const text of [await of(400), await of(3000, 1000)]) {
    assertStringIncludes(text!, "a long one at the end keeps all waiting");
  }
});

Deno.test("uneven items are told of only where the place of a long one matters", async () => {
  const isTold = async (
    made: { computeMs?: number; waitMs?: number },
    items: number,
    ms: number,
  ) => {
    const inOrder = probedOf({ ...made, items });
    const stretches = inOrder.stretches.map((one, turn) => {
      const times = turn % 50 === 7 ? ms : 1;
      const [wallMs, cpuMs] = [one.wallMs * times, one.cpuMs * times];
      return { ...one, wallMs, cpuMs, syncMs: cpuMs, syncCpuMs: cpuMs };
    });
    const probed = { ...inOrder, stretches, spread: items };
    const { recommended, hazards } = await adviceOn(
      { ...made, items },
      asPredicted,
      ...[{}, false, undefined, {}, probed] as const,
    );
    return [recommended.model, hazards.some(({ kind }) => kind === "uneven")];
  };
  const computes = { computeMs: 10 };
  assertEquals(await isTold(computes, 100, 30), ["workers", true]);
  assertEquals(await isTold(computes, 4000, 30), ["workers", false], "a hundredth of the run");
  assertEquals(await isTold({ waitMs: 10 }, 100, 30), ["concurrent", false], "all start at once");
});

Deno.test("items that take longer the later they come are told of, wherever the sample took them from", async () => {
  const made = { computeMs: 30, items: 120 };
  const inOrder = probedOf(made);
  const of = async (msAt: (place: number) => number) => {
    const places = spreadOrder(120);
    const stretches = inOrder.stretches.map((one, turn) => {
      const ms = msAt(places[turn]!);
      return { ...one, wallMs: ms, cpuMs: ms, syncMs: ms, syncCpuMs: ms };
    });
    const probed = { ...inOrder, stretches, spread: 120 };
    const { hazards } = await adviceOn(made, asPredicted, {}, false, undefined, {}, probed);
    return hazards.find(({ kind }) => kind === "uneven")?.text ?? "";
  };
  assertStringIncludes(await of((place) => 1 + place), "the second half 2.9");
  assertEquals(await of((place) => 121 - place), "", "the longest are first already");
  assertEquals(await of((place) => 20 + 20 * (place % 2)), "");
});

Deno.test("other results are put down to a file, or to the process, only where that was seen", () => {
  const made = { waitMs: 10, items: 60 };
  const ran = (candidate: Candidate, more: Partial<Runner> = {}): Runner => (
    { candidate, items: 40, rounds: [roundOf({ runMs: 10 })], ...more }
  );
  const [loop, lanes] = [eventLoop(4), threads(2)].map((of) => ran(of, { out: "results" }));
  const shared = { name: "seen", module: "file:///job.ts", line: 1 };
  const backwards = {
    orderMatters: false,
    rewritten: { path: "/n", times: 9 },
    items: 9,
    timesRun: 1,
  };
  const causesOf = (runners: readonly Runner[], more: object = {}) => {
    const counts = { costMs: 1, trials: 1, partial: false, untried: 0 };
    const race = { runners, ...counts, unrepeatable: false, otherResults: false };
    const found = { sample: sampleFor(made), probed: probedOf(made), race, backwards, ...more };
    const [first] = resultFindings(found as unknown as Evidence, SEQUENTIAL);
    return first?.kind === "results" ? [first.ofFile, first.ofProcess] : [];
  };
  assertEquals(causesOf([loop!]), [true, undefined]);
  assertEquals(causesOf([loop!], { shared }), [undefined, undefined], "what they share is told");
  assertEquals(causesOf([lanes!]), [undefined, undefined], "lanes don't write at the same time");
  const same = (lanes: number, more?: Partial<Runner>) =>
    ran({ model: "processes", lanes, slots: 1 }, more);
  assertEquals(causesOf([lanes!, same(2)]), [undefined, true]);
  assertEquals(causesOf([lanes!, same(1)]), [undefined, undefined], "one alone");
  assertEquals(causesOf([lanes!, same(2, { rounds: [], stops: 1 })]), [undefined, undefined]);
  assertEquals(causesOf([lanes!, same(2, { out: "broken" })]), [undefined, undefined]);
});

Deno.test("tasks that find what others have put there aren't called uneven", async () => {
  const made = { waitMs: 20, items: 60 };
  const inOrder = probedOf(made);
  const shared = { name: "cache", module: "file:///job.ts", line: 1 };
  const isUneven = async (msAt: (turn: number) => number, more: object) => {
    const stretches = inOrder.stretches.map((one, at) => ({ ...one, wallMs: msAt(at) }));
    const probed = { ...inOrder, stretches, spread: 60 };
    const truth = ({ model }: { readonly model: string }, items: number) => ({
      runMs: 20 * items / (model === "sequential" ? 1 : 8),
    });
    const { hazards } = await adviceOn(made, truth, more, false, undefined, {}, probed);
    return hazards.some(({ kind }) => kind === "uneven");
  };
  const found = (turn: number) => turn % 3 === 2 ? 59.8 : 0.1;
  const uneven = (turn: number) => turn % 10 === 9 ? 110 : 10;
  assertEquals(await isUneven(found, { shared }), false);
  assertEquals(await isUneven(found, {}), true, "nothing is shared");
  assertEquals(await isUneven(uneven, { shared }), true, "nothing was there");
});
