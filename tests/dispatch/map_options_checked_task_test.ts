import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkedTask } from "../../lib/dispatch/map_options.ts";
import { loadTask } from "../../lib/lanes/lane_tasks.ts";

Deno.test("where nothing travels a function is a task, the same each time, that loads at once", () => {
  const double = (n: number) => 2 * n;
  const task = checkedTask(double, "map", false);
  assert(checkedTask(double, "run", false) === task);
  assert(loadTask(task) === double);
  const other = checkedTask((n: number) => 3 * n, "map", false);
  assert(other !== task && loadTask(other) !== double);
});

Deno.test("a generator function is no task, for nobody would run its body", () => {
  for (const fn of [function* () {}, async function* () {}]) {
    const check = () => checkedTask(fn, "run", false);
    assertThrows(check, TypeError, "Cannot run: task is a generator function, whose body nobody");
  }
});

Deno.test("a class is no task, for only new can call it", () => {
  const check = () => checkedTask(class Job {}, "run", false);
  assertThrows(check, TypeError, "Cannot run: task is a class, which only new can call; write a");
  const called = checkedTask(function Job() {}, "run", false);
  assertEquals(called.export, "Job");
});

Deno.test("where tasks travel a function is refused, with what to do instead", () => {
  const { message } = assertThrows(() => checkedTask(() => 1, "map", true), TypeError);
  assertEquals(
    message,
    "Cannot map: task must be named by an absolute module URL and an export, but is a function, which " +
      "can't travel to another lane; export it from a module of its own and use " +
      'task(new URL("./my_task.ts", import.meta.url)), or open sequential, concurrent or limited, ' +
      "which take a function too",
  );
});

Deno.test("a task that was named is taken as it is", () => {
  const task = { module: "file:///task.ts", export: "default" };
  for (const travels of [true, false]) assert(checkedTask(task, "map", travels) === task);
});
