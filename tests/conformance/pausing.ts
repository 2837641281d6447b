import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { LimitedExecutor } from "../../lib/mod.ts";
import { eventually, Gates, turns } from "./gates.ts";
import { type Guarantee, numbers, taskNamed } from "./guarantee.ts";

function gatedItems({ url }: Gates, count: number): { url: string; key: string }[] {
  return numbers(count).map((n) => ({ url, key: String(n) }));
}

/** Why a model's slots can't be changed. */
const FIXED = "its slots are what it is";
const ON_LANES = "its slots are set up with its lanes";

export const PAUSING: readonly Guarantee[] = [
  {
    name: "while the executor is paused nothing starts, and running tasks go on",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      const running = Math.min(width, 4);
      const items = gatedItems(gates, running + 6);
      const first = executor.map(taskNamed("gated"), items.slice(0, running), { chunk: 1 });
      const values = first.toArray();
      await gates.full(running);
      executor.pause();
      executor.pause();
      const later = executor.map(taskNamed("gated"), items.slice(running), { chunk: 1 }).toArray();
      const call = executor.run(taskNamed("double"), 4);
      gates.openAll();
      assertEquals(await values, items.slice(0, running).map(({ key }) => key));
      await turns(5);
      assertEquals([gates.arrived.length, executor.running()], [running, []]);
      executor.resume();
      assertEquals(await later, items.slice(running).map(({ key }) => key));
      assertEquals(await call, 8);
    },
  },
  {
    name:
      "an executor paused before anything ran starts no lane, keeps to maxQueued, and can be closed",
    async check({ open }) {
      const executor = open({ maxQueued: 1 });
      executor.pause();
      const results = executor.mapSettled(taskNamed("double"), [1, 2]).toArray();
      const waits = executor.run(taskNamed("double"), 1);
      const over = executor.run(taskNamed("double"), 2);
      await assertRejects(() => over, Error, "as many calls wait as maxQueued allows");
      await turns(3);
      assertEquals(await executor.usage(), []);
      const [outcomes, refused] = await Promise.all([
        results,
        assertRejects(() => waits, TypeError, "The executor was closed"),
        executor.close(),
      ]);
      assertEquals(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
      assert(refused instanceof TypeError);
    },
  },
  {
    name:
      "an executor paused again and again while its lanes start runs every item, however soon they are replaced",
    notFor: { machine: "such pauses outrun the messages by which its lanes are leased" },
    async check({ open }) {
      for (const options of [{ tasksPerLane: 1 }, { idleMs: 0 }]) {
        await using executor = open(options);
        let isPaused = false;
        let hasEnded = false;
        const values = executor.map(taskNamed("double"), [1, 2, 3]).toArray()
          .finally(() => hasEnded = true);
        await eventually(() => {
          isPaused = !isPaused;
          if (isPaused) executor.pause();
          else executor.resume();
          return hasEnded;
        }, "all has run");
        assertEquals(await values, [2, 4, 6]);
      }
    },
  },
  {
    name: "with more slots more tasks start at once; with fewer, running tasks go on",
    notFor: {
      sequential: FIXED,
      concurrent: FIXED,
      thread: ON_LANES,
      process: ON_LANES,
      machine: ON_LANES,
      auto: "it changes its slots itself",
    },
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open({ slots: 1 }) as LimitedExecutor;
      const items = gatedItems(gates, 12);
      const values = executor.map(taskNamed("gated"), items).toArray();
      await gates.full(1);
      executor.slots = 5;
      assertEquals(executor.slots, 5);
      await gates.full(5);
      executor.slots = 2;
      for (let left = 5; left > 2; left--) {
        gates.pass();
        await gates.until(() => gates.waiting.length < left, "it has gone");
        await turns(3);
        assertEquals(gates.waiting.length, left - 1);
      }
      gates.pass();
      await gates.full(2);
      await turns(3);
      assertEquals(gates.waiting.length, 2);
      assertThrows(() => executor.slots = 0, RangeError, "Cannot change limited(): slots must be");
      gates.openAll();
      assertEquals(await values, items.map(({ key }) => key));
    },
  },
  {
    name: "a model whose slots can't be changed refuses that, and names the one whose slots can",
    notFor: { limited: "its slots can be changed" },
    async check({ open, model }) {
      await using executor = open();
      const { slots } = executor;
      assertThrows(
        () => (executor as LimitedExecutor).slots = 2,
        TypeError,
        `Cannot change the slots of ${model}(): only those of limited() can be changed`,
      );
      assertEquals(executor.slots, slots);
    },
  },
  {
    name: "running tells what runs on which lane, and since when",
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      assertEquals(executor.running(), []);
      const before = performance.now();
      const count = Math.min(width, 4);
      const items = gatedItems(gates, count);
      const values = executor.map(taskNamed("gated"), items, { chunk: 1 }).toArray();
      values.catch(() => {});
      await gates.full(count);
      // The task's arrival at the gates can be known before its lane's report of the start.
      while (executor.running().length < count) await new Promise((done) => setTimeout(done, 1));
      const running = executor.running();
      assertEquals(running.map(({ index }) => index).toSorted(), numbers(count));
      for (const { lane, task, index, item, attempt, startedAtMs } of running) {
        assert(lane >= 0 && lane < executor.lanes, `lane ${lane}`);
        assertEquals([task.export, item, attempt], ["gated", items[index], 1]);
        // A lane's clock offset is only as exact as its messages are fast.
        const offMs = Math.max(before - startedAtMs, startedAtMs - performance.now());
        assert(offMs < 2_000, `${startedAtMs} is ${offMs} ms off`);
      }
      gates.openAll();
      await values;
      assertEquals(executor.running(), []);
    },
  },
];
