import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { TaskLoadError } from "../../lib/lanes/errors.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";
import { isLoadingProgram, loadFromProgram, loadTask } from "../../lib/lanes/lane_tasks.ts";

const module =
  "data:text/javascript,export default (n) => 2 * n; export const other = 3; export function f() {}";

Deno.test("a task is loaded once, and is at hand afterwards", async () => {
  // No other test has loaded it before.
  const task = { module: `${module} // once`, export: "default" };
  const first = loadTask(task);
  assertInstanceOf(first, Promise);
  assertEquals(loadTask(task), first);
  const fn = await first;
  assertEquals(loadTask(task), fn);
  assertEquals(fn(4, undefined as never), 8);
});

Deno.test("a missing export is told beside those that are there", async () => {
  for (const name of ["other", "nothing"]) {
    const error = await assertRejects(
      async () => await loadTask({ module, export: name }),
      TaskLoadError,
      `"${name}"`,
    );
    assert(error.message.includes("default, f"), error.message);
    assertEquals(error.retryable, false);
  }
});

Deno.test("a module that can't be imported says why, and is asked for anew the next time", async () => {
  const task = { module: "data:text/javascript,this is no code", export: "default" };
  const first = loadTask(task);
  assert(loadTask(task) === first);
  await assertRejects(async () => await first, TaskLoadError, "Cannot load");
  const again = loadTask(task);
  assert(again !== first);
  await assertRejects(async () => await again, TaskLoadError, "Cannot load");
});

Deno.test("a module that goes on failing is read anew a few times, then once in ten seconds", async () => {
  using time = new VirtualTime();
  const module =
    "data:text/javascript,throw globalThis.lanesReads = (globalThis.lanesReads ?? 0) + 1";
  const says = async () => {
    const task = { module, export: "default" };
    const { cause } = await assertRejects(async () => await loadTask(task), TaskLoadError);
    return cause;
  };
  const said: unknown[] = [];
  for (let n = 0; n < 12; n++) said.push(await says());
  assertEquals(said, [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9]);
  time.pass(9_999);
  assertEquals(await says(), 9);
  time.pass(1);
  assertEquals([await says(), await says()], [10, 10]);
});

Deno.test("whatever a module throws while it is imported, the error says so and keeps it", async () => {
  const cases: [string, unknown][] = [["new RangeError('at import')", "at import"], [
    "undefined",
    "undefined",
  ], ["{ status: 4 }", "[object Object]"]];
  for (const [thrown, says] of cases) {
    const module = `data:text/javascript,throw ${encodeURIComponent(thrown)}`;
    const error = await assertRejects(
      async () => await loadTask({ module, export: "default" }),
      TaskLoadError,
      `: ${says}`,
    );
    assert("cause" in error);
  }
});

Deno.test("tasks of one module and different names are different tasks", async () => {
  const f = await loadTask({ module, export: "f" });
  assert(f !== await loadTask({ module, export: "default" }));
});

Deno.test("the same task is found at once, whichever object names it", async () => {
  const named = { module, export: "f" };
  const f = await loadTask(named);
  assertEquals(loadTask(named), f);
  assertEquals(loadTask({ ...named }), f);
});

Deno.test("what a module throws that can't even be shown is told as that", async () => {
  const module = "data:text/javascript,throw { toString() { throw 1 } }";
  await assertRejects(
    async () => await loadTask({ module, export: "default" }),
    TaskLoadError,
    "it threw something that can't be shown",
  );
});

Deno.test("a lane knows that it loads the program itself until the task is there, or can't be", async () => {
  const task = { module: "data:text/javascript,export default () => 'own'", export: "default" };
  assertEquals(isLoadingProgram(), false);
  const loading = loadFromProgram(task);
  const failing = loadFromProgram({ ...task, export: "nothing" });
  assertEquals(isLoadingProgram(), true);
  assertEquals((await loading)(undefined, undefined as never), "own");
  await assertRejects(() => failing, TaskLoadError);
  assertEquals(isLoadingProgram(), false);
});
