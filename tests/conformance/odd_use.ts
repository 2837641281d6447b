import { AsyncLocalStorage } from "node:async_hooks";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { type Executor, type Items, task, TaskLoadError, TimeoutError } from "../../lib/mod.ts";
import {
  type Guarantee,
  numbers,
  OWN_LANE_ONLY,
  SENT_ONLY,
  taskNamed,
  taskOf,
} from "./guarantee.ts";

type Inputs = Record<string, () => Items<number>>;

/** Inputs that throw when they are closed. */
const UNCLOSABLE_INPUTS: Inputs = {
  "return() throws": () => input(Symbol.iterator, endless, throwing),
  "async return() throws": () => input(Symbol.asyncIterator, endless, throwing),
};

/** Inputs that end in ways in which generators don't. */
const ODD_INPUTS: Inputs = {
  "async return() gives no promise": () => input(Symbol.asyncIterator, endless, () => 5),
  "async next() gives no promise": () => input(Symbol.asyncIterator, endless, undefined),
};

const BROKEN_INPUTS: Inputs = {
  "next() throws": () => input(Symbol.iterator, throwing, undefined),
  "async next() throws": () => input(Symbol.asyncIterator, throwing, undefined),
  "async next() gives nothing": () => input(Symbol.asyncIterator, () => undefined, undefined),
  "next() gives a number": () => input(Symbol.iterator, () => 5, undefined),
  "async next() gives a number": () => input(Symbol.asyncIterator, () => 5, undefined),
};

/** Arrays that can't be cut by index, and the values that iterating over them gives. */
const ODD_ARRAYS: Readonly<Record<string, readonly [() => number[], ...(number | "throws")[]]>> = {
  "a class with an iterator": [() => Own.from([1, 2]) as number[], 7, 8],
  "a class made from an iterable": [() => new Stack([1, 2]), 1, 2],
  "a constructor that is none": [() => Object.assign([1, 2], { constructor: 5 }), 1, 2],
  "an iterator of its own": [
    () => Object.assign([1], { [Symbol.iterator]: () => [3].values() }),
    3,
  ],
  "a getter that throws": [() => Object.defineProperty([1, 2], 1, { get: throwing }), 1, "throws"],
  "a proxy that throws": [
    () => new Proxy([1, 2], { get: (of, key) => key === "1" ? throwing() : Reflect.get(of, key) }),
    1,
    "throws",
  ],
};

class Own extends Array<number> {
  override *[Symbol.iterator](): ArrayIterator<number> {
    yield* [7, 8];
  }
}

class Stack extends Array<number> {
  constructor(from: Iterable<number>) {
    super();
    for (const item of from) this.push(item);
  }
}

/** Replaces the clock and timers with ones that throw, until it is disposed. */
function fakedTime(): Disposable {
  const faked = () => {
    throw new Error("a faked clock was looked at");
  };
  const { performance: realPerformance, Date: RealDate } = globalThis;
  const { now } = realPerformance;
  const names = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"] as const;
  const real = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
  Object.assign(globalThis, Object.fromEntries(names.map((name) => [name, faked])));
  globalThis.Date = class extends RealDate {
    static override now = faked;
  } as unknown as DateConstructor;
  realPerformance.now = faked;
  // Some libraries fake functions of `performance`, others replace the object by one that has no others.
  const fake = Object.assign(Object.create(Performance.prototype), { now: faked });
  Object.assign(globalThis, { performance: Object.defineProperty(fake, "timeOrigin", {}) });
  return {
    [Symbol.dispose]() {
      Object.assign(globalThis, { ...real, Date: RealDate, performance: realPerformance });
      realPerformance.now = now;
    },
  };
}

const endless = () => ({ value: 1, done: false });
const throwing = () => {
  throw new RangeError("odd");
};

function input(which: symbol, next: () => unknown, clean: unknown): Items<number> {
  return { [which]: () => ({ next, return: clean }) } as unknown as Items<number>;
}

/** Checks that the executor works as if new. */
async function works(executor: Executor): Promise<void> {
  assertEquals(await executor.map(taskNamed("double"), numbers(20)).toArray(), [
    ...numbers(20).map((n) => 2 * n),
  ]);
}

export const ODD_USE: readonly Guarantee[] = [
  {
    name: "tasks whose module sets a timer that never ends are run",
    async check({ open }) {
      await using executor = open();
      const timed = task<typeof import("./timed_tasks.ts")>(
        new URL("./timed_tasks.ts", import.meta.url),
      );
      // There are enough items that each lane gets one.
      const results = await executor.map(timed, numbers(8)).toArray();
      assertEquals(results, numbers(8).map((n) => n + 1));
    },
  },
  {
    name:
      "an input that can't be closed is left all the same, its error is told, and nothing is harmed",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      for (const [name, items] of Object.entries({ ...ODD_INPUTS, ...UNCLOSABLE_INPUTS })) {
        // Not even `concurrent` may pull all of an endless input before it yields.
        let taken = 0;
        const leave = async () => {
          const results = executor.mapSettled(taskNamed("double"), items());
          for await (const _ of results) if (++taken === 3) break;
        };
        if (name in UNCLOSABLE_INPUTS) await assertRejects(leave, RangeError, "odd", name);
        else await leave();
        assertEquals(taken, 3, name);
        await works(executor);
      }
    },
  },
  {
    name: "an input whose next() throws, or gives no result, fails its run, and harms no other",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      for (const items of Object.values(BROKEN_INPUTS)) {
        await assertRejects(() => executor.map(taskNamed("double"), items()).toArray(), Error);
        await works(executor);
      }
    },
  },
  {
    name: "an array gives what iterating over it gives, or throws what that throws",
    async check({ open }) {
      await using executor = open();
      for (const [what, [items, ...expected]] of Object.entries(ODD_ARRAYS)) {
        for (const chunk of ["auto", 1, 2] as const) {
          const given: unknown[] = [];
          try {
            for await (const of of executor.map(taskNamed("echo"), items(), { chunk })) {
              given.push(of);
            }
          } catch (error) {
            assertInstanceOf(error, RangeError);
            given.push("throws");
          }
          // An item sent before the array threw is taken back, unless it has started.
          const ended = expected.at(-1) === "throws"
            ? [...expected.slice(0, given.length - 1), "throws"]
            : expected;
          assertEquals(given, ended, `${what}, chunk ${chunk}`);
        }
      }
      await works(executor);
    },
  },
  {
    name: "an input that stops its own run: what it gave settles, nothing more is asked of it",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      for (const chunk of ["auto", 1, 4, 7] as const) {
        const controller = new AbortController();
        let given = 0;
        const items = (function* () {
          for (;; given++) {
            if (given === 3) controller.abort();
            yield given;
          }
        })();
        const { signal } = controller;
        const outcomes = await executor.mapSettled(taskNamed("double"), items, { chunk, signal })
          .toArray();
        assertEquals(outcomes.map(({ index }) => index), numbers(4));
        assertEquals(given, 3);
      }
      await works(executor);
    },
  },
  {
    name: "an input's size counts only if it is a whole number from 0",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      for (const size of [NaN, -3, 1e9]) {
        const items = { size, [Symbol.iterator]: () => numbers(30).values() };
        const doubled = await executor.map(taskNamed("double"), items).toArray();
        assertEquals(doubled, numbers(30).map((n) => 2 * n));
      }
    },
  },
  {
    name: "every request for a result is answered, also beside toArray()",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const results = executor.map(taskNamed("double"), [1, 2, 3]);
      const [before, all, again, after] = [
        results.next(),
        results.toArray(),
        results.toArray(),
        results.next(),
      ];
      assertEquals([(await before).value, await all, await again], [2, [4, 6], []]);
      assertEquals((await after).done, true);
    },
  },
  {
    name: "deadlines and waits of years are kept",
    async check({ open }) {
      await using executor = open();
      const years = 1e12;
      assertEquals(
        await executor.map(taskNamed("nap"), [5, 30], { timeoutMs: years }).toArray(),
        [5, 30],
      );
      const controller = new AbortController();
      const [outcome] = await executor.mapSettled(taskNamed("askToWait"), [years], {
        signal: controller.signal,
        retries: {
          limit: 5,
          baseMs: 0,
          maxMs: years,
          jitter: false,
          retryIf() {
            setTimeout(() => controller.abort(), 50);
            return true;
          },
        },
      }).toArray();
      assert(outcome!.status === "rejected" && outcome!.ended === "cancelled");
      assertEquals(outcome!.attempts, 1);
    },
  },
  {
    name: "a caller's functions and input see its AsyncLocalStorage, whoever else maps meanwhile",
    async check({ open }) {
      await using executor = open();
      const storage = new AsyncLocalStorage<string>();
      const strays: string[] = [];
      const seen = new Set<string>();
      const calls = ["a", "b", "c"].map((name) =>
        storage.run(name, async () => {
          const look = (where: string) => {
            seen.add(where);
            const found = storage.getStore();
            if (found !== name) strays.push(`${where} of ${name} sees ${found}`);
          };
          function* input() {
            for (const n of numbers(6)) {
              look("the input");
              yield n;
            }
          }
          async function* later() {
            for (const n of numbers(6)) {
              look("the async input");
              yield await n;
            }
          }
          const options = {
            perKey: { key: (n: number) => (look("the key"), n % 2), slots: 2 },
            onProgress: () => look("onProgress"),
            onOutcome: () => look("onOutcome"),
            retries: { limit: 1, baseMs: 0, retryIf: () => (look("retryIf"), true) },
          };
          await Promise.all([
            executor.mapSettled(taskNamed("failOdd"), input(), options).toArray(),
            executor.mapSettled(taskNamed("failOdd"), later(), options).toArray(),
          ]);
        })
      );
      await Promise.all(calls);
      assertEquals([...new Set(strays)], []);
      assertEquals(seen.size, 6);
    },
  },
  {
    name: "what a task enters in its AsyncLocalStorage is there for no other task",
    async check({ open }) {
      await using executor = open();
      const enters = taskOf(`
        import { AsyncLocalStorage } from "node:async_hooks";
        const storage = new AsyncLocalStorage();
        export default async (n) => {
          const found = storage.getStore();
          storage.enterWith(n);
          if (n % 2 === 1) await undefined;
          return found ?? "nothing";
        };`);
      const found = await executor.map(enters, numbers(12), { chunk: 6 }).toArray();
      assertEquals(new Set(found), new Set(["nothing"]));
    },
  },
  {
    name: "deadlines, waits and rates are kept though the program fakes its clock and timers",
    notFor: { cluster: "the client of its server keeps time by itself" },
    async check({ open }) {
      await using executor = open({ graceMs: 50 });
      using _faked = fakedTime();
      const hung = executor.run(taskNamed("die"), "hang", { timeoutMs: 20 });
      assertInstanceOf(await hung.catch((error) => error), TimeoutError);
      const retries = { limit: 2, baseMs: 5 };
      assertEquals(await executor.run(taskNamed("succeedAt"), 3, { retries }), 3);
      assertEquals(await executor.map(taskNamed("succeedAt"), [3], { retries }).toArray(), [3]);
      const rate = { limit: 1, perMs: 5 };
      const later = (async function* () {
        yield* [1, 2, 3];
      })();
      assertEquals(await executor.map(taskNamed("double"), later, { rate }).toArray(), [2, 4, 6]);
      await executor.close();
    },
  },
  {
    name: "a retryIf that stops the run loses no item",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const controller = new AbortController();
      const outcomes = await executor.mapSettled(taskNamed("failOdd"), numbers(9), {
        signal: controller.signal,
        chunk: 2,
        retries: {
          limit: 3,
          baseMs: 0,
          retryIf() {
            controller.abort();
            return true;
          },
        },
      }).toArray();
      assertEquals(outcomes.map(({ index }) => index), numbers(9));
    },
  },
  {
    name: "an error that resists every question fails its own item, and harms no other",
    async check({ open }) {
      await using executor = open();
      const kinds = [
        "getters",
        "cyclic cause",
        "cyclic errors",
        "frozen",
        "names a flag",
        "proxy of an error",
        "proxy of an object",
        "then throws",
        "proxy to be waited for",
      ];
      const items = kinds.flatMap((kind) => ["before", kind]).concat("last");
      for (const chunk of [1, items.length]) {
        const outcomes = await executor.mapSettled(taskNamed("throwHostile"), items, {
          chunk,
          retries: { limit: 1, baseMs: 0 },
        }).toArray();
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
          items.map((item) => kinds.includes(item) ? "failed" : item),
        );
      }
    },
  },
  {
    name: "errors of Deno, of the DOM and of this library keep their class",
    async check({ open }) {
      await using executor = open();
      const outcomes = await executor.mapSettled(taskNamed("throwClass"), ["dom", "deno", "own"])
        .toArray();
      const [dom, deno, own] = outcomes.map((o) => o.status === "rejected" ? o.reason : o);
      assertInstanceOf(dom, DOMException);
      assertEquals([dom.name, dom.message, dom.code], ["AbortError", "stop", 20]);
      assertInstanceOf(deno, Deno.errors.NotFound);
      assertInstanceOf(own, TypeError);
      const late = executor.map(taskNamed("nap"), [60_000], { timeoutMs: 30 });
      assertInstanceOf(await assertRejects(() => late.toArray()), TimeoutError);
      const nowhere = { ...taskNamed("double"), export: "nothing" };
      assertInstanceOf(
        await assertRejects(() => executor.map(nowhere, [1]).toArray()),
        TaskLoadError,
      );
    },
  },
  {
    name: "the buffer of an array that arrives holds nothing but the array",
    async check({ open }) {
      await using executor = open();
      for (const chunk of [1, 3]) {
        for await (const { floats } of executor.map(taskNamed("measure"), [1, 2, 3], { chunk })) {
          assertEquals(new Float64Array(floats.buffer as ArrayBuffer), floats);
        }
        const made = await executor.map(taskNamed("bytes"), [{ length: 3 }, { length: 5 }], {
          chunk,
        }).toArray();
        assertEquals(made.map(({ buffer }) => buffer.byteLength), [3, 5]);
      }
    },
  },
  {
    name: "a value that would arrive empty is refused, as an item and as a result",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      const sent = await executor.mapSettled(taskNamed("echo"), [1, new URL("http://a.b"), 3])
        .toArray();
      const given = await executor.mapSettled(taskNamed("givePrivate"), ["a", "URL", "Secret"])
        .toArray();
      assertEquals(
        [...sent, ...given].map((o) =>
          o.status === "fulfilled" ? o.value : (o.reason as Error).message.split(": ")[1]
        ),
        [
          1,
          "it is a URL, which would arrive empty",
          3,
          "a",
          "it is a URL, which would arrive empty",
          "it is a Secret, which would arrive empty",
        ],
      );
    },
  },
  {
    name: "however many tasks kill their lanes, all others complete",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open();
      const items = numbers(60).map((n) => n % 3 === 0 ? "exit" : `fine ${n}`);
      const outcomes = await executor.mapSettled(taskNamed("die"), items, { chunk: 3 }).toArray();
      assertEquals(
        outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
        items.map((item) => item === "exit" ? "crashed" : item),
      );
    },
  },
];
