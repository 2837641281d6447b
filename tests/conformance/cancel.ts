import { assert, assertEquals, assertRejects } from "@std/assert";
import { eventually, Gates, turns } from "./gates.ts";
import { type Guarantee, numbers, taskNamed } from "./guarantee.ts";

/** A signal that counts its listeners and the signals that follow it. */
function countedSignal(): { signal: AbortSignal; count: () => number } & Disposable {
  const { signal } = new AbortController();
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const listen = (...args: Parameters<typeof add>) => (count++, add(...args));
  Object.assign(signal, { addEventListener: listen });
  const { any } = AbortSignal;
  AbortSignal.any = (signals) => {
    const all = [...signals];
    if (all.includes(signal)) count++;
    return any(all);
  };
  return { signal, count: () => count, [Symbol.dispose]: () => void (AbortSignal.any = any) };
}

export const CANCEL: readonly Guarantee[] = [
  {
    name: "with a signal that was aborted before the run, nothing is pulled or started",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const reason = new Error("changed my mind");
      const signal = AbortSignal.abort(reason);
      let pulled = 0;
      function* items() {
        while (true) yield pulled++;
      }
      const map = executor.map(taskNamed("double"), items(), { signal });
      assert(await assertRejects(() => map.next()) === reason);
      assertEquals(
        await executor.mapSettled(taskNamed("double"), items(), { signal }).toArray(),
        [],
      );
      assertEquals(pulled, 0);
      const known = await executor.mapSettled(taskNamed("double"), [1, 2], { signal }).toArray();
      for (const outcome of known) {
        assert(outcome.status === "rejected" && outcome.ended === "cancelled");
        assertEquals([outcome.attempts, outcome.lane], [0, -1]);
        assert((outcome.reason as Error).cause === reason);
      }
      assertEquals(known.map(({ index }) => index), [0, 1]);
    },
  },
  {
    name: "an abort asks running tasks to stop, and queued items never start",
    async check({ open, width }) {
      await using gates = new Gates();
      // The grace is long, so that the tasks end by themselves on a busy machine too.
      await using executor = open({ graceMs: 10_000 });
      const started = Math.min(width, 5);
      const count = width === Infinity ? 5 : started + 6;
      const controller = new AbortController();
      const items = numbers(count).map((n) => ({ url: gates.url, key: String(n) }));
      const results = executor.mapSettled(taskNamed("gated"), items, {
        signal: controller.signal,
        chunk: 1,
      }).toArray();
      await gates.full(started);
      controller.abort(new Error("enough"));
      const outcomes = await results;
      await gates.empty();
      assertEquals(outcomes.map(({ index }) => index), numbers(count));
      assertEquals(
        outcomes.map((o) => o.status === "rejected" && o.ended),
        numbers(count).map(() => "cancelled" as const),
      );
      assertEquals(
        outcomes.map(({ attempts }) => attempts),
        numbers(count).map((n) => n < started ? 1 : 0),
      );
      assertEquals(gates.arrived.length, started);
    },
  },
  {
    name: "map rejects with the signal's reason if it is aborted while tasks run",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const controller = new AbortController();
      const items = numbers(Math.min(width, 4)).map((n) => ({ url: gates.url, key: String(n) }));
      const results = executor.map(taskNamed("gated"), items, { signal: controller.signal });
      const first = results.next();
      first.catch(() => {});
      await gates.full(1);
      const reason = new Error("enough");
      controller.abort(reason);
      assert(await assertRejects(() => first) === reason);
      await gates.empty();
    },
  },
  {
    name: "an abort after the run has ended changes nothing",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const controller = new AbortController();
      const values = await executor.map(taskNamed("double"), [1, 2], {
        signal: controller.signal,
      }).toArray();
      controller.abort();
      await turns(2);
      assertEquals(values, [2, 4]);
      assertEquals(await executor.map(taskNamed("double"), [3]).toArray(), [6]);
    },
  },
  {
    name: "a busy loop that polls context.cancelled() sees that its run was cancelled",
    notFor: {
      "event loop": "this event loop can't abort while it is busy",
      auto: "this event loop can't abort while it is busy",
      process: "a busy child reads no message: it is killed (next line)",
      machine: "a busy child reads no message: it is killed (next line)",
    },
    async check({ open }) {
      await using executor = open({ graceMs: 10_000 });
      await executor.ready(taskNamed("spinUntilStopped"));
      const controller = new AbortController();
      let settled = 0;
      const results = executor.mapSettled(taskNamed("spinUntilStopped"), [false, true], {
        signal: controller.signal,
        chunk: 1,
        onProgress: (progress) => {
          if (progress.settled === 1) settled = 1; // more are those that were cancelled
        },
      }).toArray();
      const spins = () => executor.running().some(({ index }) => index === 1);
      await eventually(() => settled === 1 && spins(), "only the loop runs");
      controller.abort();
      const outcomes = await results;
      assertEquals(settled, 1);
      const last = outcomes[1]!;
      assert(last.status === "rejected" && last.ended === "cancelled");
      assertEquals((last.reason as Error).message, "saw that it was to stop");
    },
  },
  {
    name: "a busy loop that never looks is killed when its run is cancelled",
    notFor: {
      "event loop": "this event loop can't abort while it is busy",
      auto: "this event loop can't abort while it is busy",
      thread: "nothing stops a busy thread: see the fault test with a program of its own",
    },
    async check({ open }) {
      await using executor = open({ graceMs: 50 });
      const controller = new AbortController();
      const outcomes = await executor.mapSettled(taskNamed("spinForEver"), [false, true], {
        signal: controller.signal,
        chunk: 1,
        onProgress: ({ settled }) => {
          if (settled === 1) setTimeout(() => controller.abort(), 50);
        },
      }).toArray();
      assertEquals(
        outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
        ["quick", "cancelled"],
      );
    },
  },
  {
    name: "thousands of runs on one signal leave no listener behind",
    async check({ model, open }) {
      // Under `cluster` each run needs round trips to the server, so 2000 would take almost a minute.
      const runs = model === "cluster" ? 1000 : 2000;
      await using executor = open();
      using counted = countedSignal();
      const { signal, count } = counted;
      for (let run = 0; run < runs; run++) {
        await executor.map(taskNamed("double"), [run], { signal }).toArray();
      }
      assertEquals(count(), 1);
    },
  },
  {
    name: "a listener that keeps the abort from others stops runs and calls all the same",
    async check({ open }) {
      await using executor = open();
      const starts = [
        (signal: AbortSignal) => executor.run(taskNamed("nap"), 3_600_000, { signal }),
        (signal: AbortSignal) => executor.map(taskNamed("nap"), [3_600_000], { signal }).toArray(),
      ];
      for (const start of starts) {
        const controller = new AbortController();
        controller.signal.addEventListener("abort", (event) => event.stopImmediatePropagation());
        const ended = start(controller.signal);
        controller.abort("enough");
        assertEquals(await ended.catch((reason) => reason), "enough");
      }
    },
  },
  {
    name: "what is cancelled is counted: onProgress adds up to the total",
    async check({ open }) {
      const naps = [0, ...Array<number>(9).fill(3_600_000)];
      for (const how of ["abort", "close"]) {
        await using executor = open();
        const controller = new AbortController();
        const { signal } = controller;
        let told: unknown;
        const outcomes = await executor.mapSettled(taskNamed("nap"), naps, {
          signal,
          onProgress(progress) {
            told = progress;
            if (progress.settled !== 1) return;
            if (how === "abort") controller.abort();
            else void executor.close();
          },
        }).toArray();
        assertEquals(outcomes.length, 10);
        assertEquals(told, { pulled: 10, settled: 10, rejected: 9, total: 10 });
      }
    },
  },
];
