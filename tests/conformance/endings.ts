import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Outcome } from "../../lib/mod.ts";
import { eventually, Gates, turns } from "./gates.ts";
import {
  faultTask,
  type Guarantee,
  numbers,
  OWN_LANE_ONLY,
  taskNamed,
  taskOf,
} from "./guarantee.ts";

/** An input that yields some numbers and then never ends. */
async function* stalled(count: number): AsyncGenerator<number> {
  yield* numbers(count);
  await new Promise(() => {});
}

async function tell(promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => "ended", (error) => String(error));
}

export const ENDINGS: readonly Guarantee[] = [
  {
    name: "close() ends every run that waits for its input, however many there are",
    onGpu: true,
    async check({ open }) {
      const executor = open({ graceMs: 20 });
      const runs = numbers(5).map(() => executor.map(taskNamed("double"), stalled(1)));
      for (const run of runs) assertEquals((await run.next()).value, 0);
      const told = runs.map((run) => tell(run.next()));
      await executor.close();
      assertEquals(
        await Promise.all(told),
        runs.map(() => "TypeError: The executor was closed"),
      );
    },
  },
  {
    name: "after close() nothing is pulled or started, in runs beside those that wait too",
    notFor: { concurrent: "every item has a slot" },
    async check({ open, width }) {
      await using gates = new Gates();
      const executor = open({ graceMs: 20 });
      const waits = executor.map(taskNamed("double"), stalled(1));
      await waits.next();
      const told = tell(waits.next());
      let pulled = 0;
      function* items() {
        while (true) yield { url: gates.url, key: String(pulled++) };
      }
      const busy = executor.mapSettled(taskNamed("gated"), items(), { buffer: 2, chunk: 1 });
      const outcomes: Outcome<unknown>[] = [];
      const ends = tell((async () => {
        for await (const outcome of busy) outcomes.push(outcome);
      })());
      // All started tasks have arrived at the gates before close(), so that none arrives late.
      await gates.full(width);
      await executor.close();
      const [pulledThen, startedThen] = [pulled, gates.arrived.length];
      // A task on a lane that didn't answer within the grace is abandoned.
      const stopped = ["cancelled", "abandoned"];
      assertStringIncludes(await ends, "closed");
      assert(outcomes.every((o) => o.status === "rejected" && stopped.includes(o.ended)));
      assertStringIncludes(await told, "closed");
      await turns();
      assertEquals([pulled, gates.arrived.length], [pulledThen, startedThen]);
    },
  },
  {
    name: "an input, an onProgress and a retryIf may close the executor that asks them",
    onGpu: true,
    async check({ open }) {
      for (const who of ["input", "onProgress", "retryIf"]) {
        const executor = open({ graceMs: 20 });
        let closing: Promise<void> | undefined;
        const close = (asked: string) => {
          if (asked === who) closing ??= executor.close();
          return true;
        };
        const items = numbers(50).values().map((n) => {
          if (n === 3) close("input");
          return n;
        });
        const outcomes: Outcome<unknown>[] = [];
        const results = executor.mapSettled(taskNamed("failOdd"), items, {
          chunk: 2,
          onProgress: () => void close("onProgress"),
          retries: { limit: 1, baseMs: 0, retryIf: () => close("retryIf") },
        });
        const taking = (async () => {
          for await (const outcome of results) outcomes.push(outcome);
        })();
        await assertRejects(() => taking, TypeError, "The executor was closed");
        await closing;
        assertEquals(outcomes.map(({ index }) => index), numbers(outcomes.length), who);
        const ended = outcomes.filter((o) => o.status === "fulfilled" || o.ended === "failed");
        assert(ended.length < 50, `${who}: ${ended.length}`);
      }
    },
  },
  {
    name:
      "close() ends mapSettled with an outcome for each item that was pulled, then an error if more may come",
    onGpu: true,
    async check({ open }) {
      const sync = () => numbers(1000).values();
      async function* later() {
        yield* numbers(1000);
      }
      for (const input of [() => numbers(1000), sync, later, () => ReadableStream.from(sync())]) {
        for (const order of ["input", "completion"] as const) {
          const executor = open({ graceMs: 20 });
          let pulled = 0;
          const results = executor.mapSettled(taskNamed("double"), input(), {
            order,
            buffer: 3,
            onProgress: (progress) => void (pulled = progress.pulled),
          });
          const indexes = [(await results.next()).value!.index];
          await executor.close();
          const told = await tell((async () => {
            for await (const { index } of results) indexes.push(index);
          })());
          assertEquals(indexes.toSorted((a, b) => a - b), numbers(indexes.length));
          if (indexes.length === 1000) assertEquals(told, "ended");
          else assertEquals([told, indexes.length], ["TypeError: The executor was closed", pulled]);
        }
      }
    },
  },
  {
    name: "leaving the loop waits until the input's finally block has run",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      let closed = false;
      async function* items() {
        try {
          for (let n = 0;; n++) yield n;
        } finally {
          await turns(3);
          closed = true;
        }
      }
      for await (const value of executor.map(taskNamed("double"), items())) {
        if (value === 4) break;
      }
      assert(closed);
    },
  },
  {
    name:
      "leaving the loop waits for the input's finally block, also while the input awaits its next item",
    onGpu: true,
    async check({ open }) {
      await using executor = open({ graceMs: 20 });
      for (const throws of [false, true]) {
        const asked = Promise.withResolvers<void>();
        const next = Promise.withResolvers<void>();
        const cleanedUp = Promise.withResolvers<void>();
        let hasCleanedUp = false;
        const cleanUp = async () => {
          await cleanedUp.promise;
          hasCleanedUp = true;
          if (throws) throw new RangeError("rollback failed");
        };
        const items = async function* () {
          try {
            yield 1;
            asked.resolve();
            await next.promise;
            yield 2;
          } finally {
            await cleanUp();
          }
        };
        const results = executor.map(taskNamed("double"), items());
        await results.next();
        results.next().catch(() => {}); // so that the next item is pulled
        await asked.promise;
        const told = tell(results.return().then(() => {}));
        next.resolve();
        // This wait is longer than closing would wait for a lane.
        await new Promise((resolve) => setTimeout(resolve, 60));
        cleanedUp.resolve();
        assertEquals(await told, throws ? "RangeError: rollback failed" : "ended");
        assertEquals(hasCleanedUp, true);
      }
    },
  },
  {
    name:
      "leaving the loop rejects with what the input throws at its end, also if another result was requested by then",
    onGpu: true,
    async check({ open }) {
      await using executor = open({ graceMs: 1000 });
      const ending = Promise.withResolvers<void>();
      const isEnding = Promise.withResolvers<void>();
      const items = async function* () {
        try {
          yield 1;
        } finally {
          isEnding.resolve();
          await ending.promise;
        }
      };
      const results = executor.map(taskNamed("double"), items());
      await results.next();
      results.next().catch(() => {}); // so that the input is pulled to its end
      await isEnding.promise;
      const told = tell(results.return().then(() => {}));
      ending.reject(new RangeError("the end broke"));
      assertEquals(await told, "RangeError: the end broke");
    },
  },
  {
    name:
      "close() doesn't wait for an input whose return() never answers, nor for one that was left before",
    onGpu: true,
    async check({ open }) {
      const executor = open({ graceMs: 20 });
      const items: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => {
          let next = 0;
          return {
            next: () => Promise.resolve({ value: next++, done: false }),
            return: () => new Promise(() => {}),
          };
        },
      };
      const [left, open1] = [0, 1].map(() => executor.map(taskNamed("double"), items));
      await left!.next();
      await open1!.next();
      void left!.return();
      await turns(3);
      await executor.close();
    },
  },
  {
    name: "results can be left several times, also before any was asked for, and give nothing more",
    onGpu: true,
    async check({ open }) {
      await using executor = open({ graceMs: 20 });
      for (const taken of [0, 1]) {
        await using results = executor.map(taskNamed("double"), numbers(8));
        for (let n = 0; n < taken; n++) assertEquals((await results.next()).value, 2 * n);
        const told = await Promise.all([results.return(), results.next(), results.return()]);
        assertEquals(told.map(({ done }) => done), [true, true, true]);
        assertEquals(await results.toArray(), []);
      }
    },
  },
  {
    name: "leaving the loop doesn't wait for an input that awaits for ever",
    onGpu: true,
    async check({ open }) {
      await using executor = open({ graceMs: 20 });
      const results = executor.map(taskNamed("double"), stalled(2));
      await results.next();
      await results.next();
      await results.return();
      assertEquals((await results.next()).done, true);
      assertEquals(await executor.map(taskNamed("double"), [1]).toArray(), [2]);
    },
  },
  {
    name:
      "leaving results whose items are another executor's results leaves those as well, and nothing fails",
    async check({ open }) {
      await using first = open();
      await using second = open();
      const naps = first.map(taskNamed("nap"), [1, 3_600_000], { chunk: 1 });
      const results = second.map(taskNamed("double"), naps);
      assertEquals(await results.next(), { value: 2, done: false });
      await results.return();
      assertEquals(first.running(), []);
    },
  },
  {
    name: "an empty input opens no lane",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const inputs = [[], new Set<number>(), (function* () {})(), (async function* () {})()];
      for (const items of inputs) {
        assertEquals(await executor.map(taskNamed("double"), items).toArray(), []);
      }
      assertEquals(await executor.usage(), []);
    },
  },
  {
    name:
      "if an input fails, ended outcomes are handed out, the rest is cancelled, and then its error is thrown",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const error = new RangeError("the input broke");
      function* broken() {
        yield* numbers(10);
        throw error;
      }
      let hasGiven = Promise.withResolvers<void>();
      async function* brokenLater() {
        yield* numbers(10);
        await hasGiven.promise;
        throw error;
      }
      for (const order of ["input", "completion"] as const) {
        for (const items of [broken, brokenLater]) {
          const given: string[] = [];
          hasGiven = Promise.withResolvers();
          const take = async () => {
            const results = executor.mapSettled(taskNamed("double"), items(), {
              buffer: 100,
              order,
            });
            for await (const outcome of results) {
              given.push(outcome.status === "fulfilled" ? "ok" : outcome.ended);
              hasGiven.resolve();
              await turns(1);
            }
          };
          assert(await assertRejects(take) === error);
          assertEquals(given.length, 10, given.join());
          assert(given.every((fate) => fate === "ok" || fate === "cancelled"), given.join());
          if (items === brokenLater) assertEquals(given[0], "ok");
        }
      }
    },
  },
  {
    name:
      "if onProgress, onOutcome or retryIf throws or rejects, the outcomes come first and then its error",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const error = new Error("the caller's own");
      const broken = {
        "onProgress throws": {
          onProgress() {
            throw error;
          },
        },
        "onProgress rejects": { onProgress: () => Promise.reject(error) },
        "onOutcome throws": {
          onOutcome() {
            throw error;
          },
        },
        "onOutcome rejects": { onOutcome: () => Promise.reject(error) },
        "onOutcome rejects later, at the last": {
          onOutcome: async ({ index }: { index: number }) => {
            await new Promise((done) => setTimeout(done));
            if (index === 29) throw error;
          },
        },
        "retryIf throws": {
          retries: {
            limit: 1,
            retryIf() {
              throw error;
            },
          },
        },
        "retryIf rejects": {
          retries: { limit: 1, retryIf: (() => Promise.reject(error)) as never },
        },
      };
      for (const [what, options] of Object.entries(broken)) {
        const given: number[] = [];
        const thrown = await assertRejects(async () => {
          const results = executor.mapSettled(taskNamed("failOdd"), numbers(30), {
            ...options,
            chunk: 3,
          });
          for await (const { index } of results) given.push(index);
        });
        assertEquals(given, numbers(30), what);
        assert(thrown === error || what === "retryIf rejects", what);
      }
    },
  },
  {
    name: "map hands out the values that are ready, then the failure",
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open();
      const items = ["a", "b", "c"].map((key) => ({
        url: `${gates.url}/${key}`,
        does: key === "c" ? "fail" : key,
      }));
      const ended: number[] = [];
      const onOutcome = ({ index }: { index: number }) => void ended.push(index);
      const results = executor.map(faultTask("startAnd"), items, {
        chunk: 1,
        buffer: 5,
        onOutcome,
      });
      const first = results.next();
      for (const [at, key] of ["a", "b", "c"].entries()) {
        await gates.until(() => gates.waiting.includes(key), `${key} waits`);
        gates.pass(key);
        await eventually(() => ended.includes(at), `the lane has reported the end of ${key}`);
      }
      assertEquals((await first).value, "a");
      assertEquals((await results.next()).value, "b");
      await assertRejects(() => results.next(), TypeError, "as told");
      assertEquals((await results.next()).done, true);
    },
  },
  {
    name: "a lane that can't be started at all fails its runs with the true cause",
    notFor: { ...OWN_LANE_ONLY, workers: "Deno starts a thread, or ends the program" },
    async check() {
      const { processes } = await import("../../lib/mod.ts");
      await using executor = processes({ lanes: 2, v8Flags: ["--no-such-flag"], stderr: "keep" });
      const given: unknown[] = [];
      const error = await assertRejects(async () => {
        const results = executor.mapSettled(taskNamed("double"), [1, 2, 3]);
        for await (const outcome of results) given.push(outcome.status);
      }, Error);
      assertEquals(error.name, "LaneStartError");
      assertStringIncludes(error.message, "no-such-flag");
      assertEquals(given, ["rejected", "rejected", "rejected"]);
      await assertRejects(() => executor.ready(), Error, "no-such-flag");
    },
  },
  {
    name: "results that nobody asks for are warned of when the executor is closed",
    onGpu: true,
    async check({ open }) {
      const { error } = console;
      const said: string[] = [];
      // The platform may print messages of its own at this moment.
      console.error = (text: string) => void (text.includes("nothing ran") && said.push(text));
      try {
        const executor = open();
        // The runs are kept, because a run that is collected before close() is reported separately.
        const unused = [
          executor.map(taskNamed("double"), [1]),
          executor.mapSettled(taskNamed("double"), [1]),
        ];
        await executor.map(taskNamed("double"), [1]).toArray();
        await executor.map(taskNamed("double"), [1]).return();
        await executor.close();
        assertEquals(unused.length, 2);
      } finally {
        console.error = error;
      }
      assertEquals(said.length, 1);
      assertStringIncludes(said[0]!, "map() and mapSettled() (2 calls)");
    },
  },
  {
    name: "options that nobody knows are refused, and a wrong value is shown as it was written",
    onGpu: true,
    async check({ open, model }) {
      await using executor = open();
      const map = (options: object) => executor.map(taskNamed("double"), [1], options);
      const wrong: [object, string][] = [
        [{ timeout: 5 }, "there is no option timeout"],
        [{ timeoutMs: "5" }, 'but is "5"'],
        [{ retries: { limit: 1, base: 5 } }, "there is no option retries.base"],
        [{ chunk: [2] }, "but is [ 2 ]"],
        [{ rerun: 1 }, "rerun must be true or false, but is 1"],
      ];
      for (const [options, says] of wrong) {
        const error = await assertRejects(async () => await map(options).toArray(), RangeError);
        assertStringIncludes(error.message, says);
      }
      const models = await import("../../lib/mod.ts");
      const opened = () => models[model]({ lane: 2 } as never);
      const error = await assertRejects(async () => await opened().close(), RangeError);
      assertStringIncludes(error.message, `Cannot open ${model}(): there is no option lane`);
    },
  },
  {
    name: "1,000 maps at once on one executor each get their own result",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const results = await Promise.all(
        numbers(1000).map((n) => executor.map(taskNamed("double"), [n]).toArray()),
      );
      assertEquals(results, numbers(1000).map((n) => [2 * n]));
    },
  },
  {
    name: "a module that can't be loaded ends a run after a few tries, with the reason",
    async check({ open, width }) {
      await using executor = open();
      function* endless() {
        for (let n = 0; width !== Infinity || n < 40; n++) yield n;
      }
      const broken = taskOf("throw new RangeError('at import')");
      const given: string[] = [];
      const error = await assertRejects(async () => {
        for await (const outcome of executor.mapSettled(broken, endless(), { chunk: 1 })) {
          given.push(outcome.status === "fulfilled" ? "ok" : outcome.ended);
        }
      }, Error);
      assertEquals(error.name, "TaskLoadError");
      assertStringIncludes(error.message, "at import");
      // Another lane may have failed three times before the first one has failed once.
      assert(given.includes("failed"), `${given.length} items were given`);
      assert(given.length < 50, `${given.length} items were given`);
      assertEquals(await executor.map(taskNamed("double"), [1]).toArray(), [2]);
    },
  },
  {
    name: "a module whose import never ends has a deadline of its own",
    async check({ open }) {
      await using executor = open({ graceMs: 20 });
      // In the test's own process the import may hang only until the test ends.
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(globalThis, { importHangs: promise });
      const hangs = taskOf(
        `await (globalThis.importHangs ?? new Promise(() => {})); // ${crypto.randomUUID()}`,
      );
      await executor.ready(); // so that the time limit covers the module's import alone
      const [outcome] = await executor.mapSettled(hangs, [1], { loadTimeoutMs: 150 }).toArray();
      assert(outcome!.status === "rejected" && outcome!.ended === "failed");
      assertStringIncludes(String(outcome!.reason), "has not been loaded after 150 ms");
      const controller = new AbortController();
      const stopped = executor.mapSettled(hangs, [1], { signal: controller.signal }).toArray();
      await turns(5);
      controller.abort();
      assert((await stopped).every((o) => o.status === "rejected" && o.ended === "cancelled"));
      assertEquals(await executor.map(taskNamed("double"), [1]).toArray(), [2]);
      resolve();
    },
  },
  {
    name: "on a lane that starts, a module that nobody waits for any more holds up no other",
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1, graceMs: 20 });
      // In the test's own process the import may hang only until the test ends.
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(globalThis, { importHangs: promise });
      const hangs = taskOf(
        `await (globalThis.importHangs ?? new Promise(() => {})); // ${crypto.randomUUID()}`,
      );
      const controller = new AbortController();
      const stopped = executor.run(hangs, 1, { signal: controller.signal });
      controller.abort(new RangeError("enough"));
      await assertRejects(() => stopped, RangeError, "enough");
      assertEquals(await executor.run(taskOf("export default (n) => 2 * n"), 4), 8);
      resolve();
    },
  },
  {
    name: "a module that ends its lane when it is loaded ends the run, and is named",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open();
      const exits = taskOf("Deno.exit(4); export default () => 1;");
      const error = await assertRejects(
        () => executor.mapSettled(exits, numbers(100), { chunk: 1 }).toArray(),
        Error,
      );
      assertEquals(error.name, "TaskLoadError");
      assertStringIncludes(error.message, "exit");
      assertEquals(await executor.map(taskNamed("double"), [1]).toArray(), [2]);
    },
  },
  {
    name: "ready(task) loads the task on every lane, once, and says why it can't",
    async check({ open }) {
      await using executor = open();
      await executor.ready(faultTask("loads") as never);
      const loads = await executor.map(faultTask("loads") as never, numbers(8)).toArray();
      assertEquals(new Set(loads as number[]), new Set([1]));
      const broken = taskOf("throw new RangeError('at import')");
      const error = await assertRejects(() => executor.ready(broken), Error);
      assertEquals(error.name, "TaskLoadError");
    },
  },
  {
    name: "ready(task) rejects as soon as the executor is closed, though the task still loads",
    async check({ open }) {
      const executor = open({ graceMs: 20 });
      // In the test's own process the import may hang only until the test ends.
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(globalThis, { importHangs: promise });
      const hangs = taskOf(
        `await (globalThis.importHangs ?? new Promise(() => {})); // ${crypto.randomUUID()}`,
      );
      await executor.ready();
      let isTold = false;
      const refused = assertRejects(() => executor.ready(hangs), TypeError, "is closed")
        .finally(() => isTold = true);
      await turns(5);
      await executor.close();
      await turns(5);
      const wasTold = isTold;
      resolve();
      await refused;
      assert(wasTold, "it waited on");
    },
  },
  {
    name: "tasks of several files can be made ready at once, and while others run",
    async check({ open }) {
      const files = numbers(3).map((n) => taskOf(`export default (m) => 10 * m + ${n}`));
      // A lane that may read only the files known at its start is replaced for tasks of other files.
      const loads = faultTask("loads") as never;
      const all = [...files, loads, taskNamed("double") as never];
      await using executor = open();
      await Promise.all(all.map((task) => executor.ready(task)));
      for (const [n, file] of files.entries()) assertEquals(await executor.run(file, 4), 40 + n);
      assertEquals(await executor.run(loads, 1), 1);
      await using other = open({ lanes: 1 });
      const ready = other.ready(loads);
      assertEquals(await other.run(taskNamed("double"), 4), 8);
      await ready;
      assertEquals(await other.run(loads, 1), 1);
    },
  },
  {
    name: "a wait that is longer than maxMs allows fails at once, and says how long it was to be",
    async check({ open }) {
      await using executor = open();
      const [long, short] = await executor.mapSettled(faultTask("askFor"), [3_600_000, 5], {
        retries: { limit: 3, baseMs: 0, maxMs: 1000 },
      }).toArray();
      assert(long!.status === "rejected" && long!.ended === "failed");
      const reason = long!.reason as Error & { retryAfterMs: number; cause: { status: number } };
      assertEquals([reason.name, reason.retryAfterMs, long!.attempts], [
        "RetryAfterError",
        3_600_000,
        1,
      ]);
      assertStringIncludes(reason.message, "3600000 ms");
      assertEquals(reason.cause.status, 429);
      assert(short!.status === "fulfilled" && short!.attempts === 2);
    },
  },
  {
    name: "a task sees the caller's own reason in its signal",
    async check({ open }) {
      await using gates = new Gates();
      gates.openAll();
      await using executor = open();
      const controller = new AbortController();
      const results = executor.mapSettled(faultTask("reasonOf"), [`${gates.url}/task`], {
        signal: controller.signal,
      }).toArray();
      await gates.until(() => gates.arrived.length > 0, "the task has started");
      await turns(3);
      controller.abort(Object.assign(new RangeError("too far"), { code: "E_FAR" }));
      await results;
      await eventually(() => gates.arrived.length > 1, "the task has seen its signal");
      assertEquals(gates.arrived[1], "task saw RangeError too far E_FAR");
    },
  },
];
