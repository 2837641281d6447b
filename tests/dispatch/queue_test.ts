import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { Batch, UNSENT } from "../../lib/dispatch/batch.ts";
import { BatchSize } from "../../lib/dispatch/batch_size.ts";
import type { Items } from "../../lib/dispatch/map_options.ts";
import type { PerKey } from "../../lib/dispatch/map_options.ts";
import { Queue } from "../../lib/dispatch/queue.ts";
import { Source } from "../../lib/dispatch/source.ts";
import { FakeRun } from "./fake_run.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

const run = new FakeRun();

interface Sizes {
  readonly slots?: number;
  readonly buffer?: "auto" | number;
  readonly chunk?: "auto" | number;
  readonly together?: boolean;
  readonly perKey?: PerKey<never>;
}

function queueOf(
  items: Items<unknown>,
  { slots = 2, buffer = "auto", chunk = 1, together = true, perKey }: Sizes = {},
) {
  let more = 0;
  let arrived = 0;
  const errors: unknown[] = [];
  const source = new Source(items, {
    leftOut: () => {},
    arrived: () => arrived++,
    inputFailed: (error) => void errors.push(error),
  });
  const size = new BatchSize(chunk);
  const run = Object.assign(new FakeRun(), {
    options: { buffer, rate: undefined, perKey: perKey as PerKey | undefined, chunk },
    onMore: () => more++,
    mayBeOver: () => {},
    fail: (error: unknown) => {
      errors.push(error);
      source.halt();
    },
  });
  const queue = new Queue(run, { slots, sendsTogether: () => together, options: {} }, source, size);
  return { run, queue, source, size, errors, more: () => more, arrived: () => arrived };
}

function* endless(): Generator<number> {
  for (let n = 0;; n++) yield n;
}

function indexes(batches: Iterable<Batch | undefined>): number[] {
  return [...batches].flatMap((batch) =>
    Array.from({ length: batch?.items.length ?? 0 }, (_, at) => batch!.firstIndex + at)
  );
}

Deno.test("never more items are out than slots and buffer, and never fewer while there are some", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat({ max: 4 }), { maxLength: 12 }),
      (slots, buffer, chunk, consumed) => {
        const { queue, source } = queueOf(endless(), { slots, buffer, chunk });
        const taken: (Batch | undefined)[] = [];
        for (const more of [0, ...consumed]) {
          queue.consumed = Math.min(queue.consumed + more, source.pulled);
          while (queue.peek() !== undefined) taken.push(queue.take());
          assertEquals(source.pulled - queue.consumed, slots + buffer);
        }
        assertEquals(indexes(taken), Array.from({ length: source.pulled }, (_, n) => n));
      },
    ),
  );
});

Deno.test("unless told, the buffer is two batches a slot, and those sent ahead", () => {
  const pulled = (sizes: Sizes, ahead = 0) => {
    const { run, queue, source } = queueOf(endless(), sizes);
    run.ahead = ahead;
    while (queue.peek() !== undefined) queue.take();
    return source.pulled;
  };
  assertEquals(pulled({ slots: 2, chunk: 5 }), 2 + 2 * 5 * 2);
  assertEquals(pulled({ slots: 2, chunk: 5 }, 3), 2 + 2 * 5 * (2 + 3));
  assertEquals(pulled({ slots: 2, chunk: "auto", together: false }), 2 + 2 * 2);
});

Deno.test("if all results are collected anyway, there is always room", () => {
  const { queue, source } = queueOf(endless(), { slots: 1, buffer: 0 });
  queue.take();
  assertEquals(queue.peek(), undefined);
  queue.unbounded = true;
  for (let more = 0; more < 50; more++) queue.take();
  assertEquals([queue.peek() !== undefined, source.pulled], [true, 51]);
});

Deno.test("where there are slots without end, everything is pulled", () => {
  const { queue, source } = queueOf(new Array(99).fill("x"), { slots: Infinity, buffer: 0 });
  while (queue.peek() !== undefined) queue.take();
  assertEquals([source.pulled, queue.isEmpty], [99, true]);
});

Deno.test("items travel alone where a message costs nothing, and else by the size of a batch", () => {
  const taken = (sizes: Sizes) => {
    const { queue, size } = queueOf(new Array(100).fill("x"), sizes);
    size.learn(1, 1e-3);
    return queue.take()!.items.length;
  };
  assertEquals(taken({ chunk: "auto", together: false, slots: 1 }), 1);
  assertEquals(taken({ chunk: "auto", slots: 1, buffer: 90 }), 8);
  // A batch has at most half of a slot's share of the rest, and at most as many items as there is room for.
  assertEquals(taken({ chunk: "auto", slots: 10, buffer: 90 }), 5);
  assertEquals(taken({ chunk: "auto", slots: 1, buffer: 2 }), 3);
});

Deno.test("a new batch tells when it was pulled, and has no history", () => {
  using time = new VirtualTime();
  const { run, queue } = queueOf(["a"]);
  time.pass(7);
  const batch = queue.take()!;
  const { queuedAtMs, history: { attempt, reruns, kills, alone }, run: its } = batch;
  assertEquals([queuedAtMs, queue.takenAtMs, attempt, reruns, kills, alone], [
    1007,
    1007,
    1,
    0,
    0,
    false,
  ]);
  assert(its === run);
});

Deno.test("what the input and its keys compute is over before an item is taken", () => {
  using time = new VirtualTime();
  const items = (function* () {
    time.pass(100);
    yield "a";
  })();
  const key = () => {
    time.pass(20);
    return "a";
  };
  const { queue } = queueOf(items, { perKey: { key } });
  const { queuedAtMs } = queue.take()!;
  assertEquals([queuedAtMs, queue.takenAtMs], [1120, 1120]);
});

Deno.test("the clock isn't looked at again where the time is known and no code of the caller's runs", () => {
  using _time = new VirtualTime();
  const queuedAtMs = (items: Items<unknown>) => {
    const { run, queue } = queueOf(items);
    run.now = () => 999;
    return queue.take()!.queuedAtMs;
  };
  assertEquals([queuedAtMs([1]), queuedAtMs(endless())], [999, 1000]);
});

Deno.test("what was put back goes before all others, the last put back first", () => {
  const { queue } = queueOf([0, 1, 2]);
  queue.putBack(run.batch(["x"], { firstIndex: 11 }));
  queue.putBack(run.batch([], { firstIndex: 99 }));
  queue.putBack(run.batch(["y"], { firstIndex: 10 }));
  assertEquals(indexes([1, 2, 3].map(() => queue.take())), [10, 11, 0]);
});

Deno.test("what was put back goes even if there is no room for anything new", () => {
  const { queue } = queueOf(endless(), { slots: 1, buffer: 0 });
  const batch = queue.take()!;
  assertEquals(queue.peek(), undefined);
  queue.putBack(batch);
  assertEquals(queue.peek()?.alone, false);
  assert(queue.take() === batch);
});

Deno.test("items that must run alone are dealt out one by one", () => {
  const { queue } = queueOf([]);
  queue.putBack(run.batch(["a", "b", "c"], { alone: true }));
  const taken = [1, 2, 3].map(() => {
    assertEquals(queue.peek()?.alone, true);
    return queue.take()!;
  });
  assertEquals(taken.map(({ firstIndex, items, alone }) => [firstIndex, items, alone]), [
    [10, ["a"], true],
    [11, ["b"], true],
    [12, ["c"], true],
  ]);
  assert(queue.isEmpty);
});

Deno.test("an item goes again when its wait is over, not before", () => {
  using time = new VirtualTime();
  const { queue, more } = queueOf([]);
  queue.later(run.batch(["a"]), 500);
  assertEquals([queue.isEmpty, queue.peek(), more()], [false, undefined, 0]);
  time.pass(499);
  assertEquals([queue.peek(), more()], [undefined, 0]);
  time.pass(1);
  assertEquals([indexes([queue.take()]), more(), queue.isEmpty], [[10], 1, true]);
});

Deno.test("retries that are due take turns, before anything new and behind what was put back at once", () => {
  using time = new VirtualTime();
  const { queue } = queueOf([0]);
  queue.later(run.batch(["a"]), 500);
  queue.later(run.batch(["b"], { firstIndex: 11 }), 600);
  time.pass(600);
  const first = queue.take()!;
  queue.later(first, 100);
  time.pass(100);
  queue.putBack(run.batch(["c"], { firstIndex: 12 }));
  const taken = [1, 2, 3, 4].map(() => queue.take());
  assertEquals([first.firstIndex, ...indexes(taken)], [10, 12, 11, 10, 0]);
});

Deno.test("after a retry a new item has its turn, as far as there is room for one", () => {
  for (const perKey of [undefined, { key: () => "host" }]) {
    using time = new VirtualTime();
    const { queue } = queueOf(endless(), { perKey, buffer: 5, together: false });
    const history = { ...UNSENT, attempt: 2, key: perKey?.key() };
    for (const firstIndex of [10, 11, 12, 13]) {
      queue.later(new Batch(run, firstIndex, ["again"], 0, history), 100);
    }
    time.pass(100);
    const taken = Array.from({ length: 6 }, () => queue.take());
    assertEquals(indexes(taken), [10, 0, 11, 1, 12, 2]);
    // Items that run alone come at once.
    queue.putBack(new Batch(run, 20, ["alone"], 0, { ...history, alone: true }));
    assertEquals(indexes([queue.take(), queue.take()]), [20, 13]);
  }
});

Deno.test("a wait that no timer holds is kept to the end, and an endless one for ever", () => {
  const days = 86_400_000;
  using time = new VirtualTime();
  const { queue } = queueOf([]);
  queue.later(run.batch(["a"]), 100 * days);
  queue.later(run.batch(["b"], { firstIndex: 11 }), Infinity);
  time.pass(100 * days - 1);
  assertEquals(queue.peek(), undefined);
  time.pass(1);
  assertEquals(indexes([queue.take()]), [10]);
  time.pass(1000 * days);
  assertEquals(queue.peek(), undefined);
  assertEquals(indexes(queue.drop()), [11]);
  assertEquals(time.timers, 0);
});

Deno.test("an async input that was asked and hasn't answered has nothing to send", async () => {
  const gate = Promise.withResolvers<IteratorResult<string>>();
  const iterator = { next: () => gate.promise };
  const { queue } = queueOf({ [Symbol.asyncIterator]: () => iterator }, { chunk: 1 });
  assertEquals([queue.peek()?.alone, queue.take(), queue.peek()], [false, undefined, undefined]);
  gate.resolve({ value: "a", done: false });
  await settle();
  assertEquals([queue.peek()?.alone, indexes([queue.take()])], [false, [0]]);
});

Deno.test("dropping gives back all that was not sent: what waits, what is due, an array's rest", () => {
  using time = new VirtualTime();
  const { queue, source } = queueOf([0, 1, 2, 3]);
  queue.take();
  queue.putBack(run.batch(["x"], { firstIndex: 20 }));
  queue.later(run.batch(["y"], { firstIndex: 30 }), 50);
  assertEquals(indexes(queue.drop()).toSorted((a, b) => a - b), [1, 2, 3, 20, 30]);
  assertEquals([time.timers, queue.peek()?.alone], [0, false]);
  void source.close(0);
  assertEquals([queue.isEmpty, queue.peek()], [true, undefined]);
});

Deno.test("dropping gives back what an async input has given, but nobody has pulled", async () => {
  using time = new VirtualTime();
  const input = async function* () {
    yield* ["a", "b", "c"];
    await new Promise(() => {});
  };
  const { queue, source, arrived } = queueOf(input(), { chunk: 2, slots: 4 });
  assertEquals(queue.take(), undefined);
  for (let turn = 0; turn < 20; turn++) await undefined;
  time.turn();
  assertEquals([arrived(), source.pulled], [1, 0]);
  const [dropped, ...others] = queue.drop();
  assertEquals([dropped?.firstIndex, dropped?.items, others], [0, ["a", "b"], []]);
  assertEquals(source.pulled, 2);
});

const byWord = (item: string): string => item;

/** Takes all batches that may be sent now. */
function takeAll(queue: Queue): Batch[] {
  const taken: Batch[] = [];
  while (queue.peek() !== undefined) {
    const batch = queue.take();
    if (batch === undefined) break;
    taken.push(batch);
  }
  return taken;
}

Deno.test("an item whose key is full holds up no other, and goes when one of its key has ended", () => {
  const items = ["a", "a", "b", "a", "c"];
  const { queue, source } = queueOf(items, { slots: 9, perKey: { key: byWord, slots: 1 } });
  const [a, b, c] = takeAll(queue);
  assertEquals([a, b, c].map((batch) => batch!.firstIndex), [0, 2, 4]);
  assertEquals([source.pulled, queue.isEmpty, queue.peek()], [5, false, undefined]);
  queue.leave(b!, NaN);
  assertEquals(takeAll(queue), []);
  queue.leave(a!, NaN);
  const [next] = takeAll(queue);
  assertEquals(next!.firstIndex, 1);
  // A batch that comes back goes before items that were never sent.
  queue.leave(next!, NaN);
  queue.putBack(next!.part(0, 1));
  const [again] = takeAll(queue);
  assertEquals(again!.firstIndex, 1);
  queue.leave(again!, NaN);
  const [last] = takeAll(queue);
  assertEquals([last!.firstIndex, queue.isEmpty], [3, true]);
});

Deno.test("no more items are looked past than the buffer holds, or a thousand", () => {
  function* full(): Generator<string> {
    for (;;) yield "a";
  }
  for (const [buffer, most] of [[7, 9], ["auto", 1001]] as const) {
    const { queue, source } = queueOf(full(), { buffer, perKey: { key: byWord, slots: 1 } });
    for (let ended = 0; ended < 5; ended++) {
      const [batch, ...others] = takeAll(queue);
      assertEquals([others, source.pulled - queue.consumed], [[], most]);
      queue.leave(batch!, NaN);
      queue.consumed++;
    }
  }
});

Deno.test("others are pulled past what waits for its next try, as far as the buffer, or a thousand", () => {
  using _time = new VirtualTime();
  for (const [buffer, most] of [[7, 9], ["auto", 1000]] as const) {
    const { queue, source } = queueOf(endless(), { buffer });
    while (queue.peek() !== undefined) queue.later(queue.take()!, 60_000);
    assertEquals(source.pulled, most);
    queue.drop();
  }
});

Deno.test("a pause holds up its key alone, or all where there are no keys", () => {
  using time = new VirtualTime();
  const keyed = queueOf(["a", "b", "a", "b"], { slots: 9, perKey: { key: byWord, slots: 1 } });
  const [a, b] = takeAll(keyed.queue);
  for (const batch of [a!, b!]) keyed.queue.leave(batch, NaN);
  keyed.queue.pause(a!, 100);
  assertEquals(takeAll(keyed.queue).map(({ firstIndex }) => firstIndex), [3]);
  time.pass(100);
  assertEquals(keyed.more(), 1);
  assertEquals(takeAll(keyed.queue).map(({ firstIndex }) => firstIndex), [2]);
  const { queue, more } = queueOf(["a", "b"], { slots: 9 });
  queue.pause(queue.take()!, 50);
  assertEquals(queue.peek(), undefined);
  time.pass(50);
  assertEquals([more(), queue.peek()?.alone, time.timers], [1, false, 0]);
});

Deno.test("items that count for nobody travel together until one has a key", () => {
  const key = (word: string) => word === "none" ? undefined : word;
  const words = ["none", "none", "none", "none", "none", "a", "none", "a"];
  const { queue, size } = queueOf(words, {
    slots: 1,
    buffer: 99,
    chunk: "auto",
    perKey: { key, slots: 1 },
  });
  size.learn(1, 1e-6);
  const batches = takeAll(queue);
  const taken = batches.map(({ items, history: { key } }) => [items.length, key]);
  assertEquals(taken, [[4, undefined], [1, undefined], [1, "a"], [1, undefined]]);
  assertEquals(indexes(batches), [0, 1, 2, 3, 4, 5, 6]);
});

Deno.test("a key that can't be had is an error, and nothing more is pulled", () => {
  const thrown = new Error("no key");
  const bad: [() => unknown, (error: unknown) => void][] = [
    [() => {
      throw thrown;
    }, (error) => assert(error === thrown)],
    [() => ({ host: "a" }), (error) => {
      const says =
        "Cannot map: perKey.key must give a string, a number or undefined, but gives { host: ";
      assert(String((error as Error).message).startsWith(says));
    }],
    [() => Promise.reject(thrown), (error) => assert(error instanceof TypeError)],
  ];
  for (const [key, check] of bad) {
    const { queue, source, errors } = queueOf(["a", "b"], { perKey: { key: key as never } });
    assertEquals(queue.take()!.firstIndex, 0);
    assertEquals([queue.take(), source.pulled, errors.length], [undefined, 1, 1]);
    check(errors[0]);
  }
});
