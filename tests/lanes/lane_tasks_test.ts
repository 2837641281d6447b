import { assert, assertEquals, assertRejects } from "@std/assert";
import { TaskLoadError } from "../../lib/lanes/errors.ts";
import { LaneTasks, plainContext } from "../../lib/lanes/lane_tasks.ts";
import type { Task } from "../../lib/lanes/task.ts";

const steps = globalThis as unknown as { steps: Record<string, unknown> };
steps.steps = {};

/** A new module whose hooks are these functions. */
function taskOf(hooks: Record<string, unknown>): Task & { named(name: string): Task } {
  const key = crypto.randomUUID();
  steps.steps[key] = hooks;
  const code =
    Object.keys(hooks).map((name) =>
      `export const ${name} = (...args) => steps["${key}"].${name}(...args);`
    ).join("") + "export default (n) => n; export const other = (n) => -n;";
  const module = `data:text/javascript,${encodeURIComponent(code)}`;
  return { module, export: "default", named: (name) => ({ module, export: name }) };
}

/** Waits a turn of the event loop, in which modules are imported. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("a module without hooks is given what is shared, and is at hand from then on", async () => {
  const tasks = new LaneTasks({ shared: 7 });
  const task = taskOf({});
  const ready = await tasks.ready(task);
  assertEquals([ready.given, ready.fn(3, undefined as never)], [
    { resource: undefined, shared: 7 },
    3,
  ]);
  assert(tasks.ready(task) === ready);
  assertEquals([tasks.holds, await tasks.close()], [false, []]);
});

Deno.test("a module is set up once, whichever of its tasks is first and however many ask meanwhile", async () => {
  const told: string[] = [];
  const tasks = new LaneTasks({
    shared: 1,
    onSetup: (module, mayHold) => told.push(`${module} ${mayHold}`),
  });
  let count = 0;
  const gate = Promise.withResolvers<void>();
  const task = taskOf({
    async setup({ shared }: { shared: number }) {
      count++;
      await gate.promise;
      return { shared };
    },
  });
  const all = [task.named("default"), task.named("other"), task.named("default")];
  const asked = all.map((task) => tasks.ready(task));
  while (count === 0) await turn();
  assertEquals([tasks.stageOf(task), tasks.holds], ["setting up", false]);
  gate.resolve();
  const given = (await Promise.all(asked)).map(({ given }) => given);
  // It has neither a teardown nor a resource that can dispose of itself.
  const setUps = [`${task.module} true`, `${task.module} false`];
  assertEquals([count, told, new Set(given).size], [1, setUps, 1]);
  assertEquals(given[0], { resource: { shared: 1 }, shared: 1 });
  assertEquals(new Set(all.map((task) => tasks.stageOf(task))), new Set(["loaded"]));
  assert(tasks.holds);
});

Deno.test("a set-up that fails is told with its cause, and tried again the next time", async () => {
  const tasks = new LaneTasks();
  let tries = 0;
  const task = taskOf({
    setup() {
      if (++tries === 1) throw new RangeError("not yet");
      return "there";
    },
  });
  const error = await assertRejects(
    async () => await tasks.ready(task),
    TaskLoadError,
    "its setup failed: not yet",
  );
  assert(error.cause instanceof RangeError);
  assertEquals((await tasks.ready(task)).given.resource, "there");
});

Deno.test("what was set up last is disposed first, by teardown or by itself, but not by both", async () => {
  const tasks = new LaneTasks();
  const done: string[] = [];
  const disposable = (name: string) => ({ name, [Symbol.dispose]: () => done.push(name) });
  const modules = [
    taskOf({ setup: () => disposable("first") }),
    taskOf({
      setup: () => disposable("second"),
      teardown: ({ name }: { name: string }) => done.push(`teardown of ${name}`),
    }),
    taskOf({ teardown: (resource: unknown) => done.push(`teardown of ${resource}`) }),
    taskOf({ setup: () => ({ [Symbol.asyncDispose]: () => done.push("async") }) }),
    taskOf({ setup: () => "nothing to dispose" }),
  ];
  for (const task of modules) await tasks.ready(task);
  assertEquals(await tasks.close(), []);
  assertEquals(done, ["async", "teardown of undefined", "teardown of second", "first"]);
  assertEquals(await tasks.close(), []);
  assertEquals(done.length, 4);
});

Deno.test("a teardown that fails hinders no other", async () => {
  const tasks = new LaneTasks();
  const done: string[] = [];
  const bad = (what: unknown) =>
    taskOf({
      setup: () => 1,
      teardown: () => {
        throw what;
      },
    });
  await tasks.ready(taskOf({ setup: () => ({ [Symbol.dispose]: () => done.push("good") }) }));
  await tasks.ready(bad(new RangeError("a")));
  await tasks.ready(bad({
    toString() {
      throw 1;
    },
  }));
  const failures = await tasks.close();
  assertEquals(failures.map(({ message }) => message.split("failed: ")[1]), [
    "it threw something that can't be shown",
    "a",
  ]);
  assertEquals(done, ["good"]);
});

Deno.test("a set-up under way is asked to stop; what it gives all the same is disposed, after the others", async () => {
  const tasks = new LaneTasks();
  const done: string[] = [];
  const disposable = (name: string) => ({ [Symbol.dispose]: () => done.push(name) });
  await tasks.ready(taskOf({ setup: () => disposable("early") }));
  let begun = false;
  const late = tasks.ready(taskOf({
    setup: ({ signal }: { signal: AbortSignal }) => {
      begun = true;
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(disposable("late")))
      );
    },
  }));
  while (!begun) await turn();
  assertEquals(await tasks.close(), []);
  assertEquals(done, ["early", "late"]);
  await late;
  await assertRejects(
    async () => await tasks.ready(taskOf({ setup: () => 1 })),
    TaskLoadError,
    "closed",
  );
});

Deno.test("a context without a lane tells what it was made of", () => {
  const stop = new AbortController();
  const context = plainContext(3, stop.signal, { resource: "r", shared: "s" });
  const { index, attempt, resource, shared } = context;
  assertEquals([index, attempt, resource, shared, context.cancelled()], [3, 1, "r", "s", false]);
  stop.abort();
  assertEquals([context.cancelled(), plainContext(0, stop.signal).resource], [true, undefined]);
});
