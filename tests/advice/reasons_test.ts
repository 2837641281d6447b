import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  modelColumns,
  recommendationLines,
  remarkOn,
} from "../../lib/report/advice/advice_words.ts";
import type { Advice } from "../../lib/advice/advice.ts";
import type { AdviseOptions } from "../../lib/advice/evidence.ts";
import type { OrderFound } from "../../lib/advice/probe/order_probe.ts";
import { adviceOn, asPredicted } from "./advice_on.ts";
import { MACHINE, probedOf } from "./fixture.ts";

Deno.test("a reason doesn't say that tasks wait, which compute beside the event loop", async () => {
  const advice = await adviceOn({ computeMs: 20, onLoop: 0.05 }, (trial, items) => ({
    runMs: 20 * items / (trial.model === "sequential" ? 1 : 1.9),
  }));
  assertEquals([advice.recommended.name, advice.bound], ["limited (4 slots)", "cpu"]);
  assertStringIncludes(advice.recommended.reason, "The tasks compute beside this event loop");
  assert(!/wait|queue/.test(advice.recommended.reason), advice.recommended.reason);
});

Deno.test("a reason speaks only of simpler models that were measured", async () => {
  const computing = await adviceOn({ computeMs: 20 }, asPredicted);
  assertEquals(computing.recommended.model, "workers");
  assert(!computing.recommended.reason.includes("No simpler model"));
  const mixed = await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted);
  const simpler = mixed.models.some(({ model, measured }) => model === "limited" && measured);
  assertEquals(mixed.recommended.reason.includes("that was measured comes near it"), simpler);
});

Deno.test("what can't be told is said with its interval and why, and not as a confidence", async () => {
  const noise = [1, 0.6, 1.8];
  const { recommended, ...advice } = await adviceOn(
    { computeMs: 20, available: 0.5 },
    ({ model, round }, items) => ({
      runMs: 40 * items * (model === "sequential" ? 1 : 0.85 * noise[round % 3]!),
    }),
  );
  assertEquals([recommended.model, recommended.decision], ["sequential", "can't tell"]);
  assertMatch(recommended.reason, /can't be told: .*an interval that spans 1, because \d+ rounds/);
  const lastLine = (confidence: number) =>
    recommendationLines({ ...advice, recommended: { ...recommended, confidence } }).at(-1)!;
  assertEquals(lastLine(0.66), "That nothing gains a tenth is 66% sure.");
  // A statement that is more likely wrong than right is left out.
  for (const none of [0.01, 0.22, 0.5]) assertEquals(lastLine(none), recommended.reason);
});

Deno.test("where each lane would make a list of items, the remedy is a function that makes them", async () => {
  const made = { computeMs: 2, laneMs: 1300, loadMs: 1300 };
  const remedy = "export a function that makes them: lanes don't call it.";
  const list = await adviceOn(made, asPredicted);
  assertMatch(list.recommended.reason, /loads the job's module for itself, which takes 1\.30 s/);
  assertStringIncludes(list.recommended.reason, remedy);
  const fn = await adviceOn({ ...made, itemsAre: "function" }, asPredicted);
  assert(!fn.recommended.reason.includes(remedy), fn.recommended.reason);
});

Deno.test("nothing ever pays from one item on", async () => {
  for (const made of [{ waitMs: 20 }, { computeMs: 50 }, { computeMs: 6, waitMs: 6 }]) {
    const { recommended } = await adviceOn(made, asPredicted);
    assert(recommended.breakEven === null || recommended.breakEven > 1);
  }
});

Deno.test("an order that matters is said, though all results agreed", async () => {
  const advice = await adviceOn({ waitMs: 20 }, asPredicted, {}, true);
  assertEquals([advice.recommended.model, advice.recommended.decision], [
    "sequential",
    "order matters",
  ]);
  assertEquals(advice.hazards[0]?.kind, "order");
});

Deno.test("an order is looked at where nothing was raced, too, or it is said that it wasn't", async () => {
  const made = { waitMs: 300, items: 6 };
  const unraced = await adviceOn(made, asPredicted, { budgetMs: 400 }, true);
  assertEquals(unraced.models.every(({ measured }) => measured === undefined), true);
  assertEquals(unraced.recommended.decision, "order matters");
  const late = await adviceOn(made, asPredicted, { budgetMs: 300 }, true);
  assertEquals([late.recommended.model, late.recommended.decision], ["concurrent", "unmeasured"]);
  assertStringIncludes(late.recommended.reason, "no time to look whether the tasks may run in any");
  assert(late.recommended.confidence <= 0.6);
});

Deno.test("memory that tasks in flight hold is counted, though nothing was raced with so many", async () => {
  const made = { waitMs: 300, items: 6, taskBytes: 700e6 };
  const advice = await adviceOn(made, asPredicted, { budgetMs: 400 });
  const memory = advice.hazards.find(({ kind }) => kind === "memory")!;
  assertStringIncludes(memory.text, "6 in flight: up to 4");
});

Deno.test("memory is told as measured with so many in flight, though the first task grew by the runtime's own", async () => {
  const of = async (taskBytes: number, inFlightBytes: number) => {
    const made = { waitMs: 20, items: 120, taskBytes };
    // The plain loop is kept, because the order matters.
    const peakRssBytes = (model: string) => 80e6 + (model === "concurrent" ? inFlightBytes : 0);
    const advice = await adviceOn(
      made,
      ({ model }, _items, runMs) => ({ runMs, peakRssBytes: peakRssBytes(model) }),
      {},
      true,
    );
    return advice.hazards.find(({ kind }) => kind === "memory")?.text;
  };
  assertEquals(await of(8e6, 10e6), undefined);
  assertStringIncludes((await of(8e6, 400e6))!, "concurrent was measured to need 400 MB more");
  assert(!(await of(8e6, 400e6))!.includes("may hold as much"));
  assertStringIncludes((await of(300e6, 30e9))!, "may hold as much");
  // The first task's memory that many in flight didn't need is a table that all of them use.
  assertMatch((await of(300e6, 9e6))!, /310 MB one by one\. concurrent was measured to need 9 MB/);
});

Deno.test("memory that tasks leave behind isn't told of a model that ran more of them", async () => {
  const of = async (leftBytes: number, flightBytes: number) => {
    // The plain loop of the race gets fewer items than a model that is faster.
    const { recommended, models } = await adviceOn(
      { waitMs: 20, items: 2000, leftBytes: 2000 * leftBytes },
      ({ model }, items, runMs) => ({
        runMs,
        peakRssBytes: 80e6 + items * leftBytes + (model === "sequential" ? 0 : flightBytes),
      }),
    );
    const [plain, own] = ["sequential", recommended.model].map((model) =>
      models.find((of) => of.model === model && of.measured !== undefined)!.measured!.items
    );
    assert(plain! + 100 < own!, `${plain} and ${own} items`);
    return recommended.memoryBytes;
  };
  assertEquals([await of(1e6, 0), await of(20e3, 0)], [null, null]);
  assertEquals(await of(0, 5e6), 5e6);
  assert((await of(1e6, 9e9))! > 9e9);
});

Deno.test("no model is said to come near only where its interval leaves out the gain", async () => {
  const of = async (noise: number, longer: number) => {
    const { recommended } = await adviceOn(
      { computeMs: 6, waitMs: 6, items: 200 },
      ({ model, lanes = 1, round }, _items, runMs) => ({
        runMs: runMs * (lanes > 1 ? longer : 1) *
          (model === "sequential" ? 1 : Math.exp(noise * Math.sin(7 * round + 3 * lanes))),
      }),
    );
    assertEquals(recommended.model, "workers");
    return recommended.reason.includes("No simpler model that was measured comes near it.");
  };
  assertEquals([await of(0, 1), await of(0.1, 1.5)], [true, false]);
});

Deno.test("a reason says what came of the models that are out", async () => {
  const made = { computeMs: 20 };
  const slow = await adviceOn(made, ({ model }, items, runMs) => ({
    runMs: model === "sequential" ? runMs : 70 * items,
  }));
  assertMatch(
    slow.recommended.reason,
    /workers \(2 lanes\) took [34]\.\d\d× [\d.]+–[\d.]+ as long as the plain loop in (its one round|\d rounds)/,
  );
  const wrong = await adviceOn(made, ({ model }, _items, runMs) => ({
    runMs,
    checksum: model === "sequential" ? "same" : model,
  }));
  assertMatch(wrong.recommended.reason, /^Leave it sequential: [^,]+ and .+ gave other results\.$/);
  const sure = await adviceOn({ ...made, available: 0.5 }, ({ model }, _items, runMs) => ({
    runMs,
    checksum: model === "sequential" ? "same" : model,
  }));
  assertEquals(sure.recommended.decision, "no gain", "other results on a busy machine, too");
  // A model that didn't do the job has no speed.
  const [cell] = modelColumns(wrong).flatMap(({ head, cell }) => head === "measured" ? [cell] : []);
  const workers = wrong.models.find(({ out }) => out === "results")!;
  assertEquals([workers.measured?.gain, cell!(workers)], [null, "–"]);
});

/** Fails if a race starts, for jobs that can't gain. */
const never = () => {
  throw new Error("raced");
};

Deno.test("one long item is no small job, and its reason is that it is one", async () => {
  for (const [made, bound] of [[{ computeMs: 1090 }, "cpu"], [{ waitMs: 900 }, "io"]] as const) {
    const { recommended, ...advice } = await adviceOn({ ...made, items: 1 }, never);
    assertEquals([advice.bound, recommended.decision, advice.partial], [
      bound,
      "no gain",
      undefined,
    ]);
    assertStringIncludes(recommended.reason, "there is only one item");
    assert(!/lanes|too small/.test(recommended.reason));
  }
  const tiny = await adviceOn({ computeMs: 0.5, items: 1 }, never);
  assertEquals(tiny.bound, "small");
  assertStringIncludes(tiny.recommended.reason, "there is only one item");
});

Deno.test("a job isn't small because copying its items takes longer than its tasks", async () => {
  const of = async (computeMs: number, cloneMs: number) => {
    const { recommended, bound } = await adviceOn(
      { computeMs, items: 400, transfer: { cloneMs } },
      never,
    );
    assertEquals(recommended.model, "sequential");
    return [bound, recommended.reason] as const;
  };
  const [bound, reason] = await of(4.4, 7.2);
  assertEquals(bound, "cpu");
  assertMatch(reason, /copying takes 7\.20 ms, takes longer than .* \(4\.\d+ ms\)/);
  // Copying alone takes no longer; with handing both over it does.
  const [, near] = await of(4.4, 4.3995);
  assertMatch(near, /sending .* copying takes 4\.40 ms, takes longer than .* \(4\.40 ms\)/);
});

Deno.test("tasks shorter than dealing them out are told so, however many they are", async () => {
  const { recommended, bound } = await adviceOn(
    { computeMs: 0.0005, items: 1000, total: 10_000_000 },
    never,
  );
  assertEquals(bound, "small");
  assertMatch(recommended.reason, /computes for 0\.\d\d µs, .* Make one item of many/);
});

Deno.test("what can't be sent is the reason where only lanes could help, and no budget is blamed", async () => {
  const uncloneable = "item 0: it is a Money, whose private fields would not arrive";
  const { recommended, ...advice } = await adviceOn(
    { computeMs: 20, transfer: { uncloneable } },
    never,
  );
  assertEquals([recommended.decision, advice.partial], ["no gain", undefined]);
  assertStringIncludes(recommended.reason, "can't be sent there: item 0: it is a Money");
  const waiting = await adviceOn({ waitMs: 20, transfer: { uncloneable } }, asPredicted);
  assertEquals(waiting.recommended.model, "concurrent");
});

Deno.test("a small job says what could be saved at most", async () => {
  const { recommended } = await adviceOn({ computeMs: 0.1 }, never);
  assertMatch(
    recommended.reason,
    /100 items take 10\.1 ms in all, of which no model could save more than \S+ ms, and starting lanes alone takes \S+ ms\.$/,
  );
  const waiting = await adviceOn({ waitMs: 0.3 }, never);
  assertMatch(
    waiting.recommended.reason,
    / Slots need none: (concurrent|limited .+) was predicted to take \d+(\.\d+)? ms, should so/,
  );
});

Deno.test("nothing is told of a job whose sample was cut off but that it can't be told", async () => {
  const cutOff = "item 2 did not settle within 2.5 s";
  for (const made of [{ computeMs: 0.01 }, { computeMs: 30 }, { waitMs: 30 }]) {
    const advice = await adviceOn({ ...made, items: 2, total: 10, cutOff }, never);
    const { recommended, bound, classConfidence } = advice;
    assertEquals([recommended.model, recommended.decision, recommended.confidence], [
      "sequential",
      "can't tell",
      0.5,
    ]);
    assert(bound !== "small" && classConfidence === 0.5);
    assertStringIncludes(recommended.reason, cutOff);
    assertStringIncludes(advice.partial!, cutOff);
  }
});

Deno.test("from how many items a model pays agrees with what is said of more and of fewer", async () => {
  // Three are served at once, however many are in flight.
  const served: Parameters<typeof adviceOn>[1] = ({ model, slots = Infinity }, items, runMs) => ({
    runMs: model === "sequential" ? runMs : 45 * Math.ceil(items / Math.min(3, slots)),
  });
  for (const items of [6, 100, 400]) {
    const { recommended } = await adviceOn({ waitMs: 45, items }, served, { budgetMs: 60_000 });
    assert(recommended.model !== "sequential" && recommended.breakEven! <= 3, `${items}`);
  }
});

Deno.test("a model that is recommended pays from no more items than the job has", async () => {
  for (const laneMs of [0, 1000]) {
    for (const items of [20, 60]) {
      const { recommended } = await adviceOn({ waitMs: 50, items, laneMs }, asPredicted);
      if (recommended.model === "sequential") continue;
      assert(recommended.breakEven! <= items, `${laneMs} ${items} ${recommended.breakEven}`);
    }
  }
  const slow = await adviceOn({ waitMs: 60, items: 20, laneMs: 2000 }, ({ model }, items) => ({
    startMs: 2000,
    runMs: 60 * items / (model === "sequential" ? 1 : 6),
  }));
  assert(slow.recommended.model !== "sequential" && slow.recommended.breakEven! <= 20);
});

Deno.test("nothing is told without the plain loop, and it isn't said to be slower than itself", async () => {
  const { recommended, ...advice } = await adviceOn(
    { computeMs: 20 },
    ({ model, mostMs = 1e6 }, items, runMs) =>
      model === "sequential"
        ? { runMs: mostMs, failed: items, succeeded: 0, reasons: { cancelled: items } }
        : { runMs },
  );
  assert(advice.models.some(({ measured }) => measured !== undefined));
  assertEquals([recommended.model, recommended.decision], ["sequential", "can't tell"]);
  assertMatch(recommended.reason, /the plain loop itself was stopped in the race/);
  assertMatch(
    recommended.reason,
    /Where work grows with every run, .* export a function reset\(\)/,
  );
  assert(!/sequential was|nothing was measured|clearly/.test(recommended.reason));
  assert(!recommendationLines({ ...advice, recommended }).join().includes("50%"));
});

Deno.test("a model that is out is called slower only as far as its interval shows it", async () => {
  const advice = await adviceOn({ waitMs: 20 }, asPredicted);
  const [model] = advice.models.filter(({ measured }) => measured !== undefined);
  const wordOf = (low: number, median: number, high: number) =>
    remarkOn({
      ...model!,
      out: "slower",
      measured: { ...model!.measured!, gain: { low, median, high } },
    });
  assertEquals(wordOf(0.3, 0.4, 0.5), "clearly slower");
  assertEquals(wordOf(0.11, 0.34, 1.01), "seemed slower");
  assertEquals(wordOf(100, 200, 300), "behind the best");
  const stopped = { ...model!, out: "slower" as const, measured: undefined };
  assertEquals(remarkOn(stopped), "stopped, too long");
});

Deno.test("what is out after one round is told with what that round took", async () => {
  const { recommended } = await adviceOn(
    { computeMs: 20 },
    ({ model }, items, runMs) =>
      model === "sequential"
        ? { runMs }
        : { runMs: 20 * items, failed: items, succeeded: 0, reasons: { cancelled: items } },
  );
  assertEquals(recommended.model, "sequential");
  assert(!recommended.reason.includes("slower"), recommended.reason);
});

/** Advice on tasks that wait 45 ms, for models that gain by the number in flight. */
const gaining = (gainOf: (inFlight: number) => number, of: Parameters<typeof adviceOn>[0] = {}) =>
  adviceOn({ waitMs: 45, ...of }, ({ model, slots, lanes = 1 }, items, runMs) => {
    const inFlight = model === "sequential" ? 1 : Math.min(items, (slots ?? items) * lanes);
    return { runMs: model === "sequential" ? runMs : 45 * items / gainOf(inFlight) };
  });

Deno.test("how many are served at once is told where more in flight were as fast as fewer", async () => {
  const { recommended, surprises } = await gaining((inFlight) => Math.min(3, inFlight));
  assertStringIncludes(recommended.reason, "serves about 3 at once");
  const [all] = surprises.filter(({ name }) => name === "concurrent");
  assertStringIncludes(all!.text, "most likely what the tasks wait for serves about 3 at once");
});

Deno.test("how many are served at once isn't made of a gain alone", async () => {
  // The gain is as predicted at first, but less with more in flight: the cause must be another one.
  const falling = await gaining((inFlight) => inFlight <= 16 ? inFlight : 5);
  // The gain is as predicted up to the most in flight: no limit was seen.
  const rising = await gaining((inFlight) => inFlight);
  for (const { recommended } of [falling, rising]) {
    assert(recommended.model !== "sequential");
    assert(!/serves|queue/.test(recommended.reason), recommended.reason);
  }
  // Models with more in flight gave other results.
  const wrong = await adviceOn({ waitMs: 45 }, ({ model, slots, lanes = 1 }, items, runMs) => {
    const inFlight = model === "sequential" ? 1 : Math.min(items, (slots ?? items) * lanes);
    const checksum = inFlight > 4 ? "error" : "same";
    return {
      runMs: model === "sequential" ? runMs : 45 * items / Math.min(inFlight, 20),
      checksum,
    };
  });
  assert(!/serves|queue/.test(wrong.recommended.reason), wrong.recommended.reason);
  assert(!wrong.surprises.some(({ name }) => name === "concurrent"));
});

Deno.test("tasks that take turns in their module stay with it, and lanes that don't share it are offered", async () => {
  const atOnce = (each: number, more: { readonly othersUse?: number } = {}) =>
    adviceOn(
      { computeMs: 0.2, waitMs: 10, items: 60, ...more },
      ({ model, lanes = 1, slots = 60 }, items) => {
        const inFlight = model === "sequential" ? 1 : lanes * Math.min(each, slots);
        return { runMs: 10.2 * items / inFlight };
      },
    );
  const turnsOf = ({ hazards }: Advice) => hazards.find(({ kind }) => kind === "turns")!.text;
  const one = await atOnce(1);
  assertEquals(one.recommended.model, "sequential");
  assertMatch(one.recommended.reason, /^Leave it sequential: each lane would have its own/);
  assertMatch(turnsOf(one), /most likely .*workers \(\d+ lanes.* gained .* with that: take it if/);
  // With two at once in each lane, no event loop is full, and nothing outside serves two at once.
  const two = await atOnce(2);
  assertEquals([two.recommended.lanes, two.recommended.gain!.median > 1.5], [1, true]);
  const { reason } = two.recommended;
  assertStringIncludes(reason, "Lanes gained more, but each lane would have its own");
  assert(!/hands full|take turns|serves/.test(reason), reason);
  assertStringIncludes(turnsOf(two), "lets in so many");
  assert(two.surprises.every(({ text }) => text.includes("module lets in about 2 at once")));
  assert(two.surprises.length > 0);
  // A result that may be noise is not stated as certain, but such a limit is still respected.
  for (const noise of [0.1, 0.2, 0.3]) {
    const noisy = await adviceOn(
      { computeMs: 0.2, waitMs: 10, items: 60 },
      ({ model, lanes = 1, slots = 60, round }, items) => {
        const inFlight = model === "sequential" ? 1 : Math.min(2 * Math.sqrt(lanes), slots * lanes);
        const off = Math.exp(noise * Math.sin(5 * round + lanes + slots));
        return { runMs: off * 10.2 * items / inFlight };
      },
    );
    assertEquals(noisy.recommended.lanes, 1);
    const { model, name, gain } = noisy.recommended;
    const told = noisy.models.find((of) => of.name === name)!.measured!.gain;
    if (model !== "sequential") assertEquals(gain, told, "as in the table");
    assertStringIncludes(turnsOf(noisy), "it may be that something in their module");
    assert(!noisy.surprises.some(({ text }) => text.includes("at once, in each lane.")));
  }
  // When others used the CPUs, they may be why slots gained little.
  for (const each of [1, 2]) {
    const busy = await atOnce(each, { othersUse: 1.5 });
    assertEquals(busy.recommended.lanes, 1);
    assert(
      busy.surprises.every(({ text }) =>
        !text.includes("module") || /, or (what|other)/.test(text)
      ),
    );
    assertStringIncludes(turnsOf(busy), "it may be that");
  }
});

Deno.test("tasks that take turns with what each lane sets up go to lanes", async () => {
  const { recommended, hazards } = await adviceOn(
    { computeMs: 0.2, waitMs: 10, items: 60, hooks: ["setup"] },
    ({ lanes = 1 }, items) => ({ runMs: 10.2 * items / lanes }),
  );
  assertEquals(recommended.model, "workers");
  assertStringIncludes(recommended.reason, "what setup() makes: each lane has its own");
  assertEquals(hazards, []);
});

Deno.test("tasks that take turns wherever they run are said to wait for one another", async () => {
  const { recommended, hazards, surprises } = await gaining(() => 1);
  assertEquals([recommended.model, hazards.map(({ kind }) => kind)], ["sequential", ["turns"]]);
  assertMatch(hazards[0]!.text, /take turns, .*: most likely they wait for one another, or for/);
  assert(surprises.length > 0 && surprises.every(({ text }) => text.includes("tasks take turns")));
  const three = await gaining((inFlight) => Math.min(3, inFlight));
  assertEquals(three.hazards.filter(({ kind }) => kind === "turns"), []);
});

Deno.test("tasks that share what they change stay in one event loop, and what lanes gained is offered", async () => {
  const shared = { name: "cache", module: "file:///jobs/memo.ts", line: 4 };
  const computes = await adviceOn({ computeMs: 20 }, asPredicted, { shared });
  assertEquals(computes.recommended.model, "sequential");
  assertMatch(computes.recommended.reason, /^Leave it sequential: each lane would have its own/);
  const [state] = computes.hazards.filter(({ kind }) => kind === "state");
  assertStringIncludes(state!.text, "line 4 of memo.ts changes cache, and each lane would have");
  assertMatch(state!.text, /workers \(2 lanes\) gained 1\.\d+× .* with that: take it if/);
  // If lanes gain nothing, they aren't offered.
  const each = await adviceOn({ computeMs: 20 }, (_trial, items) => ({ runMs: 20 * items }), {
    shared,
  });
  const [kept] = each.hazards.filter(({ kind }) => kind === "state");
  assertEquals([each.recommended.model, kept!.text.includes("gained")], ["sequential", false]);
  assertMatch(each.recommended.reason, /^Leave it sequential: each lane would have its own/);
  // Slots were tried first, and their result is part of the reason.
  const mixed = await adviceOn({ waitMs: 20 }, (trial, items, runMs) => (
    trial.model === "sequential" ? { runMs } : { runMs, checksum: `others of ${items}` }
  ), { shared });
  assertMatch(
    mixed.recommended.reason,
    /^Leave it sequential: concurrent.* gave other results, and each lane would have its own/,
  );
  // If slots gain as much, lanes aren't mentioned either.
  const waits = await adviceOn({ waitMs: 20 }, asPredicted, { shared });
  assertEquals([waits.recommended.model, waits.hazards], ["concurrent", []]);
  // Without a race no gain of lanes is promised.
  const kindsOf = async (onlyEvery: number) =>
    (await adviceOn({ waitMs: 20, onlyEvery }, asPredicted, { shared })).hazards
      .map(({ kind }) => kind);
  assertEquals(await kindsOf(3), ["stampede"], "others may have asked for the same");
  assertEquals(await kindsOf(1), []);
  const unraced = await adviceOn({ computeMs: 20 }, asPredicted, { shared, budgetMs: 1 });
  assertEquals(unraced.recommended.model, "sequential");
  assertStringIncludes(unraced.recommended.reason, "no other model was measured, and each lane");
});

Deno.test("few slots are tried where many are slower than the plain loop, before it is said that nothing gains", async () => {
  // A refused task waits long, and then asks again together with all others.
  const advice = (budgetMs: number) =>
    adviceOn(
      { computeMs: 1, waitMs: 31, items: 93, total: 150 },
      ({ model, slots = 150 }, items) => {
        const inFlight = model === "sequential" ? 1 : model === "limited" ? slots : 150;
        const each = inFlight === 1 ? 32 : inFlight === 2 ? 19.6 : inFlight === 4 ? 18.1 : 46;
        return { runMs: each * items };
      },
      { budgetMs },
    );
  const { recommended, models } = await advice(30_000);
  const few = models.find(({ name }) => name === "limited (2 slots)");
  assert(few!.measured!.gain!.median > 1.5);
  assert(recommended.decision !== "no gain");
  const short = (await advice(12_000)).recommended;
  assertEquals([short.model, short.decision], ["sequential", "can't tell"]);
  assertMatch(short.reason, /no time to try fewer at once\. A larger --budget/);
});

Deno.test("an event loop has its hands full only where it computes for half of the time", async () => {
  const advice = await adviceOn({ computeMs: 2.5, waitMs: 10, items: 200 }, asPredicted);
  assertEquals([advice.bound, advice.recommended.model], ["io", "workers"]);
  assertStringIncludes(advice.recommended.reason, "one event loop has its hands full");
});

Deno.test("a reason tells programs that compute from programs that only take long", async () => {
  const programs = { computeMs: 1, items: 60, othersUse: 0 };
  const waits = await adviceOn({ ...programs, waitMs: 30, programMs: 2 }, asPredicted);
  assertMatch(waits.recommended.reason, /^The tasks wait for programs that they run: slots/);
  const computes = await adviceOn(
    { ...programs, waitMs: 20, programMs: 18 },
    ({ model, lanes = 1, slots = 60 }, items) => ({
      runMs: 21 * items / (model === "sequential" ? 1 : Math.min(1.9, lanes * slots)),
    }),
  );
  assertEquals([computes.bound, computes.recommended.name], ["cpu", "limited (4 slots)"]);
  assertMatch(
    computes.recommended.reason,
    /^The tasks run programs, and these compute on the same cores: slots on one lane keep/,
  );
});

Deno.test("programs that only take long aren't said to compute where they hold up the thread", async () => {
  const of = (waitMs: number, programMs: number) =>
    adviceOn(
      { computeMs: 1, items: 60, othersUse: 0, blocks: true, waitMs, programMs },
      ({ model, lanes = 1 }, items) => ({
        runMs: 31 * items / (model === "sequential" ? 1 : Math.min(1.9, lanes)),
      }),
    );
  const [waits, computes] = [await of(30, 2), await of(20, 18)];
  assertEquals([waits.bound, computes.bound], ["io", "cpu"]);
  assertMatch(
    waits.recommended.reason,
    /^The tasks wait for programs that they run: each holds up/,
  );
  assertMatch(computes.recommended.reason, /these compute on the same cores: each holds up/);
});

Deno.test("tasks that write one file back are left to the plain loop", async () => {
  const made = { waitMs: 20 };
  const file = { path: "/tmp/list.json", times: 9 };
  const on = (order: Partial<OrderFound>) =>
    adviceOn(made, asPredicted, {}, false, undefined, order);
  const { recommended, hazards } = await on({ rewritten: file });
  assertEquals([recommended.model, recommended.decision], ["sequential", "order matters"]);
  assertStringIncludes(recommended.reason, "lose each other's changes");
  assertEquals(hazards.map(({ kind }) => kind), ["rewritten"]);
  // Files that tasks only append to may be written in any order.
  const added = await on({ written: file });
  assertEquals([added.recommended.model, added.hazards[0]?.kind], ["concurrent", "written"]);
  const kept = await on({ database: { ...file, times: 1 } });
  assertEquals([kept.recommended.model, kept.hazards[0]?.kind], ["concurrent", "database"]);
  assertStringIncludes(added.hazards[0]!.text, "what they add comes in any order");
});

Deno.test("no model is recommended with more in flight than another of the same place failed with", async () => {
  const failures = [{ reason: "SyntaxError", count: 8, index: 3, message: "torn" }];
  const { recommended } = await adviceOn({ waitMs: 20, items: 100 }, (trial, items) => {
    const inFlight = trial.model === "sequential" ? 1 : (trial.slots ?? items) * (trial.lanes ?? 1);
    // The race isn't the job: all models take half of the time.
    const runMs = 10 * items / Math.min(inFlight, 8);
    return inFlight > 8 && inFlight < 100 ? { runMs, failed: 8, failures } : { runMs };
  });
  assertEquals(recommended.decision, "other work");
  assert(recommended.model !== "concurrent", recommended.name);
});

Deno.test("no model is recommended with more in flight than a server answered, wherever its lanes are", async () => {
  // The first models went well, until a quota was used up.
  const recommendedIf = async (status?: number) => {
    const message = "API rate limit exceeded";
    const failures = [{
      reason: "Error",
      count: 74,
      index: 57,
      message,
      ...(status && { status }),
    }];
    const { recommended } = await adviceOn(
      { waitMs: 20, items: 120 },
      ({ model }, items, runMs) =>
        model === "limited" || model === "concurrent"
          ? { runMs, failed: items - 46, failures }
          : { runMs },
    );
    return recommended;
  };
  const many = ({ lanes, slots }: { lanes: number; slots: number | null }) =>
    lanes * (slots ?? 120) > 8;
  assertEquals([many(await recommendedIf()), many(await recommendedIf(403))], [true, false]);
});

Deno.test("only what tasks compute is said to have been held up by others' computing", async () => {
  const said = async (
    made: { readonly waitMs: number; readonly computeMs: number },
    gainOf: (inFlight: number, predicted: number) => number,
  ) => {
    const taskMs = made.waitMs + made.computeMs;
    const { surprises } = await adviceOn(
      { ...made, othersUse: 1.9 },
      ({ model, slots = Infinity, lanes = 1 }, items, runMs) => {
        const gain = gainOf(Math.min(items, slots * lanes), taskMs * items / runMs);
        return { runMs: model === "sequential" ? runMs : taskMs * items / gain };
      },
    );
    assert(surprises.length > 0);
    return surprises.map(({ text }) => text).join();
  };
  // An event loop that always computes gets half of its core.
  const full = await said({ waitMs: 14, computeMs: 6 }, (_, predicted) => predicted / 1.9);
  assertStringIncludes(full, "most likely other programs used the CPUs");
  // A task that sleeps loses nothing, so two lanes with half of the gain must wait for another cause.
  for (const most of [1, 2, 5]) {
    const waiting = { waitMs: 20, computeMs: 0.2 };
    const text = await said(waiting, (inFlight) => Math.min(most, 0.55 * inFlight));
    assert(!text.includes("other programs"), text);
  }
});

Deno.test("a gain that one long item limits is put down to that item", async () => {
  const longest = { index: 999, ms: 2000 };
  const of = (items: number) =>
    adviceOn({ waitMs: 5, items, total: 1000 }, ({ model }, _items, runMs) => ({
      runMs: model === "sequential" ? runMs : 8 * runMs,
      ...(model !== "sequential" && { longest }),
    }));
  const { surprises } = await of(500);
  const { text } = surprises.find(({ name }) => name === "concurrent")!;
  assertMatch(text, /most likely item 999, which alone takes 2.00 s: put the longest first\.$/);
  const known = (await of(1000)).surprises.map(({ text }) => text).join();
  assert(!known.includes("item 999"), "it took no longer than others in the sample");
});

Deno.test("what gained less than more in flight did is no limit of what the tasks wait for", async () => {
  const { surprises } = await adviceOn({ waitMs: 20, items: 200 }, (trial, _items, runMs) => ({
    runMs: trial.slots === 4 ? 3.5 * runMs : runMs,
  }));
  assert(surprises.every(({ text }) => /measured\.$/.test(text)), "no cause was seen");
});

Deno.test("a reason says that tasks compute and wait, where slots fill the waits of those that do both", async () => {
  const made = { computeMs: 4, waitMs: 6, items: 200 };
  // Lanes gain nothing more.
  const advice = await adviceOn(made, ({ model, lanes = 1 }, items, runMs) => ({
    runMs: model === "sequential" ? runMs : (lanes > 1 ? 6 : 5) * items,
  }));
  assertEquals([advice.bound, advice.recommended.model], ["mixed", "limited"]);
  assertMatch(advice.recommended.reason, /^The tasks compute and wait: slots on one lane/);
});

Deno.test("lanes that gain less than predicted are said to do again what is kept in one", async () => {
  const inOrder = probedOf({ computeMs: 5, items: 100 });
  const costOf = (at: number) => at < 40 && at % 2 === 0 ? 25 : 0.01;
  const stretches = inOrder.stretches.map((of, at) => {
    const ms = costOf(at);
    return { ...of, wallMs: ms, cpuMs: ms, syncMs: ms, syncCpuMs: ms };
  });
  const cached = { ...inOrder, stretches, spread: 100 };
  const on = (more: Partial<AdviseOptions>) =>
    adviceOn(
      { computeMs: 5 },
      (_, items) => ({ runMs: stretches.slice(0, items).reduce((ms, of) => ms + of.wallMs, 0) }),
      more,
      undefined,
      undefined,
      {},
      cached,
    );
  const { surprises } = await on({});
  assert(surprises.length > 0);
  for (const { text } of surprises) assertStringIncludes(text, "each lane does again");
  // Without a race, no gain is predicted for lanes either, because each would redo the kept work.
  const { model, decision } = (await on({ budgetMs: 400 })).recommended;
  assertEquals([model, decision], ["sequential", "unmeasured"]);
});

Deno.test("a prediction that left room for what was measured wasn't wrong", async () => {
  const surprised = async (factor: number) => {
    const { surprises } = await adviceOn(
      { computeMs: 2, waitMs: 20, items: 200 },
      ({ model }, _items, runMs) => ({ runMs: model === "sequential" ? runMs : factor * runMs }),
    );
    return surprises.some(({ name }) => name === "concurrent");
  };
  assertEquals([await surprised(0.7), await surprised(0.3)], [false, true]);
});

Deno.test("what was slower is told with its interval, and not as a gain", async () => {
  const noise = [1, 1.5, 0.7];
  const { recommended } = await adviceOn(
    { computeMs: 20, available: 0.5 },
    ({ model, round }, items) => ({
      runMs: 40 * items * (model === "sequential" ? 1 : 1.2 * noise[round % 3]!),
    }),
  );
  assertEquals(recommended.decision, "can't tell");
  assertMatch(recommended.reason, /took 1\.\d\d× [\d.]+–[\d.]+ as long as the plain loop/);
});

Deno.test("tasks that mostly wait are said to wait, though a part of their computing is beside the event loop", async () => {
  for (const onLoop of [1, 0.6]) {
    const { bound, recommended } = await adviceOn(
      { computeMs: 3, waitMs: 27, onLoop, items: 30 },
      ({ model, slots = Infinity, lanes = 1 }, items) => ({
        runMs: 30 * items / (model === "sequential" ? 1 : Math.min(6, items, slots * lanes)),
      }),
    );
    assertEquals([bound, recommended.lanes], ["io", 1]);
    assertMatch(recommended.reason, /^The tasks wait: slots on one lane fill the waits/);
  }
});

Deno.test("a ceiling that was mismeasured vetoes no gain, and is no limit beside a greater one", async () => {
  const low = { ...MACHINE, ceiling: 1.08 };
  const of = (othersUse?: number) =>
    adviceOn(
      { computeMs: 40, items: 60, ...(othersUse !== undefined && { othersUse }) },
      (
        { model },
        items,
      ) => ({ runMs: 40 * items / (model === "sequential" ? 1 : 1.66) }),
      {},
      false,
      undefined,
      {},
      undefined,
      low,
    );
  const quiet = await of(0);
  assertEquals([quiet.recommended.name, quiet.recommended.decision], ["workers (2 lanes)", "gain"]);
  assertEquals(quiet.hazards, []);
  assert(!recommendationLines(quiet).join().includes("independent processes"));
  // If the system doesn't count other programs' use, they may be the cause.
  assertEquals((await of()).hazards.map(({ kind }) => kind), ["busy"]);
});
