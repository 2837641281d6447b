import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually, Gates } from "./gates.ts";
import { type Guarantee, numbers, OWN_LANE_ONLY, taskNamed, taskOf } from "./guarantee.ts";

/** The ways in which a task can end its lane, and the error's text for each. */
const WAYS = {
  "exit": /called Deno\.exit\(7\)|exited with code 7/,
  "close": /self\.close\(\)|exited/,
  "throw late": /threw outside the task/,
  "reject unheard": /left a rejection unhandled/,
} as const;

export const CRASHES: readonly Guarantee[] = [
  ...Object.entries(WAYS).map(([way, says]): Guarantee => ({
    name: `a task that ends its lane (${way}) is named as crashed, and all others complete`,
    notFor: OWN_LANE_ONLY,
    // An error that a kernel leaves to a timer comes at any time and may be blamed on another task.
    ...(way !== "throw late" && { onGpu: true }),
    async check({ open }) {
      for (const [slots, chunk] of [[1, 1], [2, 1], [1, 5]] as const) {
        await using executor = open({ slots });
        const items = numbers(12).map((n) => n === 6 ? way : `fine ${n}`);
        const outcomes = await executor.mapSettled(taskNamed("die"), items, { chunk }).toArray();
        assertEquals(outcomes.map(({ index }) => index), numbers(12));
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
          items.map((item) => item === way ? "crashed" : item),
        );
        const { reason } = outcomes[6] as { reason: Error };
        assertEquals(reason.name, "CrashedError");
        assertStringIncludes(reason.message, "Item 6");
        assertMatch(reason.message, says);
        if (way === "throw late") assert((reason.cause as Error).message === "too late");
        if (way === "reject unheard") assert((reason.cause as Error).message === "nobody listens");
      }
    },
  })),
  {
    name: "an error that ends a lane after its task has ended is reported once, and costs no item",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      const { error } = console;
      const said: string[] = [];
      console.error = (text: unknown) => void said.push(String(text));
      try {
        for (const way of ["throws", "rejects"]) {
          await using executor = open({ lanes: 1 });
          const leaves = taskOf(`export default (way) => {
            if (way === "throws") setTimeout(() => { throw new TypeError("left \\u001b " + way) });
            if (way === "rejects") setTimeout(() => void Promise.reject(new Error("left " + way)));
            return way;
          }`);
          for (let time = 0; time < 2; time++) {
            const outcomes = await executor.mapSettled(leaves, [way, "", ""]).toArray();
            assertEquals(outcomes.map(({ status }) => status), Array(3).fill("fulfilled"));
            await eventually(() => said.some((line) => line.includes(way)), "it was told");
          }
        }
      } finally {
        console.error = error;
      }
      assertEquals(said.length, 2);
      assertMatch(said[0]!, /^warning: lane 0 threw outside the task, .*: "left \\x1b throws"/);
      assertMatch(said[1]!, /^warning: lane 0 left a rejection unhandled, .*: "left rejects"/);
    },
  },
  {
    name:
      "if something that an ended task left behind ends the lane, the running task isn't blamed",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      const { error } = console;
      console.error = () => {};
      try {
        for (const way of ["throw", "reject", "exit"]) {
          await using executor = open({ lanes: 1, slots: 1 });
          const task = taskOf(`
            const WAYS = {
              throw() { throw new Error("left behind") },
              reject() { Promise.reject(new Error("left behind")) },
              exit() { Deno.exit(7) },
            };
            function endOnce(way) {
              if (globalThis.isRunning) WAYS[way]();
              else setTimeout(endOnce, 1, way);
            }
            export default (item, { attempt }) => {
              if (item !== "runs") return endOnce(item);
              globalThis.isRunning = true;
              return attempt === 1 ? new Promise(() => {}) : item;
            };`);
          const outcomes = await executor.mapSettled(task, [way, "runs"], { chunk: 1 }).toArray();
          assertEquals(
            outcomes.map((o) => [o.status === "fulfilled" ? o.value : o.reason, o.attempts]),
            [[undefined, 1], ["runs", 2]],
          );
        }
      } finally {
        console.error = error;
      }
    },
  },
  {
    name: "a task that kills two lanes is quarantined, however many retries are left",
    notFor: OWN_LANE_ONLY,
    onGpu: true,
    async check({ open }) {
      // With several slots, the tasks beside it would be suspects too.
      await using executor = open({ slots: 1 });
      const outcomes = await executor.mapSettled(taskNamed("die"), ["a", "exit", "b", "c"], {
        retries: { limit: 9, baseMs: 1, maxMs: 2 },
        chunk: 1,
      }).toArray();
      assertEquals(
        outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
        ["a", "crashed", "b", "c"],
      );
      assertEquals(outcomes[1]!.attempts, 2);
      assertStringIncludes((outcomes[1] as { reason: Error }).reason.message, "quarantined");
    },
  },
  {
    name: "after a crash the pool has as many lanes as before",
    notFor: OWN_LANE_ONLY,
    async check({ open, width }) {
      await using gates = new Gates();
      await using executor = open();
      for (let round = 0; round < 3; round++) {
        await executor.mapSettled(taskNamed("die"), ["exit", "exit"], { chunk: 1 }).toArray();
      }
      const items = numbers(3 * width).map((n) => ({ url: gates.url, key: String(n) }));
      const results = executor.map(taskNamed("gated"), items, { chunk: 1 }).toArray();
      await gates.full(width);
      gates.openAll();
      assertEquals((await results).length, 3 * width);
      assertEquals(gates.peak, width);
    },
  },
  {
    name: "a crash in one run leaves another on the same executor unharmed",
    notFor: OWN_LANE_ONLY,
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const [doubled, died] = await Promise.all([
        executor.map(taskNamed("double"), numbers(300), { chunk: 10 }).toArray(),
        executor.mapSettled(taskNamed("die"), ["exit", "x", "exit", "y"], { chunk: 1 }).toArray(),
      ]);
      assertEquals(doubled, numbers(300).map((n) => 2 * n));
      assertEquals(died.map(({ status }) => status), [
        "rejected",
        "fulfilled",
        "rejected",
        "fulfilled",
      ]);
    },
  },
  {
    name:
      "a lane that an earlier task ends while another's module is loaded costs the other nothing",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      const arm = taskOf(`export default (n) => {
        globalThis.late = () => { throw new Error("too late") };
        return n;
      }`);
      const loadsSlowly = taskOf(`
        if (globalThis.late) {
          setTimeout(globalThis.late);
          await new Promise(() => {});
        }
        export default (n) => 2 * n;
      `);
      await using executor = open({ lanes: 1 });
      await executor.run(arm, 1);
      const outcomes = await executor.mapSettled(loadsSlowly, [1, 2, 3]).toArray();
      assertEquals(
        outcomes.map((o) => [o.status === "fulfilled" ? o.value : o.reason, o.attempts]),
        [[2, 1], [4, 1], [6, 1]],
      );
    },
  },
  {
    name: "a task module that can't be loaded fails its items and says why",
    onGpu: true,
    async check({ open }) {
      await using executor = open();
      const nowhere = { module: new URL("./nowhere.ts", import.meta.url).href, export: "default" };
      const unnamed = { ...taskNamed("double"), export: "nothing" };
      for (const [task, says] of [[nowhere, /nowhere\.ts/], [unnamed, /"nothing"/]] as const) {
        const outcomes = await executor.mapSettled(task, [1, 2] as never[], { retries: 3 })
          .toArray();
        for (const outcome of outcomes) {
          assert(
            outcome.status === "rejected" && outcome.ended === "failed",
            JSON.stringify(outcome),
          );
          assertEquals((outcome.reason as Error).name, "TaskLoadError");
          assertMatch((outcome.reason as Error).message, says);
          assertEquals(outcome.attempts, 1);
        }
      }
      assertEquals(await executor.map(taskNamed("double"), [5]).toArray(), [10]);
    },
  },
];
