import { assertEquals } from "@std/assert";
import type { Outcome } from "../../lib/dispatch/output.ts";
import { MOST_KEPT, TaskSample } from "../../lib/running/run_here.ts";

const outcome = (index: number): Outcome<unknown> => ({
  status: "fulfilled",
  value: "large",
  item: "large",
  index,
  lane: 0,
  attempts: 1,
  queuedAtMs: 0,
  startedAtMs: 0,
  endedAtMs: index,
});

Deno.test("few tasks are all kept, of many an even share, and nothing that is large", () => {
  for (const [count, every] of [[10, 1], [MOST_KEPT - 1, 1], [MOST_KEPT, 2], [9 * MOST_KEPT, 16]]) {
    const sample = new TaskSample();
    for (let index = 0; index < count!; index++) sample.add(outcome(index));
    const indexes = sample.kept.map(({ index }) => index);
    assertEquals(indexes, Array.from({ length: Math.ceil(count! / every!) }, (_, n) => n * every!));
    assertEquals(JSON.stringify(sample.kept).includes("large"), false);
  }
});
