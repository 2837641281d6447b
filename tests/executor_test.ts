import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as lanes from "../lib/mod.ts";
import { defaultLanes, MODEL_TABLE } from "../lib/models.ts";

Deno.test("each model has a constructor of its name, and says how large it is", async () => {
  const sizes: Record<string, [number, number]> = {
    sequential: [1, 1],
    concurrent: [1, Infinity],
    limited: [1, 5],
    workers: [navigator.hardwareConcurrency, 1],
    processes: [navigator.hardwareConcurrency, 1],
    cluster: [64, 1],
    gpu: [1, 8192],
    auto: [1, 1],
  };
  assertEquals(lanes.MODELS.filter((model) => model in sizes), Object.keys(sizes) as lanes.Model[]);
  for (const model of lanes.MODELS) {
    await using executor = model === "cluster"
      ? lanes.cluster({ servers: "nats://127.0.0.1:1" })
      : lanes[model]();
    assertEquals(executor.model, model);
    const ofTable = [defaultLanes(model, "cpu"), MODEL_TABLE[model].slots] as const;
    assertEquals([executor.lanes, executor.slots], sizes[model] ?? ofTable);
    assertEquals(await executor.usage(), [], "a lane was started before it was needed");
  }
});

Deno.test("a size out of range, or what is no value of an option, is refused, with its name and value", () => {
  const bad: [() => unknown, string][] = [
    [
      () => lanes.limited({ slots: 0 }),
      "Cannot open limited(): slots must be a whole number from 1, but is 0",
    ],
    [() => lanes.limited({ slots: 1.5 }), "slots"],
    [
      () => lanes.limited({ slots: "2" as never }),
      'slots must be a whole number from 1, but is "2"',
    ],
    [() => lanes.workers({ slots: Infinity }), "slots must be a whole number from 1 to 65536"],
    [() => lanes.processes({ lanes: 1e9 }), "lanes must be a whole number from 1 to 4096, but is"],
    [() => lanes.sequential({ graceMs: null as never }), "graceMs"],
    [() => lanes.limited({ graceMs: "9" as never }), 'a number of milliseconds from 0, but is "9"'],
    [() => lanes.workers({ lanes: 0 }), "workers(): lanes"],
    [() => lanes.workers({ lanes: Infinity }), "lanes"],
    [() => lanes.processes({ lanes: -1 }), "processes(): lanes"],
    [() => lanes.processes({ slots: NaN }), "slots"],
    [() => lanes.sequential({ graceMs: -1 }), "graceMs"],
    [() => lanes.workers({ tasksPerLane: 0 }), "tasksPerLane must be a whole number from 1"],
    [() => lanes.sequential({ tasksPerLane: 1.5 }), "tasksPerLane must be a whole number from 1"],
    [() => lanes.limited({ idleMs: -1 }), "idleMs must be a number of milliseconds from 0"],
    [() => lanes.processes({ idleMs: "5" as never }), 'from 0, but is "5"'],
    [
      () => lanes.processes({ stderr: "hide" as never }),
      'Cannot open processes(): stderr must be "show" or "keep", but is "hide"',
    ],
    [() => lanes.processes({ config: 5 as never }), "config must be a path, but is 5"],
    [() => lanes.processes({ v8Flags: "--x" as never }), "v8Flags must be a list such as"],
    [() => lanes.processes({ v8Flags: [5 as never] }), "v8Flags must be a list such as"],
    [
      () => lanes.processes({ permissions: { read: [new URL("file:///tmp") as never] } }),
      'permissions.read must be made of strings, but is URL { href: "file:///tmp"',
    ],
    [() => lanes.processes({ permissions: { net: (() => {}) as never } }), "but is [Function"],
    [
      () => lanes.workers({ unstableWorkerOptions: 1 as never }),
      "workers(): unstableWorkerOptions must be true or false, but is 1",
    ],
    [() => lanes.cluster({ servers: [] }), "Cannot open cluster(): servers must be an address"],
    [() => lanes.cluster({ servers: "a", silenceMs: 9 }), "milliseconds from 3000, but is 9"],
    [() => lanes.cluster({ servers: "a", user: 5 as never }), "user must be a string, but is 5"],
    [() => lanes.cluster({ servers: "a", tlsCa: true as never }), "tlsCa must be a string"],
  ];
  for (const [open, says] of bad) assertThrows(open, RangeError, says);
});

Deno.test("an option that a model doesn't have is refused, and those that it has are named", () => {
  const bad: [() => unknown, string][] = [
    [() => lanes.sequential({ slots: 2 } as never), "there is no option slots; there are graceMs"],
    [() => lanes.concurrent({ lanes: 2 } as never), "Cannot open concurrent(): there is no option"],
    [() => lanes.limited({ slot: 2 } as never), "no option slot; there are slots, graceMs"],
    [() => lanes.workers({ v8Flags: [] } as never), "workers(): there is no option v8Flags"],
    [() => lanes.processes({ unstableWorkerOptions: true } as never), "no option unstableWorker"],
    [() => lanes.limited(null as never), "limited(): options must be an object, but is null"],
  ];
  for (const [open, says] of bad) assertThrows(open, RangeError, says);
});

Deno.test("options count that an object has from another one, such as narrower permissions", () => {
  const from = <Options>(options: Options): Options => Object.create(options as object);
  const bad: [() => unknown, string][] = [
    [() => lanes.workers(from({ permissions: { nett: true } as never })), "permissions.nett"],
    [() => lanes.processes(from({ permissions: { nett: true } as never })), "permissions.nett"],
    [() => lanes.limited(from({ maxQueued: -1 })), "maxQueued"],
    [() => lanes.gpu(from({ idleMs: -1 })), "idleMs"],
    [() => lanes.auto(from({ tasksPerLane: 0 })), "tasksPerLane"],
    [() => lanes.cluster(from({ servers: "a", lanes: 0 })), "lanes"],
  ];
  for (const [open, says] of bad) assertThrows(open, RangeError, says);
});

Deno.test("a size that is undefined is the model's own", async () => {
  await using executor = lanes.limited({ slots: undefined as never });
  assertEquals(executor.slots, 5);
  await using all = lanes.limited({ slots: Infinity });
  assertEquals(all.slots, Infinity);
});

Deno.test("wrong options of map are refused at once, not when the first result is asked for", async () => {
  await using executor = lanes.workers();
  const task = { module: "data:text/javascript,export default (n) => n", export: "default" };
  assertThrows(() => executor.map(task, [], { chunk: 0 }), RangeError, "chunk");
  assertThrows(() => executor.map(task, [], { chunks: 1 } as never), RangeError, "option chunks");
  assertThrows(() => executor.map(task, 3 as never), TypeError, "items must be iterable");
  const bad: [unknown, string][] = [
    [(n: number) => n, "a function, which can't travel"],
    [undefined, "is undefined; use task(new URL("],
    [{}, "is {};"],
    [{ module: "./task.ts", export: "default" }, 'of module "./task.ts"'],
    [{ module: "file:///task.ts" }, 'of module "file:///task.ts" and export undefined'],
  ];
  for (const [task, says] of bad) {
    assertThrows(() => executor.map(task as never, []), TypeError, says);
    assertThrows(() => executor.mapSettled(task as never, []), TypeError, says);
  }
});

Deno.test("two executors don't share slots, and closing one leaves the other", async () => {
  const task = lanes.task<{ default: (n: number) => number }>(
    "data:text/javascript,export default (n) => 2 * n",
  );
  await using one = lanes.sequential();
  const two = lanes.limited({ slots: 2 });
  assertEquals(await two.map(task, [1]).toArray(), [2]);
  await two.close();
  assertEquals(await one.map(task, [2]).toArray(), [4]);
});

Deno.test("results that nobody asked for are warned of when the executor is closed, once", async () => {
  const task = lanes.task<{ default: (n: number) => number }>(
    "data:text/javascript,export default (n) => 2 * n",
  );
  const executor = lanes.sequential();
  const asked = executor.map(task, [1]).toArray();
  await executor.map(task, [2]).return();
  const kept = [executor.map(task, [3]), executor.mapSettled(task, [4])];
  const printed: string[] = [];
  const { error } = console;
  console.error = (line: string) => void printed.push(line);
  try {
    await executor.close();
    await executor.close();
  } finally {
    console.error = error;
  }
  const [line, ...others] = printed;
  assertEquals(others, []);
  assertStringIncludes(line!, "nobody asked for the results of map() and mapSettled() (2 calls)");
  await asked.catch(() => {}); // the run may have been stopped in time
  assertEquals(kept.length, 2);
});
