import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Stretch } from "../../../lib/advice/probe/probe_message.ts";
import type { ProbeMessage } from "../../../lib/advice/probe/probe_message.ts";
import { PullError, Sampler, thrownBy } from "../../../lib/advice/probe/sampler.ts";
import { sequential } from "../../../lib/open.ts";
import type { Items } from "../../../lib/dispatch/map_options.ts";
import type { TaskFunction } from "../../../lib/lanes/task.ts";

/** The sample of made-up tasks, which run until their number is reached, however fast they are. */
async function said(
  task: (item: number, index: number, context: object) => unknown,
  items: Items<unknown>,
  { listed, ...order }: {
    limit?: number;
    listed?: number;
    metered?: boolean;
    targetMs?: number;
  } = {},
) {
  const messages: ProbeMessage[] = [];
  const sampler = new Sampler(
    { module: "data:,", export: "default", limit: 100, targetMs: Infinity, ...order },
    {
      task:
        ((item: number, context: { index: number }) =>
          task(item, context.index, context)) as unknown as TaskFunction,
      items,
      listed,
    },
    (message) => messages.push(message),
    () => Promise.resolve(void messages.push({ type: "meter" })),
  );
  await sampler.run();
  const of = <Type extends ProbeMessage["type"]>(type: Type) =>
    messages.filter((message): message is Extract<ProbeMessage, { type: Type }> =>
      message.type === type
    );
  const stretches: Stretch[] = of("stretch").map(({ stretch }) => stretch);
  return {
    sampler,
    types: messages.map(({ type }) => type),
    done: of("done")[0]!,
    count: stretches.reduce((sum, { count }) => sum + count, 0),
    stretches,
    failures: of("stretch").flatMap(({ failures }) => failures),
    phases: of("phase"),
  };
}

const list = (count: number) => Array.from({ length: count }, (_, place) => place);

Deno.test("Sampler runs every item once, in order, and tells how many there are", async () => {
  const seen: [number, number][] = [];
  const { done, count, phases } = await said((item, index) => seen.push([item, index]), list(30));
  assertEquals(seen, list(30).map((place) => [place, place]));
  assertEquals([done.items, done.failed, done.total, done.kept, count], [30, 0, 30, 30, 30]);
  assertEquals(phases.find(({ phase }) => phase === "tasks")?.total, 30);
});

Deno.test("Sampler tells what is computed once all tasks have settled", async () => {
  const cpuMs = () => process.cpuUsage().user / 1000;
  const { done } = await said(() => {
    setTimeout(() => {
      for (const endMs = cpuMs() + 10; cpuMs() < endMs;);
    }, 0);
  }, list(3));
  assert(done.leftMs! >= 30, String(done.leftMs));
});

Deno.test("Sampler waits for whatever can be awaited, as an executor does", async () => {
  let begun = 0;
  const query = (n: number) => ({ then: (done: (n: number) => void) => done((begun++, 2 * n)) });
  const { sampler, done } = await said(query, list(3));
  const { sampler: plain } = await said((n) => 2 * n, list(3));
  assertEquals([begun, done.failed], [3, 0]);
  assertEquals(await sampler.digests(), await plain.digests());
});

Deno.test("Sampler's tasks can copy no more of their context than they can in a lane", async () => {
  const seen: object[] = [];
  await said((_item, _index, context) => seen.push({ ...context }), [1]);
  const executor = sequential();
  await executor.run((_item: number, context: object) => void seen.push({ ...context }), 1);
  await executor[Symbol.asyncDispose]();
  assertEquals(seen, [{}, {}]);
});

Deno.test("Sampler runs no more than it may, and then knows no total but a list's", async () => {
  const some = await said((item) => item, list(30), { limit: 12 });
  assertEquals([some.done.items, some.count, some.done.total], [12, 12, 30]);
  const generated = await said((item) => item, list(30).values(), { limit: 12 });
  assertEquals([generated.done.items, generated.done.total], [12, null]);
  const ended = await said((item) => item, list(8).values(), { limit: 12 });
  assertEquals([ended.done.items, ended.done.total], [8, 8]);
});

Deno.test("Sampler takes what a list's items took for nothing, and a source's for the source's", async () => {
  const sourceMs = ({ stretches }: { stretches: readonly Stretch[] }) =>
    stretches.reduce((sum, { sourceMs }) => sum + sourceMs, 0);
  const spread = await said((item) => item, list(20), { listed: 50 });
  assertEquals([sourceMs(spread), spread.done.total], [0, 50]);
  assertEquals(spread.phases.find(({ phase }) => phase === "tasks")?.spread, 50);
  assert(sourceMs(await said((item) => item, list(20).values())) > 0);
});

Deno.test("Sampler waits for no more than a few items of a source that is slow", async () => {
  const { now } = performance;
  let lateMs = 0;
  function* slow() {
    for (let n = 0;; n++) {
      lateMs += 1_000;
      yield n;
    }
  }
  performance.now = () => now.call(performance) + lateMs;
  try {
    const { done } = await said((item) => item, slow(), { targetMs: 1_000, limit: 100 });
    assert(done.items >= 10 && done.items < 100, `${done.items}`);
    assertEquals(done.total, null);
  } finally {
    performance.now = now;
  }
});

Deno.test("Sampler goes on behind a failure, and ends where nothing succeeds", async () => {
  const { done, failures } = await said((item) => {
    if (item % 3 === 2) throw new TypeError(`no ${item}`, { cause: new Error("deeper") });
  }, list(12));
  assertEquals([done.items, done.failed], [12, 4]);
  assertEquals(failures.map(({ index, message }) => [index, message]), [
    [2, "no 2: deeper"],
    [5, "no 5: deeper"],
    [8, "no 8: deeper"],
    [11, "no 11: deeper"],
  ]);
  assertEquals(failures[0]!.causes, ["Error: deeper"]);
  const none = await said(() => Promise.reject(new Error("never")), list(5000));
  assert(none.done.failed === none.done.items && none.done.items < 5000, `${none.done.items}`);
});

Deno.test("Sampler counts what a server refuses", async () => {
  const { done } = await said((item) => {
    if (item > 5) throw Object.assign(new Error("slow down"), { status: 429 });
  }, list(10));
  assertEquals(done.refused?.count, 4);
  assertEquals((await said((item) => item, list(10))).done.refused, undefined);
});

Deno.test("Sampler has the meter read before the first task and after the last", async () => {
  const { types } = await said((item) => item, list(3), { metered: true });
  const places = types.flatMap((type, place) => type === "meter" ? [place] : []);
  assertEquals([places.length, places[0]], [2, 0]);
  assert(types.lastIndexOf("stretch") < places[1]! && places[1]! < types.indexOf("done"));
  assertEquals((await said((item) => item, list(3))).types.includes("meter"), false);
});

Deno.test("Sampler has digests of the results, that differ where these do", async () => {
  const of = async (task: (item: number) => unknown) =>
    await (await said(task, list(9))).sampler.digests();
  const [one, same, other] = [
    await of((item) => item),
    await of((item) => item),
    await of((item) => item < 7 ? item : -item),
  ];
  assertEquals(one, same);
  assertEquals(one.map((digest, at) => digest === other[at]), list(9).map((at) => at < 7));
});

Deno.test("Sampler has digests of what must be equal alone", async () => {
  const sums = await Promise.all([1, 2].map(async (seed) => {
    const sampler = new Sampler(
      { module: "data:,", export: "default", limit: 9, targetMs: Infinity },
      {
        task: ((item: number) => ({ item, at: seed })) as unknown as TaskFunction,
        items: list(9),
      },
      () => {},
      () => Promise.resolve(),
    );
    await sampler.run();
    return await sampler.digests((result) => (result as { item: number }).item);
  }));
  assertEquals(sums[0], sums[1]);
});

Deno.test("Sampler names the item that could not be made", async () => {
  function* items() {
    yield 1;
    yield 2;
    throw new Error("no more");
  }
  const error = await assertRejects(() => said((item) => item, items()), PullError);
  assertEquals([error.index, (error.cause as Error).message], [2, "no more"]);
});

Deno.test("thrownBy() says what was thrown, errors or not, with a few of its causes", () => {
  assertEquals(thrownBy("plain"), { name: "Error", message: "plain", causes: [] });
  const { status, message } = thrownBy(new Response(null, { status: 503 }));
  assertEquals([status, message], [503, "a Response with status 503"]);
  let deep = new Error("0");
  for (let at = 1; at < 9; at++) deep = new RangeError(`${at}`, { cause: deep });
  const { name, causes } = thrownBy(deep);
  assertEquals([name, causes.length, causes[0]], ["RangeError", 7, "RangeError: 7"]);
});

Deno.test("Sampler looks at more than one long item, and at no more than it has time for", async () => {
  // The clock advances by the time that tasks claim to take, and a little at each reading.
  const real = performance.now;
  let nowMs = 0;
  performance.now = () => nowMs += 0.01;
  try {
    const ran = async (takesMs: (item: number) => number, targetMs = 3000) => {
      const { done } = await said((item) => void (nowMs += takesMs(item)), list(100), { targetMs });
      return done.items;
    };
    assertEquals(await ran(() => 100), 30);
    assertEquals(
      await ran((item) => item === 3 ? 3000 : 10),
      100,
      "the others tell what they take",
    );
    assertEquals(await ran((item) => item === 3 ? 3000 : 100), 16, "half of the time is theirs");
    assertEquals(await ran(() => 2000), 3, "twice the time at most");
    assertEquals(await ran((item) => item % 2 === 0 ? 900 : 10, 3000), 8, "eight at least");
  } finally {
    performance.now = real;
  }
});
