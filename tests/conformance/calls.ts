import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type EventLoopExecutor,
  type Executor,
  QueueFullError,
  type TaskContext,
  TimeoutError,
} from "../../lib/mod.ts";
import { isFixed, isRemote } from "../../lib/models.ts";
import type { BytesItem } from "./fault_tasks.ts";
import { eventually, Gates, turns } from "./gates.ts";
import {
  faultTask,
  type Guarantee,
  numbers,
  OWN_LANE_ONLY,
  taskNamed,
  THREADS_ONLY,
} from "./guarantee.ts";
import { withDeadline } from "../with_deadline.ts";

/** Why the order of starts isn't checked under `concurrent`. */
const ALL_AT_ONCE = { concurrent: "every item has a slot" };

/** Calls, for each key, a task that waits at a gate. */
function callGates(executor: Executor, { url }: Gates, keys: readonly string[]): Promise<string>[] {
  return keys.map((key) => executor.run(taskNamed("gated"), { url, key }));
}

/** The results of promises: their values, and their errors as text. */
async function ends(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const all = await Promise.allSettled(promises);
  return all.map((one) => one.status === "fulfilled" ? one.value : String(one.reason));
}

/** The thrown value with its fields and text, but without its stack. */
function withoutStack(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  return { ...thrown, text: `${thrown}`, cause: withoutStack(thrown.cause) };
}

export const CALLS: readonly Guarantee[] = [
  {
    name: "run gives one item's value, or rejects as map does",
    async check({ open }) {
      await using executor = open({ shared: "told" });
      assertEquals(await executor.run(taskNamed("double"), 21), 42);
      assertEquals(await executor.run(taskNamed("aboutMe"), 1), {
        index: 0,
        attempt: 1,
        aborted: false,
      });
      for (const kind of ["custom", "aggregate", "undefined", "string", "object"]) {
        const thrown: unknown[] = [];
        const note = (error: unknown) => void thrown.push(withoutStack(error));
        await executor.run(taskNamed("throwKind"), kind).catch(note);
        await executor.map(taskNamed("throwKind"), [kind]).toArray().catch(note);
        assertEquals(thrown.length, 2);
        assertEquals(thrown[0], thrown[1]);
      }
    },
  },
  {
    name: "calls start in the order in which they come, in as many slots as there are",
    notFor: ALL_AT_ONCE,
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      await executor.ready(taskNamed("gated"));
      const keys = numbers(3 * width + 2).map(String);
      const calls = callGates(executor, gates, keys);
      await gates.full(width);
      for (let passed = 0; passed + width < keys.length; passed++) {
        await turns(2);
        assertEquals(gates.waiting.length, width);
        gates.pass();
        await gates.until(() => gates.arrived.length > width + passed, "the next one came");
        assertEquals(gates.arrived[width + passed], String(width + passed));
      }
      gates.openAll();
      assertEquals(await Promise.all(calls), keys);
    },
  },
  {
    name: "thousands of calls at once each get their own answer",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const calls = numbers(2000).map((n) => executor.run(taskNamed("failOdd"), n));
      assertEquals(
        await ends(calls),
        numbers(2000).map((n) => n % 2 === 0 ? n : `RangeError: ${n} is odd`),
      );
    },
  },
  {
    name: "a call and a map take turns",
    onGpu: true,
    notFor: ALL_AT_ONCE,
    async check({ open }) {
      await using executor = open();
      function* endless() {
        for (let n = 0;; n++) yield n;
      }
      for await (const _ of executor.map(taskNamed("double"), endless(), { chunk: 1 })) {
        if (await executor.run(taskNamed("double"), 4) === 8) break;
      }
    },
  },
  {
    name: "a call that is aborted ends alone: what waits never starts, what runs is asked to stop",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open({ graceMs: 10_000 });
      const aborts = { running: new AbortController(), waiting: new AbortController() };
      const call = (key: string, signal?: AbortSignal) =>
        executor.run(taskNamed("gated"), { url: gates.url, key }, signal && { signal });
      const reason = new Error("changed my mind");
      const running = call("running", aborts.running.signal);
      const count = width === Infinity ? 5 : width;
      const others = numbers(count - 1).map((n) => call(`other ${n}`));
      await gates.full(count);
      const waiting = call("waiting", aborts.waiting.signal);
      const last = call("last");
      if (width !== Infinity) {
        aborts.waiting.abort(reason);
        assert(await assertRejects(() => waiting) === reason);
        assert(!gates.arrived.includes("waiting"));
      }
      aborts.running.abort(reason);
      assert(await assertRejects(() => running) === reason);
      await gates.until(() => gates.waiting.includes("last"), "the last one has its slot");
      gates.openAll();
      assertEquals(await Promise.all(others), numbers(count - 1).map((n) => `other ${n}`));
      assertEquals(await last, "last");
      if (width === Infinity) assertEquals(await waiting, "waiting");
      assert(await assertRejects(() => call("never", AbortSignal.abort(reason))) === reason);
      assert(!gates.arrived.includes("never"));
    },
  },
  {
    name: "a call that ignores its abort is given up after the grace time, and rejects",
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open({ graceMs: 20 });
      const controller = new AbortController();
      const { signal } = controller;
      const call = executor.run(taskNamed("deaf"), { url: gates.url, key: "deaf" }, { signal });
      await gates.full(1);
      controller.abort(new Error("changed my mind"));
      await assertRejects(() => call, Error, "changed my mind");
      assertEquals(await executor.run(taskNamed("double"), 1), 2);
    },
  },
  {
    name: "thousands of calls on one signal share one listener, and leave none",
    async check({ open }) {
      await using executor = open();
      const { signal } = new AbortController();
      let added = 0;
      let left = 0;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      Object.assign(signal, {
        addEventListener: (...args: Parameters<typeof add>) => (added++, left++, add(...args)),
        removeEventListener: (...args: Parameters<typeof remove>) => (left--, remove(...args)),
      });
      const calls = numbers(1000).map((n) => executor.run(taskNamed("nap"), n % 3, { signal }));
      await Promise.all(calls);
      assertEquals(left, 0);
      assert(added <= 3, `${added} listeners were added`);
    },
  },
  {
    name: "a call's deadline counts from its own start, and the others have theirs",
    check: ({ open }) =>
      withDeadline(400, async (timeoutMs) => {
        await using executor = open();
        const call = (ms: number) => executor.run(taskNamed("nap"), ms, { timeoutMs });
        const [late, ...others] = await Promise.allSettled([3_600_000, 1, 2, 3, 4, 5].map(call));
        assert(late?.status === "rejected" && late.reason instanceof TimeoutError);
        assertStringIncludes(late.reason.message, `${timeoutMs} ms`);
        assertEquals(others.map(({ status }) => status), Array(5).fill("fulfilled"));
      }),
  },
  {
    name: "a call is tried again as often as it may",
    async check({ open }) {
      await using executor = open();
      const retries = { limit: 2, baseMs: 0 };
      assertEquals(await executor.run(taskNamed("succeedAt"), 3, { retries }), 3);
      await assertRejects(
        () => executor.run(taskNamed("succeedAt"), 4, { retries }),
        Error,
        "attempt 3 failed",
      );
      const slip = executor.run(taskNamed("failOdd"), 1, {
        retries: {
          limit: 1,
          retryIf: () => {
            throw new Error("a slip of the caller's");
          },
        },
      });
      await assertRejects(() => slip, Error, "a slip of the caller's");
      assertEquals(await executor.run(taskNamed("double"), 1), 2);
    },
  },
  {
    name: "a call that kills its lane says so; those beside it have their values",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open();
      const calls = ["fine", "exit", "well", "throw late", "good"].map((how) =>
        executor.run(taskNamed("die"), how)
      );
      const [fine, exit, well, late, good] = await ends(calls);
      assertEquals([fine, well, good], ["fine", "well", "good"]);
      for (const end of [exit, late]) {
        assertStringIncludes(String(end), "CrashedError: Item 0 of tasks.ts#die lost");
      }
    },
  },
  {
    name: "no more calls wait than maxQueued allows; one more is rejected at once",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open({ maxQueued: 2 });
      const count = width === Infinity ? 20 : width + 2;
      const calls = callGates(executor, gates, numbers(count).map(String));
      const [over] = callGates(executor, gates, ["over"]);
      if (width === Infinity) {
        gates.openAll();
        assertEquals(await over, "over");
      } else {
        const error = await assertRejects(() => over!, QueueFullError);
        assertEquals(
          error.message,
          "Cannot run: no slot is free, and as many calls wait as maxQueued allows, which is 2",
        );
        await gates.full(width);
        gates.pass();
        await gates.until(() => gates.arrived.length > width, "the next one came");
        const [next] = callGates(executor, gates, ["next"]);
        gates.openAll();
        assertEquals(await next, "next");
      }
      await Promise.all(calls);
      assert(!gates.arrived.includes("over") || width === Infinity);
    },
  },
  {
    name: "close rejects calls that wait and stops those that run; later ones are refused",
    async check({ open, width }) {
      await using gates = new Gates();
      const executor = open();
      const count = width === Infinity ? 5 : width;
      const calls = callGates(executor, gates, numbers(count + 3).map(String));
      await gates.full(count);
      const [ended] = await Promise.all([ends(calls), executor.close()]);
      assertEquals(ended, Array(count + 3).fill("TypeError: The executor was closed"));
      await assertRejects(
        () => executor.run(taskNamed("double"), 1),
        TypeError,
        "Cannot run: the executor is closed",
      );
    },
  },
  {
    name: "whatever is wrong with a call, its promise rejects",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const call = (task: unknown, item: unknown, options?: unknown) =>
        executor.run(task as never, item as never, options as never);
      const double = taskNamed("double");
      const wrong: [Promise<unknown>, string][] = [
        [call({ module: "./task.ts", export: "default" }, 1), "Cannot run: task must be named by"],
        [call(undefined, 1), "Cannot run: task must be named by an absolute module URL"],
        [call(double, 1, { chunk: 3 }), "there is no option chunk; there are signal, timeoutMs,"],
        [call(double, 1, { timeoutMs: 0 }), "Cannot run: timeoutMs must be"],
        [call(double, 1, null), "Cannot run: options must be an object, but is null"],
        [call(double, 1, { shared: 1 }), "Cannot run: shared is given to the executor"],
        [call(taskNamed("throwKind"), "unknown"), "Error: unknown"],
      ];
      for (const [promise, says] of wrong) {
        assertStringIncludes(String(await ends([promise])), says);
      }
    },
  },
  {
    name: "a call that nobody awaits rejects as any promise does, and no warning is printed",
    onGpu: true,
    async check({ open }) {
      const unhandled: unknown[] = [];
      const note = (event: PromiseRejectionEvent) => {
        event.preventDefault();
        unhandled.push((event.reason as Error).message);
      };
      addEventListener("unhandledrejection", note);
      const printed: unknown[] = [];
      const { error } = console;
      console.error = (line: unknown) => void printed.push(line);
      try {
        const executor = open();
        const other = executor.run(taskNamed("failOdd"), 2);
        executor.run(taskNamed("failOdd"), 3);
        await eventually(() => unhandled.length > 0, "the rejection was told");
        await other; // close() would reject it otherwise
        await executor.close();
        await turns(2);
      } finally {
        console.error = error;
        removeEventListener("unhandledrejection", note);
      }
      assertEquals([unhandled, printed], [["3 is odd"], []]);
    },
  },
  {
    name: "with transfer, a call's buffers move, and are empty in the end",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open({ slots: 1 });
      for (const length of [4, 1 << 16]) {
        const item: BytesItem = { bytes: new Uint8Array(length).fill(7) };
        const call = executor.run(faultTask("firstByte"), item, { transfer: true });
        assertEquals([await call, item.bytes.length], [[7, length], 0]);
        const failing: BytesItem = { bytes: new Uint8Array(length).fill(7), does: "exit" };
        await assertRejects(() =>
          executor.run(faultTask("firstByte"), failing, { transfer: true })
        );
        assertEquals(failing.bytes.length, 0);
      }
    },
  },
  {
    name: "a plain function runs where nothing travels, and is refused elsewhere with what to do",
    onGpu: true,
    async check({ open, model }) {
      await using executor = open({ shared: "told" }) as EventLoopExecutor;
      const seen: number[] = [];
      const fn = (n: number, { index, attempt, shared, resource, signal }: TaskContext) => {
        seen.push(n);
        if (n === 4) throw new RangeError("four");
        return Promise.resolve([n * 2, index, attempt, shared, resource, signal.aborted]);
      };
      if (isRemote(model) && isFixed(model)) {
        const says =
          "is a function, which can't travel to another lane; export it from a module of";
        await assertRejects(() => executor.run(fn, 1), TypeError, `Cannot run: task must be`);
        assertThrows(() => executor.map(fn, [1]), TypeError, says);
        assertThrows(() => executor.mapSettled(fn, [1]), TypeError, "Cannot map: task must be");
        return;
      }
      assertEquals(await executor.run(fn, 3), [6, 0, 1, "told", undefined, false]);
      assertEquals(
        await executor.map(fn, [1, 2]).toArray(),
        [[2, 0, 1, "told", undefined, false], [4, 1, 1, "told", undefined, false]],
      );
      const settled = await executor.mapSettled(fn, [4, 5]).toArray();
      assertEquals(settled.map(({ status }) => status), ["rejected", "fulfilled"]);
      assertEquals(seen, [3, 1, 2, 4, 5]);
      const late = executor.run(
        (_: null, { signal }) =>
          new Promise<never>((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
          }),
        null,
        { timeoutMs: 5 },
      );
      await assertRejects(() => late, TimeoutError);
      const generator = executor.run(function* () {
        yield 1;
      }, 1);
      await assertRejects(() => generator, TypeError, "task is a generator function");
      const made = executor.run(Date as unknown as (n: number) => string, 1);
      assertEquals(typeof await made, "string", "what may be called without new is");
      class Job {}
      const ofClass = executor.run(Job as unknown as (n: number) => Job, 1);
      await assertRejects(() => ofClass, TypeError, "task is a class, which only new can call");
    },
  },
];
