import { assertEquals } from "@std/assert";
import { Gates } from "./gates.ts";
import { type Guarantee, numbers, taskNamed } from "./guarantee.ts";

export const ORDER: readonly Guarantee[] = [
  {
    name: "results come in the input's order, however tasks end",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const count = Math.min(width, 4);
      const items = numbers(count).map((n) => ({ url: gates.url, key: String(n) }));
      const results = executor.map(taskNamed("gated"), items, { order: "input", chunk: 1 })
        .toArray();
      await gates.full(count);
      for (const n of numbers(count).reverse()) gates.pass(String(n));
      assertEquals(await results, numbers(count).map(String));
    },
  },
  {
    name: "with order: completion, results come as tasks end",
    notFor: { sequential: "one slot: tasks end in the input's order" },
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const count = Math.min(width, 4);
      const items = numbers(count).map((n) => ({ url: gates.url, key: String(n) }));
      const results = executor.map(taskNamed("gated"), items, { order: "completion", chunk: 1 });
      const first = results.next();
      await gates.full(count);
      const seen: string[] = [];
      for (const n of numbers(count).reverse()) {
        gates.pass(String(n));
        const { value } = n === count - 1 ? await first : await results.next();
        seen.push(value);
      }
      assertEquals(seen, numbers(count).map(String).reverse());
      assertEquals((await results.next()).done, true);
    },
  },
  {
    name: "results keep their order under every chunk size",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const wanted = numbers(400).map((n) => 2 * n);
      for (const chunk of ["auto", 1, 7, 333, 5000] as const) {
        assertEquals(
          await executor.map(taskNamed("double"), numbers(400), { chunk }).toArray(),
          wanted,
        );
        const any = await executor.map(taskNamed("double"), numbers(400), {
          chunk,
          order: "completion",
        }).toArray();
        assertEquals(any.sort((a, b) => a - b), wanted);
      }
    },
  },
];
