import { assertEquals } from "@std/assert";
import { Gates } from "./gates.ts";
import { type Guarantee, numbers, taskNamed, taskOf } from "./guarantee.ts";

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
    name: "items and calls of a task that has to be loaded first start in their order on each lane",
    async check({ open, model }) {
      await using executor = open({ lanes: 1 });
      const code = "const seen = []; export default (n) => (seen.push(n), seen.join());";
      // In this event loop a module is there once for all models.
      const [called, mapped] = ["called", "mapped"].map((how) =>
        taskOf(`${code} // ${how}, ${model}`)
      );
      const wanted = numbers(8).map((n) => numbers(n + 1).join());
      assertEquals(await Promise.all(numbers(8).map((n) => executor.run(called!, n))), wanted);
      assertEquals(await executor.map(mapped!, numbers(8), { chunk: 1 }).toArray(), wanted);
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
