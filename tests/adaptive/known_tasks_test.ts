/** How checks of a task's items, one after another, decide where it runs and what sending costs. */

import { assertEquals } from "@std/assert";
import { KnownTasks } from "../../lib/adaptive/known_tasks.ts";
import { Batch } from "../../lib/dispatch/batch.ts";
import type { Fidelity, ItemFailure, Report } from "../../lib/lanes/lane.ts";
import { structuredCloning } from "../../lib/lanes/remote/clone.ts";
import type { Task } from "../../lib/lanes/task.ts";
import { FakeRun } from "../dispatch/fake_run.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";

class Own {
  n = 1;
}

const REMOTE: Task = { module: "file:///a.ts", export: "default" };

function knowing(fidelity: Fidelity = "classes") {
  const why: string[] = [];
  const known = new KnownTasks(structuredCloning, fidelity, (text) => why.push(text));
  const batch = (item: unknown, task = REMOTE) =>
    new Batch(Object.assign(new FakeRun(), { task }), 7, [item], 0);
  const look = (item: unknown, value: unknown, failures?: readonly ItemFailure[]) => {
    const times = { startedAtMs: 0, endedAtMs: 1, times: undefined };
    const report: Report = { count: 1, values: [value], failures, ...times, last: true };
    known.look(batch(item), report);
  };
  return { known, why, batch, look };
}

Deno.test("a function stays here, and so does every task if there are no lanes", () => {
  const { known } = knowing();
  assertEquals(known.staysHere({ module: "function:", export: "f" }), true);
  assertEquals(known.staysHere(REMOTE), false);
  known.allStay = true;
  assertEquals(known.staysHere(REMOTE), true);
});

Deno.test("a task stays here if an item, result or error of it can't arrive unchanged, whichever object names it", () => {
  const thrown = (reason: unknown): ItemFailure[] => [{ offset: 0, ended: "failed", reason }];
  const cases: [Parameters<ReturnType<typeof knowing>["look"]>, string][] = [
    [[new Own(), 1], "item 7: it is an Own, which would arrive without its class"],
    [[1, new Own()], "the result of item 7: it is an Own, which would arrive without its class"],
    [[1, undefined, thrown(new Own())], "what item 7 failed with: it is an Own, which would"],
  ];
  for (const [looked, text] of cases) {
    const { known, why, look } = knowing();
    look(...looked);
    assertEquals([why.length, why[0]!.slice(0, text.length)], [1, text]);
    assertEquals(known.staysHere({ ...REMOTE }), true);
    look(...looked);
    assertEquals(why.length, 1);
  }
});

Deno.test("with fidelity for data alone, results may lose their class, but items may not", () => {
  const { known, look, why } = knowing("data");
  look(1, new Own());
  assertEquals([known.staysHere(REMOTE), why], [false, []]);
  look(new Own(), 1);
  assertEquals(why.length, 0); // not before the next tick
  known.tick();
  look(new Own(), 1);
  assertEquals([known.staysHere(REMOTE), why.length], [true, 1]);
});

Deno.test("items are checked only a few times, more and more rarely, and at most once between two ticks", () => {
  let looks = 0;
  const clone = (value: unknown) => (looks++, structuredClone(value));
  const known = new KnownTasks({ ...structuredCloning, clone }, "classes", () => {});
  const batch = new Batch(Object.assign(new FakeRun(), { task: REMOTE }), 0, [{ n: 1 }], 0);
  const report = { count: 1, values: [1], failures: undefined, times: undefined, last: true };
  const at: number[] = [];
  for (let item = 0; item < 1000; item++) {
    const before = looks;
    known.look(batch, { ...report, startedAtMs: 0, endedAtMs: 1 });
    known.look(batch, { ...report, startedAtMs: 0, endedAtMs: 1 });
    known.tick();
    if (looks > before) at.push(item);
  }
  assertEquals(at.length <= 24 && at.length > 8, true, `${at}`);
  const gaps = at.slice(1).map((item, index) => item - at[index]!);
  assertEquals(gaps, gaps.toSorted((a, b) => a - b));
});

Deno.test("what sending costs is known of tasks that were checked", () => {
  const { known, look } = knowing();
  assertEquals(known.sendMs([REMOTE]), undefined);
  look([1, 2], [3]);
  known.tick();
  look([1, 2], [3]);
  assertEquals(known.sendMs([REMOTE])! >= 0, true);
  assertEquals(known.sendMs([{ module: "b:", export: "default" }]), undefined);
});

Deno.test("sending isn't taken for cheaper if another program had the core while it was measured", () => {
  const { structuredClone } = globalThis;
  using time = new VirtualTime();
  // Costs of copying an item with its result, and two numbers, where every other copy warms up.
  const costs: Record<string, number[]> = { "[[1],1]": [4, 9, 8], "[0,0]": [60, 50, 9, 1, 9, 2] };
  const { known, look } = knowing();
  look([1], 1);
  known.tick();
  try {
    globalThis.structuredClone = <T>(value: T) => {
      time.nowMs += costs[JSON.stringify(value)]?.shift() ?? 0;
      return value;
    };
    for (let at = 0; at < 3; at++, known.tick()) look([1], 1);
  } finally {
    globalThis.structuredClone = structuredClone;
  }
  assertEquals(known.sendMs([REMOTE]), 3);
});

Deno.test("items that can't be sent unchanged stay here", () => {
  const { known, batch, why } = knowing();
  assertEquals([known.keeps(batch(1)), known.keeps(batch({ a: 1 }))], [false, false]);
  assertEquals([known.keeps(batch(new Own())), why.length], [true, 1]);
});

Deno.test("one item is sent until one has succeeded on a lane; a task whose items fail only there stays here", () => {
  const { known, why } = knowing();
  const now = () => [known.mostThere(REMOTE), known.isProven(REMOTE)];
  known.note(REMOTE, true, 10, 0);
  assertEquals(now(), [1, false]);
  known.note(REMOTE, false, 1, 0);
  assertEquals(now(), [Infinity, true]);
  const other = { module: "b:", export: "default" };
  known.note(other, true, 10, 0);
  for (let at = 0; at < 2; at++) known.note(other, false, 1, 1);
  assertEquals([known.staysHere(other), known.staysHere(REMOTE)], [true, false]);
  assertEquals(why.at(-1), "2 of 2 failed where they were sent, and 0 of 10 here");
});

Deno.test("a task that stays because it failed on lanes is sent again once more of its items fail here, too", () => {
  const { known } = knowing();
  known.note(REMOTE, true, 2, 0);
  known.note(REMOTE, false, 2, 2);
  assertEquals(known.staysHere(REMOTE), true);
  known.note(REMOTE, true, 8, 8);
  assertEquals(known.staysHere(REMOTE), false);
});
