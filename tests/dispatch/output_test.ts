import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "../properties.ts";
import {
  outcomeAt,
  Output,
  type OutputRun,
  type Settled,
  valueAt,
} from "../../lib/dispatch/output.ts";
import { FakeRun } from "./fake_run.ts";
import { settle } from "./virtual_time.ts";

/** Settled items, the value of each being its index. */
function settled(firstIndex: number, count: number): Settled {
  const values = Array.from({ length: count }, (_, at) => firstIndex + at);
  return {
    batch: new FakeRun().batch(values, { firstIndex }),
    from: 0,
    count,
    rejection: undefined,
    isStarted: true,
    report: { values, startedAtMs: 0, endedAtMs: 0, times: undefined },
    reportFrom: 0,
  };
}

function outputOf(more: Partial<OutputRun> & { order?: "input" | "completion" } = {}) {
  const taken: number[] = [];
  const started: boolean[] = [];
  const { order = "input", ...run } = more;
  const output = new Output<unknown>(
    {
      start: (collecting) => void started.push(collecting),
      taken: (count) => void taken.push(count),
      leave: () => Promise.resolve(),
      ...run,
    },
    order,
    valueAt,
  );
  return { output, taken, started };
}

const END = { value: undefined, done: true } as const;

/** Groups of items that settled together, in random order. */
const shuffled = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 })
  .chain((counts) => {
    let at = 0;
    const all = counts.map((count) => settled((at += count) - count, count));
    return fc.record({
      all: fc.shuffledSubarray(all, { minLength: all.length }),
      before: fc.nat({ max: all.length }),
      collected: fc.boolean(),
    });
  });

Deno.test("in the input's order results go out by index, in completion's as they came", async () => {
  await fc.assert(
    fc.asyncProperty(
      shuffled,
      fc.constantFrom("input" as const, "completion" as const),
      async ({ all, before, collected }, order) => {
        const { output, taken } = outputOf({ order });
        const values: unknown[] = [];
        const reading = collected
          ? output.toArray().then((all) => values.push(...all))
          : (async () => {
            for await (const value of output) values.push(value);
          })();
        for (const [at, one] of all.entries()) {
          if (at === before) await settle();
          output.push(one);
        }
        output.end();
        await reading;
        const came = all.flatMap(({ report }) => Array.from(report.values as number[]));
        assertEquals(values, order === "input" ? came.toSorted((a, b) => a - b) : came);
        assertEquals(taken.reduce((sum, count) => sum + count, 0), came.length);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the first who asks starts the run, once, and says whether all is collected", () => {
  const looped = outputOf();
  assertEquals(looped.started, []);
  void looped.output.next();
  void looped.output.next();
  void looped.output.toArray();
  assertEquals(looped.started, [false]);
  const collected = outputOf();
  void collected.output.toArray();
  void collected.output.next();
  assertEquals(collected.started, [true]);
});

Deno.test("the run is told of all that was taken, when the last of it was", async () => {
  const { output, taken } = outputOf();
  output.push(settled(0, 2));
  output.push(settled(2, 0));
  output.push(settled(2, 1));
  await output.next();
  assertEquals(taken, []);
  await output.next();
  await output.next();
  assertEquals(taken, [2, 1]);
});

Deno.test("results that come while one is taken don't overtake it", async () => {
  let next = 1;
  const { output } = outputOf({
    taken: () => {
      if (next < 5) output.push(settled(next++, 1));
      else output.end();
    },
  });
  const asked = [1, 2, 3, 4, 5, 6].map(() => output.next());
  output.push(settled(0, 1));
  assertEquals((await Promise.all(asked)).map(({ value }) => value), [0, 1, 2, 3, 4, undefined]);
});

Deno.test("thousands of results that wait keep their order", async () => {
  const { output } = outputOf();
  for (let n = 0; n < 5000; n++) output.push(settled(n, 1));
  output.end();
  for (let n = 0; n < 5000; n++) assertEquals((await output.next()).value, n);
  assertEquals(await output.next(), END);
});

Deno.test("what is ready is handed out before a failure, which is told once, even if it is undefined", async () => {
  const { output } = outputOf();
  const [first, second] = [output.next(), output.next()];
  output.push(settled(0, 1));
  output.push(settled(1, 2));
  output.push(settled(9, 1)); // the items before it never came
  output.end({ error: undefined });
  output.end({ error: new Error("too late") });
  assertEquals([(await first).value, (await second).value], [0, 1]);
  assertEquals((await output.next()).value, 2);
  let told: unknown = "nothing";
  await output.next().catch((error) => told = error);
  assertEquals([told, await output.next()], [undefined, END]);
});

Deno.test("who collects is told of a failure, though there are results", async () => {
  const { output } = outputOf();
  const collecting = output.toArray();
  output.push(settled(0, 2));
  output.end({ error: new RangeError("cut off") });
  await assertRejects(() => collecting, RangeError, "cut off");
  assertEquals([await output.toArray(), await output.next()], [[], END]);
});

Deno.test("who asks while all is collected is answered: those before with results, those after with the end", async () => {
  for (const fails of [false, true]) {
    const { output } = outputOf();
    const before = output.next();
    const all = output.toArray().catch((error) => `failed: ${error}`);
    const [second, after] = [output.toArray(), output.next()];
    output.push(settled(0, 3));
    output.end(fails ? { error: "cut off" } : undefined);
    assertEquals((await before).value, 0);
    assertEquals(await all, fails ? "failed: cut off" : [1, 2]);
    assertEquals([await second, (await after).done], [[], true]);
  }
});

Deno.test("leaving waits until nothing goes on, then drops what is ready and answers all who wait", async () => {
  const leaving = Promise.withResolvers<void>();
  const { output, started } = outputOf({ leave: () => leaving.promise });
  const [first, second] = [output.next(), output.next()];
  let hasLeft = false;
  const left = output.return().then((end) => {
    hasLeft = true;
    return end;
  });
  output.push(settled(0, 1)); // a result that ends meanwhile goes to the waiting call
  output.push(settled(1, 1));
  output.push(settled(2, 1));
  output.end({ error: new Error("nobody wants to know") });
  await settle();
  assertEquals([hasLeft, started], [false, [false]]);
  leaving.resolve();
  assertEquals(await left, END);
  assertEquals([(await first).value, (await second).value], [0, 1]);
  assertEquals(await output.next(), END);
});

Deno.test("that somebody leaves is no failure to who waits for a result, only to who collects them", async () => {
  const leaving = Promise.withResolvers<void>();
  const outputs = [1, 2].map(() => outputOf({ leave: () => leaving.promise }).output);
  const asked = outputs[0]!.next();
  const collected = assertRejects(() => outputs[1]!.toArray(), Error, "left");
  const left = outputs.map((output) => output.return());
  for (const output of outputs) output.end({ error: new Error("left") });
  leaving.resolve();
  await Promise.all(left);
  assertEquals(await asked, END);
  await collected;
});

Deno.test("the end of an await using leaves", async () => {
  let left = 0;
  const { output } = outputOf({ leave: () => Promise.resolve(void left++) });
  {
    await using results = output;
    void results.next();
  }
  assertEquals([left, await output.next()], [1, END]);
});

Deno.test("who leaves before asking for anything starts nothing", async () => {
  let left = 0;
  const leave = () => Promise.resolve(void left++);
  const { output, started } = outputOf({ leave });
  assertEquals(await output.return(), END);
  assertEquals([await output.next(), await output.toArray()], [END, []]);
  assertEquals([started, left], [[], 1]);
});

Deno.test("who has left is given the end alone, as by a generator, once nothing goes on", async () => {
  const leaving = Promise.withResolvers<void>();
  const { output } = outputOf({ leave: () => leaving.promise });
  output.push(settled(0, 3));
  assertEquals((await output.next()).value, 0);
  let hasTold = false;
  const told = Promise.all([output.return(), output.next(), output.toArray()])
    .finally(() => hasTold = true);
  output.push(settled(3, 1));
  await settle();
  assertEquals(hasTold, false);
  leaving.resolve();
  assertEquals(await told, [END, END, []]);
});

Deno.test("what is thrown at leaving is told to who leaves, and to nobody else", async () => {
  const { output } = outputOf({ leave: () => Promise.reject(new RangeError("in return()")) });
  const asked = output.next();
  await assertRejects(() => output.return(), RangeError, "in return()");
  assertEquals([await asked, await output.next()], [END, END]);
});

Deno.test("results are iterated once, and leaving a loop leaves the run", async () => {
  let left = 0;
  const { output } = outputOf({ leave: () => Promise.resolve(void left++) });
  output.push(settled(0, 3));
  const seen: unknown[] = [];
  for await (const value of output) {
    seen.push(value);
    if (seen.length === 2) break;
  }
  for await (const value of output) seen.push(value);
  assertEquals([seen, left], [[0, 1], 1]);
});

Deno.test("results are made only when they are handed out, each of its own item", async () => {
  const made: number[] = [];
  const run = { start() {}, taken() {}, leave: () => Promise.resolve() };
  const output = new Output(run, "input", (settled, offset) => {
    made.push(settled.batch.firstIndex + settled.from + offset);
    return outcomeAt(settled, offset);
  });
  output.push(settled(0, 3));
  assertEquals(made, []);
  const { value } = await output.next();
  assert(!("done" in value) && value.index === 0);
  assertEquals(made, [0]);
});
