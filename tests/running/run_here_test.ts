import type { Outcome } from "../../lib/dispatch/output.ts";
import type { TaskFunction } from "../../lib/lanes/task.ts";
import { auto, concurrent, limited, sequential } from "../../lib/open.ts";
import type { Model } from "../../lib/models.ts";
import { ItemsLeft } from "../../lib/running/items_left.ts";
import { KnownItems } from "../../lib/running/known_items.ts";
import { isSpent, MOST_KEPT, RunHere, TaskSample } from "../../lib/running/run_here.ts";
import type { FailureRecord, RunMessage, RunSpec } from "../../lib/running/run_message.ts";
import { settle, VirtualTime } from "../dispatch/virtual_time.ts";
import { assertEquals } from "@std/assert";

/** Runs a function on items, and returns the messages. */
async function said(
  task: TaskFunction<never, unknown>,
  items: readonly unknown[],
  spec: Partial<RunSpec> = {},
  { executor = sequential(), onRun, onSettled }: {
    executor?: ReturnType<typeof sequential>;
    onRun?: (run: RunHere) => void;
    onSettled?: (succeeded: number) => void;
  } = {},
) {
  await using open = executor;
  const messages: RunMessage[] = [];
  const whole = {
    model: "sequential",
    job: { name: "job", task, items: { kind: "values", values: [] }, options: {} },
    fed: false,
    run: { rest: true, failed: false },
    changed: "refuse",
    order: "completion",
    retries: 0,
    ...spec,
  } as unknown as RunSpec;
  const left = new ItemsLeft(items, new KnownItems(), whole);
  const run: RunHere = new RunHere(whole, {
    executor: open,
    items: left,
    say: (message) => {
      messages.push(message);
      if (message.type !== "settled") return;
      run.written(message.results.length + message.failures.length);
      onSettled?.(message.succeeded);
    },
    step: (_, take) => take(),
    signal: new AbortController().signal,
  });
  onRun?.(run);
  const beat = setInterval(() => messages.push({ type: "stands", ...run.stand() }), 500);
  const last = await run.run().finally(() => clearInterval(beat));
  const settled = messages.filter((message) => message.type === "settled");
  const lines = (which: "results" | "failures") =>
    settled.map((message) => message[which]).join("").split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  return {
    messages,
    results: lines("results") as { index: number; value: unknown }[],
    failures: lines("failures") as FailureRecord[],
    counts: [settled.at(-1)?.succeeded, settled.at(-1)?.failed],
    last,
  };
}

/** Does the same in virtual time. */
async function soon(...args: Parameters<typeof said>) {
  using time = new VirtualTime();
  const running = said(...args);
  let isOver = false;
  const over = () => isOver = true;
  running.then(over, over);
  while (!isOver) {
    time.pass(1000);
    time.turn();
    await settle();
  }
  return await running;
}

const endOf = (last: RunMessage) => last.type === "done" ? last.end : last.type;

Deno.test("every item is told once, as a result or as a failure with its reason", async () => {
  const { results, failures, counts, last, messages } = await said((n) => {
    if (n === 2) throw Object.assign(new Error("HTTP 503: busy"), { status: 503 });
    if (n === 3) {
      return (() => {
        const value: Record<string, unknown> = {};
        return value.self = value;
      })();
    }
    return { n };
  }, [1, 2, 3, 4]);
  assertEquals(messages[0], { type: "began", lanes: 1, slots: 1, total: 4 });
  assertEquals(results.map(({ index, value }) => [index, value]), [[0, { n: 1 }], [3, { n: 4 }]]);
  assertEquals(
    failures.map((
      { index, ended, reason, attempts, item },
    ) => [index, ended, reason, attempts, item]),
    [[1, "failed", "HTTP 503", 1, 2], [2, "failed", "TypeError", 1, 3]],
  );
  assertEquals(counts, [2, 2]);
  assertEquals(endOf(last), "done");
});

for (
  const [executor, order] of [
    ...[sequential, limited, concurrent, auto].map((open) => [open, "completion"] as const),
    ...[sequential, concurrent].map((open) => [open, "input"] as const),
  ]
) {
  const { name } = executor;
  const told = `by ${order} a result is told before the next task holds the event loop`;
  Deno.test(`under ${name}, ${told}`, async () => {
    let told = 0;
    const before: number[] = [];
    const hold = () => {
      before.push(told);
      // The task takes longer than results are held back.
      for (const sinceMs = performance.now(); performance.now() - sinceMs < 25;);
    };
    const options = {
      executor: executor() as ReturnType<typeof sequential>,
      onSettled: (count: number) => void (told = count),
    };
    await said(hold, [0, 1, 2, 3], { model: name as Model, order }, options);
    assertEquals(before, [0, 1, 2, 3]);
  });
}

/** Values that tasks throw, some of which can't even be inspected. */
const HOSTILE: readonly (() => unknown)[] = [
  ...[{ code: 3 }, null, 404, Symbol("no")].map((message) => () =>
    Object.assign(new Error(), { message })
  ),
  () => Object.assign(new Error("no"), { name: 7 }),
  () => Object.assign(new Error("no"), { code: { of: 7 }, cause: HOSTILE.at(-1)!() }),
  () => Object.create(null),
  () => Symbol("no"),
  () =>
    new Proxy(new Error("no"), {
      get() {
        throw new RangeError("not to be read");
      },
      getPrototypeOf() {
        throw new RangeError("not to be asked");
      },
    }),
  () => {
    const { proxy, revoke } = Proxy.revocable(new Error("no"), {});
    revoke();
    return proxy;
  },
];

Deno.test("whatever a task throws, its item fails and the others go on", async () => {
  const { results, failures, last } = await said((n: number) => {
    if (n < HOSTILE.length) throw HOSTILE[n]!();
    return n;
  }, [...HOSTILE.keys(), 99]);
  assertEquals(endOf(last), "done");
  assertEquals(results.map(({ value }) => value), [99]);
  assertEquals(failures.map(({ index }) => index), [...HOSTILE.keys()]);
  for (const { reason, message } of failures) {
    assertEquals([typeof reason, typeof message], ["string", "string"]);
  }
});

Deno.test("a run goes on once its parent has written what was too much to be held", async () => {
  const large = "x".repeat(1 << 20);
  const { results } = await said(() => large, Array(12).keys().toArray());
  assertEquals(results.map(({ value }) => value === large), Array(12).fill(true));
});

Deno.test("results keep the order of items if that is asked for", async () => {
  const first = Promise.withResolvers<void>();
  const task = async (n: number) => {
    if (n === 0) await first.promise;
    else first.resolve();
    return n;
  };
  for (const [order, wanted] of [["completion", [1, 0]], ["input", [0, 1]]] as const) {
    const { results } = await said(task, [0, 1], { order }, { executor: limited({ slots: 2 }) });
    assertEquals<unknown>(results.map(({ value }) => value), wanted);
  }
});

Deno.test("a budget of failures halts the run, and what isn't started is not told", async () => {
  const fails = (n: number) => {
    if (n > 0) throw new Error("no");
    return n;
  };
  const { results, failures, last } = await said(fails, Array(100).keys().toArray(), {
    halt: { items: 3 },
  });
  assertEquals(endOf(last), "halted");
  assertEquals(results.length, 1);
  assertEquals(failures.length < 10, true, "a few were queued already");
});

Deno.test("a share of failures is judged from 20 items on", () => {
  const tenth = { share: 0.1 };
  assertEquals([1, 19, 20, 21].map((settled) => isSpent(tenth, settled, 2)), [
    false,
    false,
    true,
    false,
  ]);
  assertEquals(isSpent({ items: 2 }, 2, 2), true);
  assertEquals(isSpent(undefined, 100, 100), false);
});

Deno.test("where the first items lack a permission, the run ends and no item counts as failed", async () => {
  const denied = () => {
    throw new Deno.errors.NotCapable('Requires net access to "a:1"');
  };
  const { failures, last } = await said(denied, [1, 2, 3]);
  assertEquals(failures, []);
  assertEquals(last, { type: "denied", index: 0, message: 'Requires net access to "a:1"' });
});

Deno.test("a permission that later items lack is their failure", async () => {
  const later = (n: number) => {
    if (n === 0) return n;
    throw new Deno.errors.NotCapable("no");
  };
  const { failures, last } = await said(later, [0, 1]);
  assertEquals([failures.length, endOf(last)], [1, "done"]);
});

Deno.test("once it is to finish, the run ends with what was started", async () => {
  let run!: RunHere;
  const task = (n: number) => {
    if (n === 1) run.finish();
    return n;
  };
  const { results, last } = await said(task, Array(1000).keys().toArray(), {}, {
    onRun: (made) => run = made,
  });
  assertEquals(endOf(last), "finished");
  assertEquals(results.length < 20, true);
});

Deno.test("what a server refuses is tried again without retries, and what fails is not", async () => {
  let asked = 0;
  const { results, failures } = await soon((n) => {
    if (n === 1) throw new Error("no");
    if (n === 2 && ++asked < 3) throw Object.assign(new Error("slow down"), { status: 429 });
    return n;
  }, [0, 1, 2]);
  assertEquals(results.map(({ index }) => index).sort(), [0, 2]);
  assertEquals(failures.map(({ index, attempts }) => [index, attempts]), [[1, 1]]);
});

Deno.test("a server that refuses pauses its host alone, without --per-host too, and that is told", async () => {
  using time = new VirtualTime();
  const items = ["http://a.example/1", "http://a.example/2", "http://b.example/1", "free"];
  let ended = 0;
  const task = (item: string) => {
    if (item === items[0] && time.nowMs < 60_000) {
      throw Object.assign(new Error("busy"), { status: 429, retryAfterMs: 60_000 });
    }
    return item;
  };
  const running = said(task, items, {}, {
    onSettled: (succeeded) => ended = succeeded,
  });
  while (ended < 4) {
    time.pass(ended < 2 ? 10 : 500);
    time.turn();
    await settle();
  }
  const { messages, results } = await running;
  assertEquals(results.map(({ index }) => index), [2, 3, 1, 0]);
  const waits = messages.flatMap((message) => message.type === "stands" ? message.waits : []);
  const first = waits.find(({ paused }) => paused !== undefined)!;
  const { status, host, asked } = first.paused!;
  assertEquals([status, host, asked, first.again], [429, "a.example", true, 1]);
  assertEquals(waits.at(-1), { again: 0, machine: false });
});

Deno.test("tries that a server refused aren't those that --retries allows", async () => {
  let tries = 0;
  const { results } = await soon(
    () => {
      if (++tries <= 2) throw Object.assign(new Error("busy"), { status: 429 });
      if (tries === 3) throw new Error("no");
      return tries;
    },
    [1],
    { retries: 1 },
  );
  assertEquals(results.map(({ value }) => value), [4]);
});

for (const retryAfterMs of [undefined, 9000]) {
  const asks = retryAfterMs === undefined ? "doesn't ask" : "asks";
  Deno.test(`auto paces a host by itself; the run pauses it where the server ${asks}`, async () => {
    const tried = new Set<string>();
    const task = (item: string) => {
      const isFirst = !tried.has(item);
      tried.add(item);
      if (isFirst && item.endsWith("/0")) {
        throw Object.assign(new Error("busy"), { status: 429, retryAfterMs });
      }
      return item;
    };
    const items = Array.from({ length: 9 }, (_, n) => `http://a.example/${n}`);
    const { counts, messages } = await soon(task, items, {}, { executor: auto({ stay: "loop" }) });
    assertEquals(counts, [9, 0]);
    const paused = messages.flatMap((of) => of.type === "stands" ? of.waits.paused ?? [] : []);
    assertEquals(paused.length > 0, retryAfterMs !== undefined);
  });
}

Deno.test("no more tasks of a host are in flight than --per-host allows, whatever the slots", async () => {
  const running = new Map<string, number>();
  let most = 0;
  const task = async (item: unknown) => {
    const { host } = new URL((item as { url?: string }).url ?? item as string);
    running.set(host, (running.get(host) ?? 0) + 1);
    most = Math.max(most, running.get(host)!);
    await new Promise((resolve) => setImmediate(resolve));
    running.set(host, running.get(host)! - 1);
  };
  const items = Array.from(
    { length: 30 },
    (_, n) => n % 2 ? `http://a.example/${n}` : { url: `http://b.example/${n}` },
  );
  const { counts } = await said(task, items, { perHost: 2 }, { executor: limited({ slots: 16 }) });
  assertEquals([counts, most], [[30, 0], 2]);
});

Deno.test("where hosts are counted, items without one count as of one host, and end as others do", async () => {
  let [running, most] = [0, 0];
  const task = async (item: string) => {
    if (item.startsWith("http")) return;
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    if (item === "bad") throw new Error("no address");
  };
  const items = ["http://a.example/", "bad", "worse", "http://b.example/", "worst"];
  const { counts } = await said(task, items, { perHost: 1 }, { executor: limited({ slots: 9 }) });
  assertEquals([counts, most], [[4, 1], 1]);
});

Deno.test("what waits for another try when the run is to finish is left to the next run", async () => {
  let run!: RunHere;
  const task = (n: number) => {
    if (n === 1) queueMicrotask(() => run.finish());
    throw Object.assign(new Error("later"), { retryAfterMs: 60_000 });
  };
  const { failures, last } = await said(task, [1, 2, 3], {}, {
    onRun: (made) => run = made,
  });
  assertEquals([failures, endOf(last)], [[], "finished"]);
});

Deno.test("a run that is to finish ends where tasks stop running without an outcome, as with a lost lane", async () => {
  let run!: RunHere;
  const executor = sequential();
  const task: TaskFunction<unknown, void> = (_, { signal }) => {
    run.finish();
    setTimeout(() => executor.running = () => []);
    return new Promise<void>((end, fail) => {
      // Much later than the run looks.
      const timer = setTimeout(end, 2000);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        fail(signal.reason);
      });
    });
  };
  const { results, last } = await said(task, [1, 2], {}, {
    executor,
    onRun: (made) => run = made,
  });
  assertEquals([results.length, endOf(last)], [0, "finished"]);
});

Deno.test("a run that has ended by itself isn't ended early any more, and keeps nothing alive", async () => {
  let run!: RunHere;
  const { last } = await said((n) => n, [1], {}, { onRun: (made) => run = made });
  run.finish();
  assertEquals(endOf(last), "done");
});

Deno.test("the slowest items are told, the slowest first", async () => {
  const { last } = await said((n) => n, Array(50).keys().toArray());
  const slowest = last.type === "done" ? last.slowest : [];
  assertEquals(slowest.length <= 10, true);
  assertEquals(slowest.map(({ ms }) => ms), slowest.map(({ ms }) => ms).toSorted((a, b) => b - a));
});

const outcome = (index: number): Outcome<unknown> => ({
  status: "fulfilled",
  value: "large",
  item: "large",
  index,
  lane: 0,
  attempts: 1,
  queuedAtMs: 0,
  startedAtMs: 0,
  endedAtMs: index,
});

Deno.test("few tasks are all kept, of many an even share, and nothing that is large", () => {
  for (const [count, every] of [[10, 1], [MOST_KEPT - 1, 1], [MOST_KEPT, 2], [9 * MOST_KEPT, 16]]) {
    const sample = new TaskSample();
    for (let index = 0; index < count!; index++) sample.add(outcome(index));
    const indexes = sample.kept.map(({ index }) => index);
    assertEquals(indexes, Array.from({ length: Math.ceil(count! / every!) }, (_, n) => n * every!));
    assertEquals(JSON.stringify(sample.kept).includes("large"), false);
  }
});
