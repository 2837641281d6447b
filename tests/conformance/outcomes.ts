import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Progress } from "../../lib/dispatch/map_options.ts";
import type { Settlement } from "../../lib/dispatch/output.ts";
import { clock } from "../../lib/lanes/timers.ts";
import { Gates, turns } from "./gates.ts";
import { type Guarantee, numbers, taskNamed, taskOf } from "./guarantee.ts";

export const OUTCOMES: readonly Guarantee[] = [
  {
    name: "mapSettled gives every item exactly one outcome, with how, where and when it ended",
    onGpu: true,
    async check({ open, width }) {
      await using executor = open();
      for (const chunk of ["auto", 1, 16] as const) {
        const outcomes = await executor.mapSettled(taskNamed("failOdd"), numbers(100), { chunk })
          .toArray();
        assertEquals(outcomes.map(({ index }) => index), numbers(100));
        for (const outcome of outcomes) {
          const { index, item, lane, attempts, queuedAtMs, startedAtMs, endedAtMs } = outcome;
          assertEquals([attempts, item], [1, index]);
          assert(lane >= 0 && lane < Math.min(width, executor.lanes), `lane ${lane}`);
          assert(endedAtMs >= startedAtMs, `ended ${endedAtMs}, started ${startedAtMs}`);
          assert(Number.isFinite(queuedAtMs) && endedAtMs - queuedAtMs > -5);
          if (index % 2 === 0) {
            assert(outcome.status === "fulfilled" && outcome.value === index);
          } else {
            assert(outcome.status === "rejected" && outcome.ended === "failed");
            assert(outcome.reason instanceof RangeError);
            assertEquals(outcome.reason.message, `${index} is odd`);
          }
        }
      }
    },
  },
  {
    name: "a system clock that was set while the program ran changes no task's times",
    onGpu: true,
    async check({ open }) {
      const hourMs = 3_600_000;
      // The clock behaves as if it had been an hour slow when the program began.
      const kept: { timeOriginMs: number } = clock;
      kept.timeOriginMs -= hourMs;
      try {
        await using executor = open();
        const began = performance.now();
        const [outcome] = await executor.mapSettled(taskNamed("double"), [1]).toArray();
        assert(Math.abs(outcome!.startedAtMs - began) < hourMs / 2, `${outcome!.startedAtMs}`);
      } finally {
        kept.timeOriginMs += hourMs;
      }
    },
  },
  {
    name: "map fails with the first failure and stops its siblings, running and queued",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      // The failing item is the last that gets a slot, so that all others run when it fails.
      const beside = Math.min(width, 4) - 1;
      const items: { url: string; key: string }[] = numbers(beside).map((n) => ({
        url: gates.url,
        key: String(n),
      }));
      items.push({ url: "no address", key: "x" });
      if (width !== Infinity) {
        for (const n of numbers(20)) items.push({ url: gates.url, key: `later ${n}` });
      }
      const run = executor.map(taskNamed("gated"), items, {
        chunk: 1,
        order: "completion",
        buffer: 0,
      });
      await assertRejects(() => run.next(), TypeError);
      await gates.empty();
      const arrived = gates.arrived.length;
      await turns();
      assertEquals(gates.arrived.length, arrived);
      assert(gates.arrived.every((key) => !key.startsWith("later")), gates.arrived.join());
      assertEquals((await run.next()).done, true);
    },
  },
  {
    name: "leaving the loop stops what runs and starts nothing more",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const count = width === Infinity ? 6 : 10 * width;
      const items = numbers(count).map((n) => ({ url: gates.url, key: String(n) }));
      const full = gates.full(Math.min(width, count)).then(() => gates.pass("0"));
      for await (const _ of executor.map(taskNamed("gated"), items, { chunk: 1 })) break;
      await full;
      // A request that a task sent before it was stopped may still be on its way.
      await turns();
      await gates.empty();
      const arrived = gates.arrived.length;
      await turns();
      assertEquals(gates.arrived.length, arrived);
      // One task has ended, so at most one more was started in its place.
      assert(arrived <= Math.min(width, count) + 1, `${arrived} of ${count} were started`);
    },
  },
  {
    name: "closing stops what runs and starts nothing more, of any run",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const count = width === Infinity ? 3 : 5 * width;
      const runs = ["a", "b"].map((name) => {
        const items = numbers(count).map((n) => ({ url: gates.url, key: `${name}${n}` }));
        return executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
      });
      const ended = Promise.allSettled(runs);
      await gates.full(Math.min(width, 2 * count));
      await executor.close();
      await ended;
      await gates.empty();
      await turns();
      assert(gates.arrived.length <= width, `${gates.arrived.length} of ${2 * count} were started`);
    },
  },
  {
    name: "onProgress counts up to the end; if it throws, the run fails with that",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const told: Progress[] = [];
      await executor.mapSettled(taskNamed("failOdd"), numbers(60), {
        chunk: 5,
        onProgress: (progress) => told.push(progress),
      }).toArray();
      for (const [at, { pulled, settled, rejected, total }] of told.entries()) {
        assert(settled > (told[at - 1]?.settled ?? 0) && pulled >= settled);
        assert(rejected <= settled);
        assertEquals(total, 60);
      }
      assertEquals(told.at(-1), { pulled: 60, settled: 60, rejected: 30, total: 60 });
      const error = new Error("the bar broke");
      const run = executor.mapSettled(taskNamed("double"), numbers(60), {
        onProgress() {
          throw error;
        },
      });
      assert(await assertRejects(() => run.toArray()) === error);
      assertEquals(await executor.map(taskNamed("double"), [1]).toArray(), [2]);
    },
  },
  {
    name: "onOutcome is told of each item when it ends, in whichever order results come",
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open({ slots: 2 });
      const told: string[] = [];
      const second = Promise.withResolvers<void>();
      const items = ["first", "second"].map((key) => ({ url: gates.url, key }));
      const results = executor.map(taskNamed("gated"), items, {
        chunk: 1,
        onOutcome(outcome) {
          told.push(`${outcome.index} ${outcome.status} ${outcome.item.key}`);
          if (told.length === 1) second.resolve();
        },
      }).toArray();
      if (executor.lanes * executor.slots > 1) {
        await gates.until(() => gates.waiting.includes("second"), "the second came");
        gates.pass("second");
        await second.promise;
        assertEquals(told, ["1 fulfilled second"]);
      }
      gates.openAll();
      await results;
      assertEquals(told.toSorted(), ["0 fulfilled first", "1 fulfilled second"]);
    },
  },
  {
    name: "onOutcome and retryIf are told when each attempt itself started and ended",
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const told: Settlement[] = [];
      const note = (outcome: Settlement) => {
        told.push(outcome);
        return true;
      };
      const task = taskNamed("napThenSucceedAt");
      const retries = { limit: 1, baseMs: 0, retryIf: note };
      const options = { retries, chunk: 3, onOutcome: note };
      const items = [1, 2, 1];
      for (
        const results of [
          executor.map(task, items, options),
          executor.mapSettled(task, items, options),
        ]
      ) {
        told.length = 0;
        await results.toArray();
        assertEquals(told.map(({ index, attempts }) => `${index} ${attempts}`).toSorted(), [
          "0 1",
          "1 1",
          "1 2",
          "2 1",
        ]);
        told.sort((a, b) => a.startedAtMs - b.startedAtMs);
        for (const [at, { queuedAtMs, startedAtMs, endedAtMs }] of told.entries()) {
          assert(queuedAtMs <= startedAtMs && startedAtMs <= endedAtMs);
          // With one slot, attempts don't overlap.
          if (at > 0 && executor.slots === 1) assert(told[at - 1]!.endedAtMs <= startedAtMs);
        }
      }
      told.length = 0;
      await executor.run(task, 2, { retries });
      const [first] = told;
      assert(first!.startedAtMs <= first!.endedAtMs);
    },
  },
  {
    name: "several results may be asked for at once",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const results = executor.map(taskNamed("double"), numbers(5));
      const asked = await Promise.all(numbers(7).map(() => results.next()));
      assertEquals(asked.map(({ value }) => value), [0, 2, 4, 6, 8, undefined, undefined]);
      assertEquals(asked.map(({ done }) => done ?? false).slice(4), [false, true, true]);
    },
  },
  {
    name: "a task's context tells the item's index and the attempt",
    async check({ open }) {
      await using executor = open();
      for (const chunk of [1, 3] as const) {
        assertEquals(
          await executor.map(taskNamed("aboutMe"), "abcde", { chunk }).toArray(),
          numbers(5).map((index) => ({ index, attempt: 1, aborted: false })),
        );
      }
    },
  },
  {
    name: "a task may take its context apart",
    async check({ open }) {
      await using executor = open();
      const apart = taskOf(
        "export default (_, { cancelled, signal, index }) => [cancelled(), signal.aborted, index]",
      );
      assertEquals(await executor.map(apart, "ab").toArray(), [[false, false, 0], [
        false,
        false,
        1,
      ]]);
    },
  },
];
