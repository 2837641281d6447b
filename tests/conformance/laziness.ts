import { assert, assertEquals, assertRejects } from "@std/assert";
import { eventually, Gates, turns } from "./gates.ts";
import { type Guarantee, numbers, taskNamed } from "./guarantee.ts";

const ALL_AT_ONCE = { concurrent: "every item has a slot" };

/** An endless input that shows how far it was pulled and whether it was closed. */
function endless(): { items: Generator<number>; pulled: () => number; closed: () => boolean } {
  let pulled = 0;
  let closed = false;
  function* items() {
    try {
      while (true) yield pulled++;
    } finally {
      closed = true;
    }
  }
  return { items: items(), pulled: () => pulled, closed: () => closed };
}

export const LAZINESS: readonly Guarantee[] = [
  {
    name: "a consumer may rest for long, while nothing runs for it, and gets all the same",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const results = executor.map(taskNamed("double"), numbers(40), { buffer: 5 });
      const taken: number[] = [];
      for await (const value of results) {
        taken.push(value);
        if (value % 40 === 20) await new Promise((resolve) => setTimeout(resolve, 250));
      }
      assertEquals(taken, numbers(40).map((n) => 2 * n));
    },
  },
  {
    name: "nothing is pulled before the first result is asked for",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const { items, pulled } = endless();
      const results = executor.map(taskNamed("double"), items);
      await turns(3);
      assertEquals(pulled(), 0);
      await results.return();
      assertEquals(pulled(), 0);
    },
  },
  {
    name: "an endless input is closed once the loop is left after 10 results",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const { items, closed } = endless();
      const taken: number[] = [];
      for await (const value of executor.map(taskNamed("double"), items)) {
        if (taken.push(value) === 10) break;
      }
      assertEquals(taken, numbers(10).map((n) => 2 * n));
      assert(closed(), "the input's finally block did not run");
    },
  },
  {
    name: "an endless async input is closed once the loop is left after 10 results",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      let closed = false;
      async function* items() {
        try {
          for (let n = 0;; n++) {
            await undefined;
            yield n;
          }
        } finally {
          closed = true;
        }
      }
      const taken: number[] = [];
      for await (const value of executor.map(taskNamed("double"), items())) {
        if (taken.push(value) === 10) break;
      }
      assertEquals(taken, numbers(10).map((n) => 2 * n));
      await eventually(() => closed, "the input is closed");
    },
  },
  {
    name: "while tasks wait, exactly slots + buffer are pulled",
    notFor: ALL_AT_ONCE,
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      let pulled = 0;
      function* items() {
        while (true) yield { url: gates.url, key: String(pulled++) };
      }
      const results = executor.mapSettled(taskNamed("gated"), items(), { buffer: 3, chunk: 1 });
      const first = results.next();
      await gates.full(width);
      await turns();
      assertEquals(gates.waiting.length, width);
      assert(pulled >= width && pulled <= width + 3, `pulled ${pulled}`);
      gates.pass("0");
      await first;
      await gates.full(width);
      await turns();
      assert(pulled <= width + 3 + 1, `pulled ${pulled} though 1 was taken`);
      gates.openAll();
      await results.return();
    },
  },
  {
    name: "a slow consumer slows the source: pulled − taken settles at slots + buffer",
    onGpu: true,
    notFor: ALL_AT_ONCE,
    async check({ open, width }) {
      for (const chunk of [1, 4] as const) {
        await using executor = open();
        const { items, pulled } = endless();
        const room = width + 5;
        const results = executor.map(taskNamed("double"), items, { buffer: 5, chunk });
        for (let taken = 1; taken <= 12; taken++) {
          assertEquals((await results.next()).value, 2 * (taken - 1));
          assert(pulled() - taken <= room, `pulled ${pulled()}, taken ${taken}`);
        }
        await turns();
        assert(pulled() - 12 <= room, `pulled ${pulled()}, taken 12`);
        if (chunk === 1) await eventually(() => pulled() - 12 === room, "the buffer is filled");
        await results.return();
      }
    },
  },
  {
    name: "by default, too, an endless input isn't pulled further while nobody takes results",
    onGpu: true,
    notFor: ALL_AT_ONCE,
    async check({ open }) {
      await using executor = open();
      const { items, pulled } = endless();
      const results = executor.map(taskNamed("double"), items);
      await results.next();
      let before = -1;
      // It may take a while until all buffers are full; after that nothing more may be pulled.
      for (let look = 0; look < 200 && before !== pulled(); look++) {
        before = pulled();
        await turns(25);
      }
      assertEquals(pulled(), before);
      await results.return();
    },
  },
  {
    name:
      "few items are pulled ahead if they or their results are large, however short the tasks are",
    notFor: ALL_AT_ONCE,
    async check({ open, width }) {
      const large = [["echo", "x".repeat(400_000)], ["bytes", { length: 800_000 }]] as const;
      for (const [name, item] of large) {
        await using executor = open();
        let [pulled, taken] = [0, 0];
        const items = function* () {
          for (; pulled < 80; pulled++) yield item;
        };
        for await (const _ of executor.map(taskNamed(name), items())) {
          const ahead = pulled - ++taken;
          assert(ahead <= 11 * width + 8, `${ahead} were pulled ahead of ${name}`);
        }
        assertEquals(taken, 80);
      }
    },
  },
  {
    name: "items come from arrays, sets, generators, async generators and streams",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const inputs: (() => Iterable<number> | AsyncIterable<number>)[] = [
        () => numbers(50),
        () => new Set(numbers(50)),
        () => numbers(50).values(),
        async function* () {
          yield* numbers(50);
        },
        () => ReadableStream.from(numbers(50)),
        () => new Float64Array(numbers(50)),
      ];
      for (const input of inputs) {
        const values = await executor.map(taskNamed("double"), input()).toArray();
        assertEquals(values, numbers(50).map((n) => 2 * n));
      }
    },
  },
  {
    name: "no items give no results; holes and undefined are items",
    async check({ open }) {
      await using executor = open();
      assertEquals(await executor.map(taskNamed("double"), []).toArray(), []);
      // deno-lint-ignore no-sparse-arrays
      const values = await executor.map(taskNamed("echo"), [undefined, , 3, null]).toArray();
      assertEquals(values, [undefined, undefined, 3, null]);
    },
  },
  {
    name: "an input that throws fails the run with that very error",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const error = new RangeError("the input broke");
      function* broken() {
        yield 1;
        throw error;
      }
      async function* brokenLater() {
        yield 1;
        await undefined;
        throw error;
      }
      for (const settled of [false, true]) {
        for (const input of [broken, brokenLater]) {
          const run = settled
            ? executor.mapSettled(taskNamed("double"), input()).toArray()
            : executor.map(taskNamed("double"), input()).toArray();
          const thrown = await assertRejects(() => run as Promise<unknown>, RangeError);
          assert(thrown === error);
        }
      }
      assertEquals(await executor.map(taskNamed("double"), [4]).toArray(), [8]);
    },
  },
];
