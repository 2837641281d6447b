import { assertEquals } from "@std/assert";
import { needsPreload, Preloads } from "../../lib/lanes/preloads.ts";
import type { Task } from "../../lib/lanes/task.ts";

function taskOf(module: string): Task {
  return { module, export: "default" };
}

const preloadsOf = (tasks: readonly Task[]) => new Preloads(tasks.map(({ module }) => module));

const [A, B, C] = ["file:///a.ts", "file:///b.ts", "https://c.d/c.ts"].map(taskOf) as [
  Task,
  Task,
  Task,
];

Deno.test("files and modules of the web must be loaded at the start, data and packages need not", () => {
  assertEquals(["file:///a.ts", "https://a.b/c.ts", "http://a.b/c.ts"].every(needsPreload), true);
  const later = ["data:text/javascript,1", "npm:x", "jsr:@a/b", "node:fs"];
  assertEquals(later.some(needsPreload), false);
});

Deno.test("each module is loaded once, that of the task it is opened for first", () => {
  const data = taskOf("data:text/javascript,1");
  const preloads = preloadsOf([B, data, A, { ...B, export: "other" }]);
  assertEquals(preloads.modules, [B.module, A.module]);
  assertEquals([A, B, C, data].map((task) => preloads.whyNot(task)), new Array(4).fill(undefined));
});

Deno.test("the first module is blamed for a start that fails, and the others are loaded without it", () => {
  const preloads = preloadsOf([A, B, C]);
  assertEquals(preloads.giveUp("it threw 1"), true);
  assertEquals(preloads.modules, [B.module, C.module]);
  assertEquals([A, B].map((task) => preloads.whyNot(task)), ["it threw 1", undefined]);
});

Deno.test("a second start that fails is blamed on all that are left, each with its own reason", () => {
  const preloads = preloadsOf([A, B, C]);
  preloads.giveUp("it threw 1");
  assertEquals(preloads.giveUp("it threw 2"), true);
  assertEquals(preloads.modules, []);
  assertEquals([A, B, C].map((task) => preloads.whyNot(task)), [
    "it threw 1",
    "it threw 2",
    "it threw 2",
  ]);
});

Deno.test("a start that fails without any module is nobody's fault", () => {
  const preloads = preloadsOf([A]);
  assertEquals([preloads.giveUp("it threw 1"), preloads.giveUp("it threw 2")], [true, false]);
  assertEquals(preloadsOf([]).giveUp("it threw 1"), false);
  assertEquals(preloads.whyNot(A), "it threw 1");
});
