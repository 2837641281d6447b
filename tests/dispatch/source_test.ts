import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Items } from "../../lib/dispatch/map_options.ts";
import { Source } from "../../lib/dispatch/source.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

/** A source, how often it reported an arrival, and the errors it failed with. */
function sourceOf(items: Items<unknown>) {
  const told = { arrived: 0, errors: [] as unknown[] };
  const source: Source = new Source(items, {
    leftOut: () => {},
    arrived: () => told.arrived++,
    inputFailed: (error) => void told.errors.push(error),
  });
  return { source, told };
}

/** An async input whose items come when a test says so, with the count of requests. */
class Gated implements AsyncIterable<unknown>, AsyncIterator<unknown> {
  asked = 0;
  closed = 0;
  closing: Promise<void> = Promise.resolve();
  #next = Promise.withResolvers<IteratorResult<unknown>>();

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    this.asked++;
    return this.#next.promise;
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.closed++;
    await this.closing;
    return { value: undefined, done: true };
  }

  /** The requested item arrives; then the next is requested, if more are wanted. */
  async give(value: unknown): Promise<void> {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve({ value, done: false });
    for (let turn = 0; turn < 20; turn++) await undefined;
  }
}

Deno.test("a source knows the length of arrays, sets and maps, and of nothing else", () => {
  assertEquals(sourceOf([1, 2]).source.total, 2);
  assertEquals(sourceOf(new Set([1])).source.total, 1);
  assertEquals(sourceOf(new Map([[1, 2]])).source.total, 1);
  assertEquals(sourceOf([1, 2].values()).source.total, undefined);
  assertEquals(sourceOf("abc").source.total, undefined);
});

Deno.test("a source is waited for while it was asked for an item that hasn't come", async () => {
  const input = new Gated();
  const { source } = sourceOf(input);
  const awaited = [source.isAwaited];
  source.pull(1);
  awaited.push(source.isAwaited);
  await input.give("a");
  awaited.push(source.isAwaited);
  assertEquals([source.pull(1), awaited], [["a"], [false, true, false]]);
  assert(!source.isAwaited);
});

Deno.test("an input's size counts only if it is a whole number from 0", () => {
  for (const size of [NaN, -1, 1.5, "3", Infinity]) {
    const items = { size, [Symbol.iterator]: () => [1, 2].values() };
    assertEquals(sourceOf(items).source.total, undefined);
  }
});

Deno.test("a source pulls no more than it is asked for, and notes the end", () => {
  for (const items of [[1, 2, 3], new Set([1, 2, 3]), [1, 2, 3].values()]) {
    const { source } = sourceOf(items);
    assertEquals([source.pull(0), source.pulled], [[], 0]);
    assertEquals([source.pull(2), source.pulled, source.done], [[1, 2], 2, false]);
    assertEquals([source.pull(5), source.pulled, source.done], [[3], 3, true]);
    assertEquals([source.pull(5), source.hasEnded, source.isEmpty], [[], true, true]);
  }
  assertEquals(sourceOf("abc").source.pull(2), ["a", "b"]);
});

Deno.test("an empty array is known to be empty before anything is asked for", () => {
  assertEquals(sourceOf([]).source.isEmpty, true);
  assertEquals(sourceOf(new Set()).source.isEmpty, false);
});

Deno.test("only of an array it is known what was not pulled", () => {
  const { source } = sourceOf([1, 2, 3]);
  source.pull(1);
  assertEquals([source.takeRest(), source.pulled], [[2, 3], 3]);
  assertEquals(sourceOf(new Set([1])).source.takeRest(), []);
});

Deno.test("of items that are made as they are pulled no more come together than are large enough", async () => {
  const large = "x".repeat(1 << 15);
  const inputs = {
    *sync() {
      for (let at = 0; at < 1000; at++) yield at < 20 ? at : { large };
    },
    async *later() {
      for (let at = 0; at < 1000; at++) yield await (at < 20 ? at : { large });
    },
  };
  const { source } = sourceOf(inputs.sync());
  // The size of every 16th item is checked, so the first large item noticed is the 33rd.
  assertEquals(source.pull(500, 1 << 20).length, 33);
  assertEquals([source.pull(500, 1 << 20).length, source.pull(1, 1 << 20).length], [1, 1]);
  assertEquals(source.pull(8, 1 << 20).length, 8);
  assertEquals(source.pull(500).length, 500);
  const { source: later } = sourceOf(inputs.later());
  later.pull(500, 1 << 20);
  for (let turn = 0; turn < 10; turn++) await settle();
  assertEquals(later.takeRest().length, 33);
});

Deno.test("items that an input gave before it threw are not lost, and the error is told", () => {
  const error = new RangeError("broken");
  const { source, told } = sourceOf((function* () {
    yield 1;
    throw error;
  })());
  assertEquals([source.pull(5), told.errors, source.hasEnded], [[1], [error], true]);
  assertEquals(source.pull(5), []);
  const unopened = {
    [Symbol.iterator]: () => {
      throw error;
    },
  };
  const { source: other, told: toldOther } = sourceOf(unopened);
  assertEquals([other.pull(5), toldOther.errors, other.isEmpty], [[], [error], true]);
});

Deno.test("an async input is asked for one item at a time, and tells when it came", async () => {
  const input = new Gated();
  const { source, told } = sourceOf(input);
  assertEquals([source.pull(1), source.pull(1), input.asked, told.arrived], [[], [], 1, 0]);
  await input.give("a");
  assertEquals([told.arrived, source.pulled, source.isEmpty, input.asked], [1, 0, false, 1]);
  assertEquals([source.pull(1), source.pulled, input.asked], [["a"], 1, 1]);
  source.pull(1);
  await input.give("b");
  assertEquals([told.arrived, source.pull(1)], [2, ["b"]]);
});

Deno.test("what arrives in one turn of the event loop is told of once, and travels together", async () => {
  using time = new VirtualTime();
  const input = new Gated();
  const { source, told } = sourceOf(input);
  source.pull(3);
  for (const item of ["a", "b"]) await input.give(item);
  assertEquals([told.arrived, time.immediates], [0, 1]);
  time.turn();
  assertEquals([told.arrived, source.pull(3)], [1, ["a", "b"]]);
});

Deno.test("an async input is not asked for more than there is room for", async () => {
  using time = new VirtualTime();
  const input = new Gated();
  const { source } = sourceOf(input);
  source.pull(3);
  for (const item of ["a", "b"]) await input.give(item);
  time.turn();
  assertEquals(source.pull(3), ["a", "b"]);
  // One more item is wanted, and the consumer has taken none of those before.
  for (const item of ["c", "d", "e"]) await input.give(item);
  assertEquals(input.asked, 3, "more was read ahead than there was room for");
});

Deno.test("an async input that ends is at its end once all that came was pulled", async () => {
  using time = new VirtualTime();
  const { source, told } = sourceOf((async function* () {
    await undefined;
    yield 1;
  })());
  source.pull(5);
  await settle();
  time.turn();
  assertEquals([told.arrived, source.done, source.isEmpty], [1, true, false]);
  assertEquals([source.pull(5), source.isEmpty, source.hasEnded], [[1], true, true]);
});

Deno.test("an async input may answer as a loop would put up with, and else fails", async () => {
  const inputs: [() => unknown, string][] = [
    [() => ({ value: 1, done: false }), "1"],
    [() => Promise.resolve({ value: 1 }), "1"],
    [() => undefined, "TypeError"],
    [() => Promise.resolve(3), "TypeError"],
    [() => Promise.resolve(() => {}), "undefined"],
    [() => {
      throw new RangeError("no");
    }, "RangeError"],
    [() => Promise.reject(new RangeError("no")), "RangeError"],
  ];
  for (const [next, wanted] of inputs) {
    const { source, told } = sourceOf(
      { [Symbol.asyncIterator]: () => ({ next }) } as Items<unknown>,
    );
    source.pull(1);
    await settle();
    const [error] = told.errors as Error[];
    assertEquals(error === undefined ? String(source.pull(1)[0]) : error.name, wanted);
    assertEquals(told.arrived, error === undefined ? 1 : 0);
    assertEquals(source.hasEnded, error !== undefined);
    await source.close(0);
  }
});

Deno.test("what arrived but was not pulled can be taken at the end", async () => {
  const input = new Gated();
  const { source } = sourceOf(input);
  source.pull(1);
  await input.give("a");
  assertEquals([source.takeRest(), source.pulled, source.takeRest()], [["a"], 1, []]);
});

Deno.test("an input is closed once, unless it has ended by itself", async () => {
  let closed = 0;
  const endless = {
    [Symbol.iterator]: () => ({
      next: () => ({ value: 1, done: false }),
      return: () => ({ value: closed++, done: true }),
    }),
  };
  const { source } = sourceOf(endless);
  source.pull(1);
  await Promise.all([source.close(0), source.close(0)]);
  assertEquals([closed, source.done, source.pull(1)], [1, true, []]);
  const ended = sourceOf((function* () {
    yield 1;
  })());
  ended.source.pull(2);
  await ended.source.close(0);
  assert(ended.source.hasEnded);
});

Deno.test("an input that was never asked for anything is not even opened to be closed", async () => {
  const opens = () => {
    throw new Error("opened");
  };
  for (const which of [Symbol.iterator, Symbol.asyncIterator]) {
    await sourceOf({ [which]: opens } as never).source.close(0);
  }
});

Deno.test("closing waits until an input that isn't in the midst of anything has cleaned up, however long", async () => {
  using time = new VirtualTime();
  const input = new Gated();
  const clean = Promise.withResolvers<void>();
  input.closing = clean.promise;
  const { source } = sourceOf(input);
  source.pull(1);
  await input.give("a");
  let hasClosed = false;
  const closing = source.close(250).then(() => hasClosed = true);
  time.pass(1000);
  await settle();
  assertEquals([input.closed, hasClosed, time.timers], [1, false, 0]);
  clean.resolve();
  await closing;
});

Deno.test("what an input throws when it is closed is told to who closes it", async () => {
  const throws = () => {
    throw new RangeError("in return()");
  };
  const rejects = () => Promise.reject(new RangeError("in return()"));
  for (const clean of [throws, rejects]) {
    for (const which of [Symbol.iterator, Symbol.asyncIterator]) {
      const next = () => ({ value: 1, done: false });
      const { source } = sourceOf({ [which]: () => ({ next, return: clean }) } as never);
      source.pull(1);
      await settle();
      await assertRejects(() => source.close(1000), RangeError, "in return()");
      assert(source.done);
    }
  }
});

Deno.test("whatever an input answers when it is closed does no harm", async () => {
  for (const clean of [() => 5, undefined]) {
    const next = () => ({ value: 1, done: false });
    const items = { [Symbol.iterator]: () => ({ next, return: clean }) };
    const { source } = sourceOf(items as Items<unknown>);
    source.pull(1);
    await source.close(0);
    assert(source.done);
  }
});

Deno.test("an input in the midst of an await is waited for only so long, and what it throws later harms nobody", async () => {
  using time = new VirtualTime();
  const clean = Promise.withResolvers<void>();
  const input = new Gated();
  input.closing = clean.promise;
  const { source, told } = sourceOf(input);
  source.pull(1);
  await settle();
  let hasClosed = false;
  void source.close(250).then(() => hasClosed = true);
  await settle();
  assertEquals([input.closed, hasClosed, time.timers], [1, false, 1]);
  time.pass(249);
  await settle();
  assertEquals(hasClosed, false);
  time.pass(1);
  await settle();
  assertEquals([hasClosed, time.timers], [true, 0]);
  clean.reject(new Error("too late"));
  await input.give("too late as well");
  await settle();
  assertEquals([told.errors, input.asked], [[], 1]);
});

Deno.test("an input that waits for its own end is in the midst of an await, though next() hasn't answered", async () => {
  using time = new VirtualTime();
  let hasClosed = false;
  let close = () => Promise.resolve();
  const { source } = sourceOf((async function* () {
    await close();
    yield "never";
  })());
  close = () => source.close(250).then(() => void (hasClosed = true));
  source.pull(1);
  await settle();
  time.pass(249);
  await settle();
  assertEquals(hasClosed, false);
  time.pass(1);
  await settle();
  assertEquals([hasClosed, time.timers], [true, 0]);
});

Deno.test("an input in the midst of an await that cleans up in time is not waited for any longer", async () => {
  using time = new VirtualTime();
  const { source } = sourceOf(new Gated());
  source.pull(1);
  await settle();
  await source.close(250);
  assertEquals(time.timers, 0);
});

Deno.test("an input in the midst of an await is waited for as long as the grace is, though no timer holds it", async () => {
  for (const graceMs of [Infinity, 2 ** 31]) {
    using _time = new VirtualTime();
    const clean = Promise.withResolvers<void>();
    const input = new Gated();
    input.closing = clean.promise;
    const { source } = sourceOf(input);
    source.pull(1);
    await settle();
    let ends = "";
    const closing = source.close(graceMs).then(() => ends = "closed", (error) => ends = `${error}`);
    await settle();
    assertEquals(ends, "");
    clean.resolve();
    await closing;
    assertEquals(ends, "closed");
  }
});

Deno.test("a generator that has its own source closed is closed once it no longer runs", async () => {
  let closed = 0;
  let closing: Promise<void> | undefined;
  function* items(): Generator<number> {
    try {
      yield 1;
      closing = source.close(0);
      assertEquals(closed, 0);
      yield 2;
      yield 3;
    } finally {
      closed++;
    }
  }
  const { source } = sourceOf(items());
  assertEquals([source.pull(9), closed], [[1, 2], 0]);
  await closing;
  assertEquals([closed, source.done, source.pulled, source.pull(9)], [1, true, 2, []]);
});

Deno.test("what can't be iterated is refused at once", () => {
  for (const items of [undefined, null, 3, {}]) {
    assertThrows(() => sourceOf(items as never), TypeError, `but is ${Deno.inspect(items)}`);
  }
});

Deno.test("an input that gives no iterator fails with what it gave", async () => {
  const failureOf = async (items: unknown) => {
    const { source, told: { errors } } = sourceOf(items as never);
    source.pull(1);
    await settle();
    return errors.map((error) => [error instanceof TypeError, (error as Error).message]);
  };
  const said = (what: string) => [[true, `The input's [${what}, which is no iterator`]];
  assertEquals(
    await failureOf({ [Symbol.iterator]: 3 }),
    said("Symbol(Symbol.iterator)] is 3"),
  );
  assertEquals(
    await failureOf({ [Symbol.iterator]: () => ({}) }),
    said("Symbol(Symbol.iterator)] gave {}"),
  );
  assertEquals(
    await failureOf({ [Symbol.asyncIterator]: () => null }),
    said("Symbol(Symbol.asyncIterator)] gave null"),
  );
});
