import { assertEquals, assertThrows } from "@std/assert";
import {
  type Executor,
  limited,
  processes,
  sequential,
  type Task,
  task,
  type TaskContext,
  workers,
} from "../../lib/mod.ts";
import { type Arrived, titleOf } from "../../lib/lanes/task.ts";
import type * as tasks from "../conformance/tasks.ts";

const MODULE = new URL("../conformance/tasks.ts", import.meta.url);

/** Fails to compile unless both types are the same. */
function same<A, B>(..._proof: [A] extends [B] ? [B] extends [A] ? [] : [never] : [never]): void {}

Deno.test("a task is named by an absolute URL and an export", () => {
  assertEquals({ ...task<typeof tasks, "double">(MODULE, "double") }, {
    module: MODULE.href,
    export: "double",
  });
  assertThrows(() => task("./tasks.ts"), TypeError, '"./tasks.ts"');
});

Deno.test("in messages a task is its module's file, and its export unless that is the default", () => {
  const titles = [
    ["file:///jobs/shapes.ts", "area"],
    ["https://a.example/x/crawl.ts?v=1#top", "default"],
    ["file:///jobs/%EC%9E%91%EC%97%85%20%231.ts", "default"],
    ["file:///jobs/%1B[31m%E2%80%AE.ts", "default"],
    ["file:///jobs/100%.ts", "default"],
    ["data:text/javascript,export default (n) => n / 2", "default"],
    ["data:text/javascript,//#a?b", "half"],
    ["function:", "square"],
    ["function:", ""],
  ] as const;
  assertEquals(
    titles.map(([module, name]) => titleOf({ module, export: name })),
    [
      ...["shapes.ts#area", "crawl.ts", "작업 #1.ts", "%1B[31m%E2%80%AE.ts", "100%.ts"],
      ...["data:…", "data:…#half", "square", "a function"],
    ],
  );
});

Deno.test("a task is its module's default export unless another is named", () => {
  const module = "data:text/javascript,export default (n) => n";
  assertEquals({ ...task<{ default: (n: number) => number }>(new URL(module)) }, {
    module,
    export: "default",
  });
  assertEquals(task(module).export, "default");
  assertThrows(() => task(""), TypeError, "not an absolute URL");
});

Deno.test("only what takes an item, and a context if it likes, is a task", () => {
  // This function never runs: the test is that it compiles.
  const _wrong = () => {
    // Without the module's type, neither items nor results are known.
    same<Task<unknown, unknown>, ReturnType<typeof task<unknown>>>();
    sequential().map(task(MODULE), [1, "a"]);
    // @ts-expect-error nor what comes of it
    sequential().run(task(MODULE), 1).then((value) => value.length);
    // @ts-expect-error it has no default export
    task<typeof tasks>(MODULE);
    // @ts-expect-error a default export that is no function
    task<{ default: number }>(MODULE);
    // @ts-expect-error a function that takes something else besides
    task<{ default: (item: number, more: string) => number }>(MODULE);
    // @ts-expect-error an export that is no function
    task<{ size: number; area: (side: number) => number }, "size">(MODULE, "size");
    task<{ size: number; area: (side: number) => number }, "area">(MODULE, "area");
  };
});

Deno.test("a result's type is what arrives of it: without its functions", () => {
  interface Point {
    x: number;
    length(): number;
  }
  same<Arrived<number | string | undefined>, number | string | undefined>();
  same<
    Arrived<Date | RegExp | Uint8Array | ArrayBuffer | RangeError>,
    Date | RegExp | Uint8Array | ArrayBuffer | RangeError
  >();
  same<Arrived<Point>, { x: number }>();
  same<Arrived<() => number>, never>();
  same<Arrived<{ a: { f(): void; b: string }; g: () => void }>, { a: { b: string } }>();
  same<Arrived<Point[]>, { x: number }[]>();
  same<Arrived<[Point, string]>, [{ x: number }, string]>();
  same<Arrived<Map<Point, Set<Point>>>, Map<{ x: number }, Set<{ x: number }>>>();
  same<Arrived<unknown>, unknown>();
  same<Arrived<readonly Point[]>, readonly { x: number }[]>();
  same<Arrived<readonly [Point, string?]>, readonly [{ x: number }, string?]>();
  same<Arrived<[Point, ...string[]]>, [{ x: number }, ...string[]]>();
  // Recursive types are the usual way to describe JSON.
  type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
  type Deep = Date | readonly Deep[] | Map<string, Deep> | Set<Deep> | [string, Deep[]] | {
    of?: Deep;
  };
  const asJson = (json: Arrived<Json>): Json => json;
  const arrived: Arrived<Json> = asJson([{ a: [1] }]);
  const deep: Arrived<Deep> = new Map([["a", [new Date()]]]);
  same<(typeof named)["~result"], Arrived<Json> | undefined>();
  const named = task<{ default: (text: string) => Json; more: (deep: Deep) => Deep }>(MODULE);
  assertEquals([arrived, deep instanceof Map, named.export], [[{ a: [1] }], true, "default"]);
});

const mayRead = Deno.permissions.querySync({ name: "read" }).state === "granted";

Deno.test("item and result types flow from the module to map", { ignore: !mayRead }, async () => {
  await using executor: Executor = sequential();
  const double = task<typeof tasks, "double">(MODULE, "double");
  const gated = task<typeof tasks, "gated">(MODULE, "gated");
  const values = await executor.map(double, [1, 2]).toArray();
  same<typeof values, number[]>();
  assertEquals(values, [2, 4]);
  const [outcome] = await executor.mapSettled(double, [1]).toArray();
  if (outcome?.status === "fulfilled") same<typeof outcome.value, number>();
  else if (outcome !== undefined) same<typeof outcome.reason, unknown>();

  // This function never runs: the test is that it compiles.
  const _wrong = () => {
    // @ts-expect-error a word is no number
    executor.map(double, ["a"]);
    // @ts-expect-error an item without its key
    executor.map(gated, [{ url: "x" }]);
    // @ts-expect-error one wrong item among right ones
    executor.mapSettled(double, [1, null]);
    // @ts-expect-error there is no such export
    task<typeof tasks, "nothing">(MODULE, "nothing");
    // @ts-expect-error async items are checked too
    executor.map(double, ReadableStream.from(["a"]));
    // @ts-expect-error there is no such order
    executor.map(double, [1], { order: "random" });
    const strings: Task<number, string> = double as never;
    // @ts-expect-error results are words, not numbers
    const _numbers: Promise<number[]> = executor.map(strings, [1]).toArray();
    same<
      Awaited<ReturnType<ReturnType<typeof executor.map<number, string>>["toArray"]>>,
      string[]
    >();
    same<ReturnType<typeof executor.run<number, string>>, Promise<string>>();
    // @ts-expect-error a word is no number
    executor.run(double, "a");
    // @ts-expect-error there is no order of one
    executor.run(double, 1, { order: "input" });
    // @ts-expect-error whose lane may be elsewhere
    executor.run((n: number) => n, 1);
  };
});

Deno.test("item and result types flow from a plain function where nothing travels", async () => {
  await using executor = limited();
  const sum = await executor.run((n, { index }) => n + index, 3);
  same<typeof sum, number>();
  const later = await executor.run(async (text: string) => (await text).length, "four");
  same<typeof later, number>();
  assertEquals([sum, later], [3, 4]);
  const texts = await executor.map((n) => `${n}`, new Set([1, 2])).toArray();
  same<typeof texts, string[]>();
  const [outcome] = await executor.mapSettled(async (n) => await n * 2n, [1n]).toArray();
  if (outcome?.status === "fulfilled") same<typeof outcome.value, bigint>();

  // This function never runs: the test is that it compiles.
  const _wrong = () => {
    // @ts-expect-error a word is no number
    executor.run((n: number) => n, "a");
    // @ts-expect-error its second parameter is no context
    executor.run(parseInt, "a");
    // @ts-expect-error nothing is set up for it
    executor.run((_: number, { resource }: TaskContext<Set<number>>) => resource.size, 1);
    // @ts-expect-error one wrong item among right ones
    executor.map((n: number) => n, [1, "a"]);
    // @ts-expect-error a function can't travel to a thread
    workers().map((n: number) => n, [1]);
    // @ts-expect-error nor to a subprocess
    processes().run((n: number) => n, 1);
  };
});

Deno.test("what can't be sent has no type of its own on this side, and generators are no tasks", () => {
  interface Module {
    default: (n: number) => AsyncGenerator<number>;
    stream: (n: number) => ReadableStream<number>;
    answer: (n: number) => Promise<Response>;
    forgotten: (n: number) => { later: Promise<number>; n: number };
    mark: (n: number) => symbol;
    sets: (n: number) => { set: Set<URL>; map: Map<string, number>; any: unknown[] };
    // deno-lint-ignore no-explicit-any
    whatever: (n: number) => any;
  }
  // This function never runs: the test is that it compiles.
  const _wrong = () => {
    const executor = workers();
    // @ts-expect-error nobody would run its body
    task<Module>(MODULE);
    // @ts-expect-error a stream doesn't arrive
    executor.run(task<Module, "stream">(MODULE, "stream"), 1).then((it) => it.getReader());
    // @ts-expect-error nor does an answer
    executor.run(task<Module, "answer">(MODULE, "answer"), 1).then((it) => it.status);
    // @ts-expect-error a forgotten await
    executor.run(task<Module, "forgotten">(MODULE, "forgotten"), 1).then((it) => it.later.then());
    // @ts-expect-error a symbol doesn't arrive
    const _mark: Promise<symbol> = executor.run(task<Module, "mark">(MODULE, "mark"), 1);
    executor.run(task<Module, "sets">(MODULE, "sets"), 1).then((it) => {
      same<typeof it.set, Set<"it can't be sent to another lane">>();
      same<typeof it.map, Map<string, number>>();
    });
    executor.run(task<Module, "whatever">(MODULE, "whatever"), 1).then((it) => it.any.thing);
  };
});
