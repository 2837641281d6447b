import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { startMap } from "../../lib/dispatch/run.ts";
import { loadFromProgram } from "../../lib/lanes/lane_tasks.ts";
import type { Items, MapOptions } from "../../lib/dispatch/map_options.ts";
import { UnusedResults } from "../../lib/dispatch/output.ts";
import { poolOf, valueOf } from "./fake_lane.ts";
import { FAKE_TASK } from "./start.ts";

/** Records which calls are watched, and which of them were used. */
class NotedResults extends UnusedResults {
  readonly watched: string[] = [];

  override watch(results: object, name: string): () => void {
    this.watched.push(name);
    const use = super.watch(results, name);
    return () => {
      this.watched.push(`${name} used`);
      use();
    };
  }
}

function starting() {
  const parts = poolOf();
  const unused = new NotedResults();
  const start = (
    task: unknown,
    items: Items<unknown>,
    options?: MapOptions<never>,
    failFast = true,
  ) => startMap(parts.pool, unused, { task, items, options, failFast });
  return { ...parts, start, watched: unused.watched };
}

Deno.test("a task that isn't named by its module and export is refused at once, with what it is", () => {
  const { start } = starting();
  const bad: [unknown, string][] = [
    [(n: number) => n, "a function, which can't travel to another lane; export it"],
    [undefined, "but is undefined; use task(new URL("],
    [{}, "but is {};"],
    [Object.create(null), "but is [Object: null prototype] {};"],
    [{ module: "./task.ts", export: "default" }, 'of module "./task.ts" and export "default"'],
    [{ module: "file:///task.ts" }, 'of module "file:///task.ts" and export undefined'],
  ];
  for (const [task, says] of bad) {
    assertThrows(() => start(task, []), TypeError, says);
  }
});

Deno.test("wrong options and items are refused at once, not when the first result is asked for", () => {
  const { start, watched } = starting();
  const wrong = (items: unknown, options: unknown) => () =>
    start(FAKE_TASK, items as never, options as never);
  assertThrows(wrong([], { chunk: 0 }), RangeError, "chunk");
  assertThrows(wrong([], { chunks: 1 }), RangeError, "there is no option chunks");
  const isNone = "items must be iterable or async iterable, but is";
  assertThrows(wrong(3, {}), TypeError, `${isNone} 3`);
  assertThrows(wrong(Symbol("s"), {}), TypeError, `${isNone} Symbol(s)`);
  assertThrows(wrong(Object.create(null), {}), TypeError, `${isNone} [Object: null prototype] {}`);
  assertEquals(watched, []);
});

Deno.test("results are values or outcomes, and watched over until they are used", async () => {
  const { start, made, watched } = starting();
  const values = start(FAKE_TASK, ["a"]);
  const outcomes = start(FAKE_TASK, ["b"], undefined, false);
  assertEquals([watched, made], [["map", "mapSettled"], []]);
  const value = values.next();
  const outcome = outcomes.next();
  assertEquals(watched.slice(2), ["map used", "mapSettled used"]);
  for (let left = 2; left > 0; left--) made[0]!.finish(made[0]!.batches[0]!);
  assertEquals((await value).value, valueOf("a"));
  const { value: settled } = await outcome as { value: { value: unknown; index: number } };
  assertEquals([settled.value, settled.index], [valueOf("b"), 0]);
});

Deno.test("who says that none is wanted has used the results", async () => {
  const { start, made, watched } = starting();
  const results = start(FAKE_TASK, ["a"]);
  await results.return();
  assertEquals([watched, made], [["map", "map used"], []]);
});

Deno.test("on a closed pool a run fails when its first result is asked for", async () => {
  const { start, pool } = starting();
  await pool.close();
  const results = start(FAKE_TASK, ["a"]);
  await assertRejects(() => results.toArray(), TypeError, "Cannot map: the executor is closed");
  const settled = start(FAKE_TASK, ["a"], undefined, false);
  const { value } = await settled.next() as { value: { ended: string } };
  assertEquals(value.ended, "cancelled");
  await assertRejects(() => settled.next(), TypeError, "the executor is closed");
  assert((await settled.next()).done);
});

Deno.test("a program that is only being loaded in a lane can't map", async () => {
  const { start } = starting();
  const module = "data:text/javascript,export default (n) => n; // the program itself";
  const loading = loadFromProgram({ module, export: "default" });
  const map = () => start(FAKE_TASK, []);
  assertThrows(map, TypeError, "put what is not to run there behind import.meta.main");
  await loading;
  map();
});
