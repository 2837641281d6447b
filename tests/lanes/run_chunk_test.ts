import { assert, assertEquals } from "@std/assert";
import type { Chunk, Report } from "../../lib/lanes/lane.ts";
import { ChunkRun } from "../../lib/lanes/run_chunk.ts";
import type { TaskContext, TaskFunction } from "../../lib/lanes/task.ts";

function chunkOf(items: readonly unknown[], options: Partial<Chunk> = {}): Chunk {
  return {
    id: 1,
    task: { module: "fake:", export: "default" },
    firstIndex: 10,
    items,
    attempt: 1,
    timeoutMs: Infinity,
    timed: false,
    giveBackMs: Infinity,
    mark: false,
    sentAtMs: 0,
    transfer: false,
    note: undefined,
    ...options,
  };
}

function run(
  chunk: Chunk,
  fn: (item: never, context: TaskContext) => unknown,
): { run: ChunkRun; reports: Report[] } {
  const reports: Report[] = [];
  const run = new ChunkRun(chunk, fn as TaskFunction, {
    report: (_run, report) => reports.push(report),
  });
  return { run, reports };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await undefined;
}

Deno.test("items run one after another, and are reported together", async () => {
  let running = 0;
  const { run: chunk, reports } = run(chunkOf([1, 2, 3]), async (n: number) => {
    assertEquals(++running, 1);
    await undefined;
    running--;
    if (n === 2) throw new RangeError("two");
    return n * 10;
  });
  chunk.start();
  assertEquals(reports.length, 0);
  await settle();
  assertEquals(reports.length, 1);
  const { count, values, failures, then } = reports[0]!;
  assertEquals([count, then, values?.[0], values?.[2]], [3, "end", 10, 30]);
  assertEquals(failures?.map(({ offset, ended }) => [offset, ended]), [[1, "failed"]]);
});

Deno.test("tasks that don't wait are reported before start() returns", () => {
  const { run: chunk, reports } = run(chunkOf([1, 2]), (n: number) => n);
  chunk.start();
  assertEquals(Array.from(reports[0]!.values!), [1, 2]);
});

Deno.test("asked to stop, a chunk reports what had ended, then the running item, and gives the rest back", async () => {
  const { run: chunk, reports } = run(
    chunkOf([0, 1, 2, 3]),
    (n: number, { signal }) =>
      n === 0
        ? "done"
        : new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  );
  chunk.start();
  chunk.ask("cancel");
  await settle();
  assertEquals(reports.map(({ count, then }) => [count, then]), [[1, "more"], [1, "end"]]);
  assertEquals(reports[0]!.values?.[0], "done");
  assertEquals(reports[1]!.failures?.map(({ offset, ended }) => [offset, ended]), [[
    0,
    "cancelled",
  ]]);
});

Deno.test("a value that comes after the deadline is late; the next item goes on", async () => {
  const gate = Promise.withResolvers<string>();
  const { run: chunk, reports } = run(
    chunkOf(["slow", "quick"], { timeoutMs: 1000 }),
    (item: string) => item === "slow" ? gate.promise : item,
  );
  chunk.start();
  chunk.ask("timeout");
  gate.resolve("too late");
  await settle();
  assertEquals(reports[0]!.failures?.map(({ offset, ended }) => [offset, ended]), [[
    0,
    "timed-out",
  ]]);
  assertEquals(reports[0]!.values?.[1], "quick");
});

Deno.test("a context that outlives its task is cancelled, and watches no other item", () => {
  const contexts: TaskContext[] = [];
  const { run: chunk } = run(chunkOf([1, 2]), (_n: number, context) => void contexts.push(context));
  chunk.start();
  assertEquals(contexts.map(({ index }) => index), [10, 11]);
  assert(contexts.every((context) => context.cancelled() && context.signal.aborted));
});

Deno.test("a chunk that took too long gives the rest back, but never all of it", () => {
  const { run: chunk, reports } = run(chunkOf([1, 2, 3], { giveBackMs: -1 }), (n: number) => n);
  chunk.start();
  assertEquals(reports.map(({ count, then }) => [count, then]), [[1, "end"]]);
});

Deno.test("what a forgotten chunk gives is not reported", async () => {
  const gate = Promise.withResolvers<number>();
  const { run: chunk, reports } = run(chunkOf([1]), () => gate.promise);
  chunk.start();
  chunk.forget();
  gate.resolve(1);
  await settle();
  assertEquals(reports, []);
});

Deno.test("a thenable that isn't a Promise is waited for", async () => {
  const { run: chunk, reports } = run(chunkOf([1]), () => ({
    then: (resolve: (value: string) => void) => resolve("came"),
  }));
  chunk.start();
  await settle();
  assertEquals(reports[0]!.values?.[0], "came");
});

Deno.test("a function that can be waited for is waited for, as await does it", async () => {
  const { run: chunk, reports } = run(
    chunkOf([1]),
    () => Object.assign(() => {}, { then: (resolve: (value: string) => void) => resolve("came") }),
  );
  chunk.start();
  await settle();
  assertEquals(reports[0]!.values?.[0], "came");
});

Deno.test("a getter `then` that throws fails its item, and the next one runs", () => {
  const { run: chunk, reports } = run(chunkOf([1, 2]), (n: number) =>
    n === 2 ? n : {
      get then() {
        throw new RangeError("no");
      },
    });
  chunk.start();
  const { failures, values } = reports[0]!;
  assertEquals(failures?.map(({ offset, ended }) => [offset, ended]), [[0, "failed"]]);
  assert(failures?.[0]?.reason instanceof RangeError);
  assertEquals(values?.[1], 2);
});
