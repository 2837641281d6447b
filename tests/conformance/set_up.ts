import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { pathToFileURL } from "node:url";
import { task, type TaskName } from "../../lib/lanes/task.ts";
import {
  CloneError,
  type Executor,
  sequential,
  TaskLoadError,
  TeardownError,
  workers,
} from "../../lib/mod.ts";
import { Gates } from "./gates.ts";
import { type Guarantee, numbers, OWN_LANE_ONLY, taskNamed, taskOf } from "./guarantee.ts";
import type * as module from "./set_up_tasks.ts";
import type { Shared } from "./set_up_tasks.ts";
import { withDeadline } from "../with_deadline.ts";

function setUpTask<Name extends TaskName<typeof module>>(name: Name) {
  return task<typeof module, Name>(new URL("./set_up_tasks.ts", import.meta.url), name);
}

/** The most lanes that a model has, as the guarantees open it. */
function lanesOf({ lanes }: Executor): number {
  return lanes;
}

function openGates(): Gates {
  const gates = new Gates();
  gates.openAll();
  return gates;
}

export const SET_UP: readonly Guarantee[] = [
  {
    name: "setup runs once in each lane, before its first task, and all tasks find what it gave",
    async check({ open }) {
      await using gates = openGates();
      await using executor = open({ shared: { url: gates.url } satisfies Shared });
      const used = await executor.map(setUpTask("use"), numbers(60), { chunk: 3 }).toArray();
      const again = await executor.map(setUpTask("name"), numbers(20), { chunk: 1 }).toArray();
      const names = new Set([...used.map((use) => use.split(":")[0]!), ...again]);
      assert(names.size >= 1 && names.size <= lanesOf(executor), [...names].join());
      assertEquals(new Set(used).size, 60);
      // A lane whose items went to another one is set up without running any.
      const { arrived } = gates;
      assert(arrived.length >= names.size && arrived.length <= lanesOf(executor), arrived.join());
      assert(arrived.every((key) => key === "set up"), arrived.join());
    },
  },
  {
    name: "ready(task) sets every lane up",
    async check({ open }) {
      await using gates = openGates();
      await using executor = open({ shared: { url: gates.url } satisfies Shared });
      await executor.ready(setUpTask("use"));
      assertEquals(gates.arrived.length, lanesOf(executor));
      await executor.map(setUpTask("use"), numbers(9), { chunk: 1 }).toArray();
      assertEquals(gates.arrived.length, lanesOf(executor));
    },
  },
  {
    name: "what was set up is disposed when the lane closes, once, by the module's teardown",
    async check({ open }) {
      await using gates = openGates();
      const executor = open({ shared: { url: gates.url } satisfies Shared, graceMs: 20_000 });
      await executor.map(setUpTask("use"), numbers(12), { chunk: 1 }).toArray();
      assert(!gates.arrived.includes("torn down"));
      await executor.close();
      const count = gates.arrived.filter((key) => key === "set up").length;
      assert(count > 0);
      assertEquals(gates.arrived.toSorted(), [
        ...numbers(count).map(() => "set up"),
        ...numbers(count).map(() => "torn down"),
      ]);
      await executor.close();
      assertEquals(gates.arrived.length, 2 * count);
    },
  },
  {
    name: "a lane whose set-up left nothing to dispose is closed without waiting for it",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      const executor = open({ lanes: 1, graceMs: 0 });
      const code = `export const setup = () => ({ table: [1, 2, 3] });
        export default (at, { resource }) => {
          // Keeps the lane busy after its task has ended.
          setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000));
          return resource.table[at];
        };`;
      assertEquals(await executor.run(taskOf(code), 1), 2);
      await executor.close();
    },
  },
  {
    name: "a resource that can dispose of itself needs no teardown",
    async check({ open }) {
      for (const [symbol, async] of [["asyncDispose", "async "], ["dispose", ""]]) {
        const code = `export const setup = () => ({
            n: 1,
            ${async}[Symbol.${symbol}]() {
              throw new Error("disposed of " + this.n);
            },
          });
          export default (item, { resource }) => item + resource.n;`;
        const executor = open({ lanes: 1 });
        assertEquals(await executor.map(taskOf(code), [1, 2]).toArray(), [2, 3]);
        await assertRejects(() => executor.close(), TeardownError, "disposed of 1");
      }
    },
  },
  {
    name: "every task finds what the caller shared: a copy made once, whatever it holds",
    async check({ open }) {
      const table = new Map([["a", 1], ["b", 2]]);
      await using executor = open({ shared: { table } satisfies Shared });
      table.set("a", 100);
      const found = executor.map(setUpTask("look"), ["a", "b", "c"]);
      assertEquals(await found.toArray(), [1, 2, undefined]);
      for (const shared of [0, false, "", null, [new RangeError("x"), new Uint8Array(3)], 7n]) {
        await using executor = open({ shared });
        const code = "export default (_, { shared }) => shared";
        const [arrived] = await executor.map(taskOf(code), [1]).toArray() as [typeof shared];
        assertEquals(Deno.inspect(arrived).split("\n")[0], Deno.inspect(shared).split("\n")[0]);
      }
    },
  },
  {
    name: "tasks without setup or shared find neither",
    async check({ open }) {
      await using executor = open();
      const code = "export default (_, { resource, shared }) => [resource, shared]";
      const none = [undefined, undefined];
      assertEquals(await executor.map(taskOf(code), [1, 2]).toArray(), [none, none]);
    },
  },
  {
    name: "what can't be sent is refused as shared when the executor is opened, in every model",
    check({ open }) {
      const error = assertThrows(() => open({ shared: { a: [() => 1] } }), CloneError);
      assert(error.message.startsWith("Cannot send the option shared to another lane: "));
      assert(error.message.includes("a[0]"), error.message);
      return Promise.resolve();
    },
  },
  {
    name: "a setup that throws fails the run as a module does that can't be loaded, and names it",
    async check({ open }) {
      await using executor = open({ shared: { does: "fails to set up" } satisfies Shared });
      const error = await assertRejects(
        () => executor.map(setUpTask("use"), numbers(9), { chunk: 1 }).toArray(),
        TaskLoadError,
        "set_up_tasks.ts: its setup failed: no such database",
      );
      assert(error.cause instanceof RangeError);
      await assertRejects(
        () => executor.ready(setUpTask("use")),
        TaskLoadError,
        "its setup failed",
      );
      // Tasks of other modules still work.
      assertEquals(await executor.map(taskOf("export default (n) => n"), [1]).toArray(), [1]);
    },
  },
  {
    name: "a setup that fails on a fresh lane costs no item once its task has run",
    async check({ open }) {
      let asked = 0;
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        () => new Response("", { status: asked++ % 2 === 0 ? 200 : 503 }),
      );
      const code = `
        export async function setup() {
          const { ok, body } = await fetch("http://127.0.0.1:${server.addr.port}");
          await body?.cancel();
          if (!ok) throw new Error("the database is busy");
        }
        export default (n) => n;`;
      await using executor = open({ lanes: 1, slots: 1, tasksPerLane: 2 });
      const all = executor.map(taskOf(code), numbers(4), { chunk: 1 });
      assertEquals(await all.toArray(), numbers(4));
      assertEquals(await executor.run(taskOf(code), 4), 4);
      assert(asked >= 4, `${asked}`);
    },
  },
  {
    name: "an error of a module whose address is its code shows little of it",
    async check({ open }) {
      const code = `/* ${"long ".repeat(99)} */`;
      const broken = [
        "export default (",
        "throw new Error('no')",
        "",
        "export default function* () {}",
        "export const setup = () => { throw new Error('no') }; export default (n) => n",
        "export const setup = 5; export default (n) => n",
      ];
      for (const rest of broken) {
        await using executor = open({ lanes: 1 });
        const task = taskOf(code + rest);
        const call = executor.run(task, 1);
        const { message } = await assertRejects(() => call, TaskLoadError, "data:text/javascript,");
        assert(message.includes("…") && !message.includes(task.module), message);
      }
      const executor = open({ lanes: 1 });
      const teardown = "export const teardown = () => { throw new Error('no') };";
      const task = taskOf(`${code}${teardown} export default (n) => n`);
      await executor.run(task, 1);
      const { message } = await assertRejects(() => executor.close(), TeardownError, "failed: no");
      assert(message.includes("…") && !message.includes(task.module), message);
    },
  },
  {
    name: "a setup that never ends is given up after loadTimeoutMs, and asked to stop",
    check: ({ open }) =>
      withDeadline(800, async (loadTimeoutMs) => {
        await using executor = open({ shared: { does: "never sets up" } satisfies Shared });
        await executor.ready(); // so that the time limit covers the set-up alone
        await assertRejects(
          () => executor.map(setUpTask("use"), [1, 2], { loadTimeoutMs }).toArray(),
          TaskLoadError,
          `its setup has not ended after ${loadTimeoutMs} ms`,
        );
      }),
  },
  {
    name: "a setup that ends its lane is reported as such",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ shared: { does: "exits in setup" } satisfies Shared });
      await assertRejects(
        () => executor.map(setUpTask("use"), numbers(9), { chunk: 1 }).toArray(),
        TaskLoadError,
        "the lane called Deno.exit(3) in its setup",
      );
    },
  },
  {
    name: "a lane that replaces a lost one is set up anew",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using gates = openGates();
      await using executor = open({ lanes: 1, slots: 1, shared: { url: gates.url } });
      const items = ["before", "exit", "after"];
      const outcomes = await executor.mapSettled(setUpTask("exits"), items, { chunk: 1 }).toArray();
      const [before, crashed, after] = outcomes.map((outcome) =>
        outcome.status === "fulfilled" ? outcome.value : outcome.ended
      );
      assertEquals(crashed, "crashed");
      assert(before !== after, `${before}`);
      assert(gates.arrived.filter((key) => key === "set up").length >= 2);
    },
  },
  {
    name:
      "a teardown that throws is told by close(), once all else has ended; the results are whole",
    async check({ open }) {
      const executor = open({ lanes: 1, shared: { does: "fails to tear down" } satisfies Shared });
      assertEquals((await executor.map(setUpTask("use"), [1, 2, 3]).toArray()).length, 3);
      const error = await assertRejects(
        () => executor.close(),
        TeardownError,
        "set_up_tasks.ts failed: it was closed already",
      );
      assert(error.cause instanceof RangeError);
      await executor.close();
    },
  },
  {
    name: "a teardown that never ends is given up after the grace time, and told by close()",
    async check({ open }) {
      const shared: Shared = { does: "never tears down" };
      const executor = open({ lanes: 1, graceMs: 50, shared });
      await executor.map(setUpTask("use"), [1, 2, 3]).toArray();
      await assertRejects(() => executor.close(), TeardownError, "grace time of 50 ms");
    },
  },
  {
    name: "a teardown that ends its lane is told by close()",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      const executor = open({ lanes: 1, shared: { does: "exits in teardown" } satisfies Shared });
      await executor.map(setUpTask("use"), [1]).toArray();
      await assertRejects(() => executor.close(), TeardownError, "called Deno.exit(4)");
    },
  },
  {
    name: "after ready(task) of several modules, each is set up once and no lane is replaced",
    notFor: { cluster: "a machine takes no module from a temporary folder" },
    async check({ open }) {
      const folder = await Deno.makeTempDir();
      try {
        const code = (n: number) => `let calls = 0; export default () => "${n}: " + ++calls;`;
        await using executor = open({ lanes: 1, slots: 1 });
        const tasks = numbers(3).map((n) => {
          Deno.writeTextFileSync(`${folder}/task_${n}.ts`, code(n));
          return task<{ default: () => string }>(pathToFileURL(`${folder}/task_${n}.ts`));
        });
        for (const one of tasks) await executor.ready(one);
        const told: string[] = [];
        for (let turn = 0; turn < 2; turn++) {
          for (const one of tasks) told.push(await executor.run(one, undefined));
        }
        assertEquals(told, ["0: 1", "1: 1", "2: 1", "0: 2", "1: 2", "2: 2"]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  },
  {
    name: "a module that couldn't be loaded is loaded anew for the next run, once it is mended",
    notFor: { machine: "it runs what its operator allows, with the content that it has there" },
    async check({ open }) {
      const folder = await Deno.makeTempDir();
      try {
        await using executor = open();
        const file = `${folder}/task.ts`;
        const task = { module: pathToFileURL(file).href, export: "default" };
        for (const [at, broken] of ["throw new Error('not yet');", "export default ("].entries()) {
          await Deno.writeTextFile(file, broken);
          await assertRejects(() => executor.run(task, at as never), TaskLoadError);
        }
        await Deno.writeTextFile(file, "export default (n: number) => n + 1;");
        assertEquals(await executor.map(task, [1, 2] as never[]).toArray(), [2, 3]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  },
  {
    name: "a task that has a `then` of its own is called, and not awaited",
    async check({ open }) {
      await using executor = open();
      for (
        const code of [
          "Object.assign((n) => 2 * n, { then() {} })",
          "Object.defineProperty((n) => 2 * n, 'then', { get() { throw new Error('no') } })",
          "new Proxy((n) => 2 * n, { get() { throw new Error('no') } })",
        ]
      ) {
        const task = taskOf(`export default ${code}`);
        assertEquals(await executor.map(task, numbers(3)).toArray(), [0, 2, 4]);
      }
    },
  },
  {
    name: "no item and no call waits for a lane to be set up while another has nothing to do",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      for (const way of ["mapSettled", "run"]) {
        const gate = Promise.withResolvers<void>();
        let asked = 0;
        // The first lane that asks is let in, and the other one when all is over.
        await using server = Deno.serve(
          { hostname: "127.0.0.1", port: 0, onListen: () => {} },
          async () => {
            if (asked++ > 0) await gate.promise;
            return new Response("come in");
          },
        );
        const slowly = taskOf(`
          export async function setup() {
            await (await fetch("http://127.0.0.1:${server.addr.port}")).text();
          }
          export default (n) => n;`);
        await using executor = open({ lanes: 2, slots: 1, graceMs: 5000 });
        await executor.ready();
        const options = { loadTimeoutMs: 20_000 };
        if (way === "run") {
          const calls = numbers(8).map((n) => executor.run(slowly, n, options));
          assertEquals(await Promise.all(calls), numbers(8));
        } else {
          const all = executor.map(slowly, numbers(8), { ...options, chunk: 1, buffer: 0 });
          assertEquals(await Array.fromAsync(all), numbers(8));
        }
        // A lane whose set-up took too long would have been replaced by one that asks again.
        assert(asked <= 2, `${asked}`);
        gate.resolve();
      }
    },
  },
  {
    name:
      "a lane that can't be set up gets no items and no calls while others work, and takes part once it can be",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      for (const way of ["mapSettled", "run"]) {
        let asked = 0;
        // The first lane that asks is let in, and the other one only the third time.
        await using server = Deno.serve(
          { hostname: "127.0.0.1", port: 0, onListen: () => {} },
          () => new Response(asked++ === 0 || asked > 3 ? "come in" : "we are full"),
        );
        const url = `http://127.0.0.1:${server.addr.port}`;
        const picky = taskOf(`
          export async function setup() {
            const answer = await (await fetch("${url}")).text();
            if (answer !== "come in") throw new Error(answer);
            return crypto.randomUUID();
          }
          export default async (n, { resource }) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            return resource;
          };`);
        await using executor = open({ lanes: 2, slots: 1 });
        await executor.ready();
        const lanes = new Set<unknown>();
        for (let turn = 0; lanes.size < 2; turn++) {
          if (way === "run") {
            const calls = numbers(20).map((n) => executor.run(picky, n));
            for (const lane of await Promise.all(calls)) lanes.add(lane);
          } else {
            const outcomes = executor.mapSettled(picky, numbers(20), { chunk: 1 });
            for await (const outcome of outcomes) {
              assert(outcome.status === "fulfilled", `${asked}`);
              assertEquals(outcome.attempts, 1);
              lanes.add(outcome.value);
            }
          }
          assert(asked < 5, `${asked} in turn ${turn}`);
        }
        assertEquals([lanes.size, asked], [2, 4]);
      }
    },
  },
  {
    name: "a setup that fails once fails one item, however many waited for it",
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 4 });
      const code = `
        let calls = 0; // under ${executor.model}
        export const setup = () => { if (calls++ === 0) throw new Error("down for a moment"); };
        export default (n) => n;`;
      const outcomes = await executor.mapSettled(taskOf(code), numbers(10), { chunk: 1 }).toArray();
      const failed = outcomes.filter(({ status }) => status === "rejected");
      assertEquals(failed.length, 1);
      assertEquals(outcomes.length, 10);
    },
  },
  {
    name:
      "a setup that fails once fails one call, or none that has retries, however many waited for it",
    async check({ open }) {
      for (const [retries, lost] of [[0, 1], [1, 0]] as const) {
        await using executor = open({ lanes: 1, slots: 4 });
        const once = taskOf(`
          let calls = 0; // under ${executor.model}, ${retries} retries
          export const setup = () => { if (calls++ === 0) throw new Error("down for a moment"); };
          export default (n) => n;`);
        const options = { retries: { limit: retries, baseMs: 0 } };
        const calls = numbers(10).map((n) => executor.run(once, n, options));
        const settled = await Promise.allSettled(calls);
        assertEquals(settled.filter(({ status }) => status === "rejected").length, lost);
      }
    },
  },
  {
    name: "calls of a module that can't be loaded fail, however many wait",
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 4 });
      const never = taskOf(`throw new Error("no ${executor.model}"); export default (n) => n;`);
      const calls = numbers(20).map((n) => executor.run(never, n));
      const settled = await Promise.allSettled(calls);
      assertEquals(settled.filter(({ status }) => status === "rejected").length, 20);
    },
  },
  {
    name: "a module that ends its lane before any task has started fails the run",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const code = "Promise.reject(new Error('stray')); export default (n) => n;";
      const run = executor.map(taskOf(code), numbers(100));
      await assertRejects(() => run.toArray(), Error, "left a rejection unhandled");
      const settled = executor.mapSettled(taskOf(code), numbers(100));
      await assertRejects(() => settled.toArray(), TaskLoadError, "before a task can start");
      const calls = numbers(30).map((n) => executor.run(taskOf(code), n));
      const healthy = executor.run(taskNamed("double"), 2);
      for (const call of calls) {
        await assertRejects(() => call, TaskLoadError, "before a task can start");
      }
      assertEquals(await healthy, 4);
    },
  },
  {
    name:
      "a setup or teardown that is no function, and a task that is a generator or a class, are refused",
    async check({ open }) {
      await using executor = open();
      const cases = [
        ["export const setup = 5; export default (n) => n", "its export setup is no function"],
        ["export function* teardown() {} export default (n) => n", "a generator function"],
        ["export default function* (n) { yield n }", "it is a generator function"],
        [
          "export default class { constructor(n) {} }",
          "it is a class, which only new can call; write",
        ],
        ["export default async function* (n) { yield n }", "it is a generator function"],
      ] as const;
      for (const [code, message] of cases) {
        const run = executor.map(taskOf(code), [1]);
        await assertRejects(() => run.toArray(), TaskLoadError, message);
      }
    },
  },
];

/** Mistakes that the type checker must find. */
export function refusedByTypes(): void {
  type WithoutSetup = { default: (n: number, context: { resource: Date }) => number };
  // @ts-expect-error: nobody gives it a Date
  task<WithoutSetup>("data:,");
  type Wrong = WithoutSetup & { setup: () => string };
  // @ts-expect-error: its setup gives a string
  task<Wrong>("data:,");
  type Right = WithoutSetup & { setup: () => Promise<Date> };
  task<Right>("data:,");
  // @ts-expect-error: the setup is no task
  task<Right, "setup">("data:,", "setup");
  sequential({ shared: 1 });
  // @ts-expect-error: it is the executor that is given it
  workers().map(task<Right>("data:,"), [1], { shared: 1 });
}
