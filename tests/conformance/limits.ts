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
    name: "no more tasks start than the rate allows; what waits for it holds no slot",
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open();
      const controller = new AbortController();
      const items = numbers(9).map((n) => ({ url: gates.url, key: String(n) }));
      const outcomes = executor.mapSettled(taskNamed("gated"), items, {
        rate: { limit: 2, perMs: 3_600_000 },
        signal: controller.signal,
        timeoutMs: 3_600_000,
      }).toArray();
      for (const n of [0, 1]) {
        const key = String(n);
        await gates.until(() => gates.waiting.includes(key), "the next one came");
        gates.pass(key);
      }
      await turns(5);
      const others = await executor.map(taskNamed("double"), numbers(50)).toArray();
      assertEquals(others, numbers(50).map((n) => 2 * n));
      assertEquals(gates.arrived.toSorted(), ["0", "1"]);
      controller.abort();
      const ends = (await outcomes).map((o) => o.status === "fulfilled" ? o.value : o.ended);
      assertEquals(ends, ["0", "1", ...Array(7).fill("cancelled")]);
    },
  },
  {
    name: "at a rate, every item is done in the end, on every lane",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const rate = { limit: 5, perMs: 2 };
      const settled = await executor.mapSettled(taskNamed("failOdd"), numbers(40), {
        rate,
        retries: { limit: 1, baseMs: 0 },
      }).toArray();
      assertEquals(settled.map(({ attempts }) => attempts), numbers(40).map((n) => 1 + n % 2));
    },
  },
  {
    name: "two different tasks run on one executor at once",
    onGpu: true,
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
