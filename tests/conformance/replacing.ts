import { assert, assertEquals } from "@std/assert";
import { task, type TaskName } from "../../lib/lanes/task.ts";
import { eventually, Gates } from "./gates.ts";
import { type Guarantee, numbers, OWN_LANE_ONLY, taskNamed } from "./guarantee.ts";
import type * as module from "./set_up_tasks.ts";
import type { Shared } from "./set_up_tasks.ts";

function setUpTask<Name extends TaskName<typeof module>>(name: Name) {
  return task<typeof module, Name>(new URL("./set_up_tasks.ts", import.meta.url), name);
}

/** Gates that record set-ups and teardowns and let all through at once. */
function openGates(): { readonly gates: Gates; readonly shared: Shared } {
  const gates = new Gates();
  gates.openAll();
  return { gates, shared: { url: gates.url } };
}

function counts({ arrived }: Gates): number[] {
  return ["set up", "torn down"].map((what) => arrived.filter((key) => key === what).length);
}

export const REPLACING: readonly Guarantee[] = [
  {
    name: "a lane gets no more tasks than tasksPerLane; the next has a new one, set up anew",
    async check({ open }) {
      const { gates, shared } = openGates();
      await using _gates = gates;
      for (const chunk of [1, 7, "auto"] as const) {
        const before = counts(gates);
        const executor = open({ shared, tasksPerLane: 3, graceMs: 20_000 });
        const uses = await executor.map(setUpTask("use"), numbers(12), { chunk }).toArray();
        const calls = numbers(2).map((n) => executor.run(setUpTask("use"), n));
        uses.push(...await Promise.all(calls));
        await executor.close();
        const byLane = Map.groupBy(uses, (use) => use.split(":")[0]);
        for (const [name, { length }] of byLane) assert(length <= 3, `${length} on ${name}`);
        const [up, down] = counts(gates).map((count, at) => count - before[at]!);
        // A lane whose batch was taken back before it started was set up without running it.
        assert(up! >= byLane.size && byLane.size >= Math.ceil(14 / 3), `${up} set-ups`);
        assertEquals(up, down);
      }
    },
  },
  {
    name: "with one task a lane, each process is its task's own, and a crash harms no other",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ tasksPerLane: 1 });
      const items = ["fine", "exit", "well", "good", "exit", "hale"];
      const outcomes = await executor.mapSettled(taskNamed("die"), items, {
        retries: { limit: 1, baseMs: 0 },
      }).toArray();
      assertEquals(
        outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
        ["fine", "crashed", "well", "good", "crashed", "hale"],
      );
    },
  },
  {
    name: "a lane that was idle for idleMs is closed and torn down; the next task has a new one",
    async check({ open }) {
      const { gates, shared } = openGates();
      await using _gates = gates;
      await using executor = open({ shared, idleMs: 1, graceMs: 20_000 });
      let lanes = 0;
      for (let time = 1; time <= 3; time++) {
        const used = await executor.map(setUpTask("use"), numbers(4), { chunk: 1 }).toArray();
        assertEquals(used.length, 4);
        await eventually(() => {
          const [up, down] = counts(gates);
          lanes = up!;
          return up === down;
        }, "what was set up is torn down");
        assert(lanes >= time, `${lanes} lanes after ${time} runs`);
        await eventually(async () => (await executor.usage()).length === 0, "no lane is left");
      }
    },
  },
  {
    name:
      "a lane that is made ready isn't idle before it is, and no lane is closed with work on it",
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open({ idleMs: 0 });
      await executor.ready(taskNamed("gated"));
      const call = executor.run(taskNamed("gated"), { url: gates.url, key: "held" });
      await gates.full(1);
      await executor.map(taskNamed("nap"), [5, 5, 5].slice(0, executor.slots > 1 ? 3 : 0))
        .toArray();
      assertEquals(executor.running().map(({ index }) => index), [0]);
      gates.openAll();
      assertEquals(await call, "held");
    },
  },
];
