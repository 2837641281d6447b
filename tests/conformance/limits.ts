import { assert, assertEquals } from "@std/assert";
import { Gates, turns } from "./gates.ts";
import { type Guarantee, numbers, taskNamed } from "./guarantee.ts";

export const LIMITS: readonly Guarantee[] = [
  {
    name: "the peak in flight equals the limit while work waits",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const count = width === Infinity ? 12 : 3 * width;
      const peak = Math.min(width, count);
      const items = numbers(count).map((n) => ({ url: gates.url, key: String(n) }));
      const results = executor.map(taskNamed("gated"), items, { chunk: 1 }).toArray();
      for (let passed = 0; passed < count; passed++) {
        await gates.full(Math.min(peak, count - passed));
        await turns(3);
        assertEquals(gates.waiting.length, Math.min(peak, count - passed));
        gates.pass();
      }
      await results;
      assertEquals(gates.peak, peak);
    },
  },
  {
    name: "several runs at once share the slots fairly, and never exceed them",
    notFor: { concurrent: "every item has a slot" },
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const run = (name: string) =>
        executor.map(
          taskNamed("gated"),
          numbers(8).map((n) => ({ url: gates.url, key: `${name}${n}` })),
          { chunk: 1 },
        ).toArray();
      const runs = [run("a"), run("b"), run("c")];
      for (let passed = 0; passed < 24; passed++) {
        await gates.full(Math.min(width, 24 - passed));
        gates.pass();
      }
      await Promise.all(runs);
      assertEquals(gates.peak, width);
      // The first run alone may have filled the slots before the others came.
      const early = gates.arrived.slice(width, width + 12);
      for (const name of "abc") {
        const share = early.filter((key) => key.startsWith(name)).length;
        assert(share >= 3, `${name} got ${share} of 12 starts: ${gates.arrived.join()}`);
      }
    },
  },
  {
    name: "two different tasks run on one executor at once",
    async check({ open }) {
      await using executor = open();
      const [doubled, odd] = await Promise.all([
        executor.map(taskNamed("double"), numbers(200)).toArray(),
        executor.mapSettled(taskNamed("failOdd"), numbers(200)).toArray(),
      ]);
      assertEquals(doubled, numbers(200).map((n) => 2 * n));
      assertEquals(odd.filter(({ status }) => status === "rejected").length, 100);
    },
  },
];
