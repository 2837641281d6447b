import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { TaskLoadError } from "../../../lib/lanes/errors.ts";
import { loadError } from "../../../lib/lanes/remote/remote_lane.ts";
import { RemoteTasks } from "../../../lib/lanes/remote/remote_tasks.ts";
import { VirtualTime } from "../../dispatch/virtual_time.ts";

const named = (module: string) => ({ module, export: "default" });

Deno.test("a task is told of once, whichever object names it, and again once it failed", async () => {
  const told: number[] = [];
  const tasks = new RemoteTasks(({ number }) => told.push(number));
  const first = tasks.of(named("a:"));
  assertStrictEquals(tasks.of(named("a:")), first);
  assertStrictEquals(tasks.numbered(1), first);
  assertEquals(told, [1]);
  tasks.end(first.number, loadError(first.task, "it is not there"));
  assertEquals([first.state, tasks.all], ["failed", []]);
  await assertRejects(() => first.loaded.promise, TaskLoadError, "module a:: it is not there");
  assertEquals([tasks.of(first.task).number, told], [2, [1, 2]]);
});

Deno.test("a task that was found before is found by its object: its name may be a program of any length", () => {
  const tasks = new RemoteTasks(() => {});
  let reads = 0;
  const task = {
    get module() {
      reads++;
      return "data:,";
    },
    export: "default",
  };
  const known = tasks.of(task);
  reads = 0;
  assertStrictEquals(tasks.find(task), known);
  assertStrictEquals(tasks.of(task), known);
  assertEquals(reads, 0);
  tasks.end(known.number, new Error("it is not there"));
  known.loaded.promise.catch(() => {});
  assertEquals(tasks.find(task), undefined);
});

Deno.test("tasks are loaded one after another, each since the lane has come to it", async () => {
  using time = new VirtualTime();
  const tasks = new RemoteTasks(() => {});
  const [a, b] = [tasks.of(named("a:")), tasks.of(named("b:"))];
  assertEquals([tasks.loading, b.sinceMs], [a, NaN]);
  time.pass(50);
  assertEquals(tasks.end(a.number), []);
  assertEquals([tasks.loading, b.isBegun], [b, false]);
  time.pass(5);
  tasks.begin(b.number, false);
  time.pass(5);
  tasks.begin(b.number, true);
  assertEquals([b.sinceMs - a.sinceMs, b.isSetUp], [55, true]);
  await a.loaded.promise;
  assertStrictEquals(tasks.find(named("a:")), a);
});
