import { assert, assertEquals, assertRejects } from "@std/assert";
import { Gates, turns } from "./gates.ts";
import { faultTask, type Guarantee, numbers, taskNamed } from "./guarantee.ts";

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
      // The first run alone may have filled the slots before the others started.
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
    name: "what a rate lets start waits for no task before it, from a lane's first one on",
    notFor: { sequential: "it has a single slot" },
    async check({ open }) {
      const rate = { limit: 1, perMs: 20 };
      for (const limits of [{ rate }, { perKey: { key: () => "k", rate } }]) {
        await using gates = new Gates();
        await using executor = open();
        const items = ["a", "b"].map((key) => ({ url: gates.url, key }));
        const values = executor.map(taskNamed("gated"), items, limits).toArray();
        await gates.full(2);
        gates.openAll();
        assertEquals(await values, ["a", "b"]);
      }
    },
  },
  {
    name: "with a rate every item is done in the end, on every lane",
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
    name:
      "a key has no more tasks in flight than its slots, and its waiting items hold up no other key",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const keys = ["a1", "a2", "a3", "b1", "b2", "a4", "c1"];
      const items = keys.map((key) => ({ url: gates.url, key }));
      const values = executor.map(taskNamed("gated"), items, {
        perKey: { key: ({ key }) => key[0]!, slots: 1 },
      }).toArray();
      for (let left = keys.length; left > 0; left--) {
        const names = new Set(keys.filter((key) => !gates.arrived.includes(key)).map(([n]) => n));
        for (const [name] of gates.waiting) names.add(name);
        await gates.full(Math.min(width, names.size));
        await turns(2);
        const waiting = gates.waiting.map(([name]) => name);
        assertEquals(new Set(waiting).size, waiting.length, gates.waiting.join());
        // The last arrived passes first: items whose key waits behind the first must not wait for it.
        gates.pass(gates.waiting.at(-1));
      }
      assertEquals(await values, keys);
    },
  },
  {
    name:
      "a key's tasks start no faster than its rate allows, and other keys' tasks are done meanwhile",
    async check({ open }) {
      await using executor = open();
      const controller = new AbortController();
      const outcomes = executor.mapSettled(taskNamed("double"), numbers(40), {
        perKey: { key: (n) => n < 20 ? "slow" : n, rate: { limit: 2, perMs: 3_600_000 } },
        order: "completion",
        signal: controller.signal,
      });
      const done: number[] = [];
      for await (const { index, status } of outcomes) {
        if (status === "fulfilled") done.push(index);
        if (done.length === 22) controller.abort();
      }
      assertEquals(done.toSorted((a, b) => a - b), [0, 1, ...numbers(20).map((n) => 20 + n)]);
    },
  },
  {
    name:
      "an endless input whose keys are always new is worked through, with few items pulled ahead",
    notFor: { concurrent: "every item has a slot" },
    async check({ open, width }) {
      await using executor = open();
      let pulled = 0;
      function* endless() {
        for (;;) yield pulled++;
      }
      let taken = 0;
      const values = executor.map(taskNamed("double"), endless(), {
        buffer: 3,
        perKey: { key: (n) => n >> 1, slots: 1, rate: { limit: 1, perMs: 1 } },
      });
      for await (const value of values) {
        assertEquals(value, 2 * taken++);
        assert(pulled <= taken + width + 3, `${pulled} at ${taken}`);
        if (taken === 200) break;
      }
    },
  },
  {
    name: "a key whose server asks for a pause waits that long, and no other key does",
    async check({ open }) {
      await using gates = new Gates();
      gates.openAll();
      await using executor = open();
      const controller = new AbortController();
      const items = numbers(30).map((n) => ({
        url: gates.url,
        key: `${n % 3 === 0 ? "busy" : "free"} ${n}`,
        busySeconds: n === 0 ? 3600 : 0,
      }));
      const ends: string[] = [];
      const told = Promise.withResolvers<void>();
      const outcomes = executor.mapSettled(faultTask("askServer"), items, {
        perKey: { key: ({ key }) => key.slice(0, 4), slots: 1 },
        retries: { limit: 1, maxMs: 4_000_000, retryIf: () => (told.resolve(), true) },
        order: "completion",
        signal: controller.signal,
      });
      for await (const { status, attempts, index } of outcomes) {
        ends[index] = `${status} ${attempts}`;
        if (status !== "fulfilled" || Object.keys(ends).length < 20) continue;
        // The lane of the busy item may have taken longer to start.
        await told.promise;
        controller.abort();
      }
      assertEquals(
        ends,
        numbers(30).map((n) => n === 0 ? "rejected 1" : n % 3 === 0 ? "rejected 0" : "fulfilled 1"),
      );
    },
  },
  {
    name: "without keys, a run whose server asks for a pause waits that long, and other runs go on",
    notFor: { concurrent: "every item has started by then" },
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const controller = new AbortController();
      const told = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      // These items are sent together with the one whose server is busy.
      const before = width - 1;
      let left = before;
      const items = numbers(12).map((n) => ({
        url: gates.url,
        key: String(n),
        busySeconds: n === 0 ? 3600 : 0,
      }));
      const outcomes = executor.mapSettled(faultTask("askServer"), items, {
        retries: { limit: 1, maxMs: 4_000_000, retryIf: () => (told.resolve(), true) },
        chunk: 1,
        signal: controller.signal,
        onOutcome: () => void (--left === 0 && ended.resolve()),
      }).toArray();
      await told.promise;
      await gates.full(before);
      gates.openAll();
      await turns(5);
      assertEquals(await executor.map(taskNamed("double"), numbers(9)).toArray(), [
        ...numbers(9).map((n) => 2 * n),
      ]);
      assertEquals(gates.arrived.length, before);
      if (before > 0) await ended.promise;
      controller.abort();
      const done = (await outcomes).filter(({ status }) => status === "fulfilled");
      assertEquals(done.length, before);
    },
  },
  {
    name: "a key function that throws fails the run with its error, and the executor stays usable",
    async check({ open }) {
      await using executor = open();
      const wrong = new Error("no host in it");
      const run = executor.mapSettled(taskNamed("double"), numbers(9), {
        perKey: {
          key(n) {
            if (n === 4) throw wrong;
            return "a";
          },
        },
      });
      const settled: number[] = [];
      const error = await assertRejects(async () => {
        for await (const { index } of run) settled.push(index);
      });
      assert(error === wrong);
      assertEquals(settled, numbers(9));
      assertEquals(await executor.map(taskNamed("double"), [1]).toArray(), [2]);
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
