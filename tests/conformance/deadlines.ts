import { assert, assertEquals } from "@std/assert";
import { Gates } from "./gates.ts";
import { type Guarantee, numbers, OWN_LANE_ONLY, taskNamed, taskOf } from "./guarantee.ts";
import { withDeadline } from "../with_deadline.ts";

export const DEADLINES: readonly Guarantee[] = [
  {
    name: "a task past its deadline is asked to stop and ends as timed-out; its siblings don't",
    check: ({ open, width }) =>
      withDeadline(400, async (timeoutMs) => {
        await using executor = open();
        const items = [3_600_000, 1, 2, 3].slice(0, Math.max(2, width));
        const outcomes = await executor.mapSettled(taskNamed("nap"), items, {
          timeoutMs,
          chunk: 1,
        }).toArray();
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
          ["timed-out", ...items.slice(1)],
        );
        const [late] = outcomes;
        assert(late!.status === "rejected" && late!.reason instanceof Error);
        assertEquals(late!.reason.name, "TimeoutError");
      }),
  },
  {
    name: "a deadline counts from the task's own start, not from the queue's",
    notFor: { concurrent: "no item ever queues" },
    check: ({ open }) =>
      withDeadline(600, async (timeoutMs) => {
        await Promise.all(([1, 8] as const).map(async (chunk) => {
          await using executor = open({ lanes: 1, slots: 1 });
          const outcomes = await executor.mapSettled(
            taskNamed("nap"),
            numbers(8).map(() => 100),
            { timeoutMs, chunk },
          ).toArray();
          assertEquals(outcomes.map(({ status }) => status), numbers(8).map(() => "fulfilled"));
        }));
      }),
  },
  {
    name: "time that the caller's input and keys compute doesn't count towards a task's deadline",
    check: ({ open }) =>
      withDeadline(200, async (timeoutMs) => {
        await using executor = open();
        const busyMs = 1.5 * timeoutMs;
        const compute = () => {
          for (const endMs = performance.now() + busyMs; performance.now() < endMs;);
          return "key";
        };
        const items = (function* () {
          compute();
          yield 1;
        })();
        for (const options of [{}, { perKey: { key: compute } }]) {
          const given = "perKey" in options ? [1] : items;
          const [outcome] = await executor.mapSettled(taskNamed("double"), given, {
            timeoutMs,
            ...options,
          }).toArray();
          assertEquals(outcome!.status, "fulfilled");
        }
      }),
  },
  {
    name: "a busy loop that polls context.cancelled() ends at its deadline",
    onGpu: true,
    check: ({ open }) =>
      withDeadline(150, async (timeoutMs) => {
        await using executor = open();
        for (const chunk of [1, 2] as const) {
          const outcomes = await executor.mapSettled(taskNamed("spinUntilStopped"), [true, false], {
            timeoutMs,
            chunk,
          }).toArray();
          assertEquals(
            outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
            ["timed-out", "quick"],
          );
        }
      }),
  },
  {
    name: "a waiting task that ignores its deadline loses its slot, and the run goes on",
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open({ graceMs: 50 });
      const items = numbers(3).map((n) => ({ url: gates.url, key: String(n) }));
      const results = executor.mapSettled(taskNamed("deaf"), items, { timeoutMs: 300, chunk: 1 })
        .toArray();
      await gates.full(1);
      const outcomes = await results;
      assertEquals(
        outcomes.map((o) => o.status === "rejected" && o.ended),
        numbers(3).map(() => "timed-out" as const),
      );
      gates.openAll();
      assertEquals(await executor.map(taskNamed("double"), [2]).toArray(), [4]);
    },
  },
  {
    name: "a busy loop that never looks is killed at its deadline, and the rest completes",
    notFor: {
      ...OWN_LANE_ONLY,
      thread: "nothing stops a busy thread: see the fault test with a program of its own",
    },
    check: ({ open }) =>
      withDeadline(300, async (timeoutMs) => {
        await using executor = open({ slots: 1, graceMs: 50 });
        const items = [false, true, false, false, true, false];
        const outcomes = await executor.mapSettled(taskNamed("spinForEver"), items, {
          timeoutMs,
          chunk: 3,
        }).toArray();
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
          items.map((spins) => spins ? "timed-out" : "quick"),
        );
      }),
  },
  {
    name:
      "computing that an ended task left behind makes no other task miss its deadline: that runs elsewhere",
    notFor: {
      ...OWN_LANE_ONLY,
      machine: "what is sent to a machine may wait there for tasks of other programs",
    },
    check: ({ open, model }) =>
      withDeadline(1000, async (timeoutMs) => {
        await using executor = open({ lanes: 1, slots: 1, graceMs: 50 });
        const flag = new Int32Array(new SharedArrayBuffer(4));
        // Only this flag ends a busy thread's loop.
        await executor.run(taskNamed("leaveBusy"), model === "workers" ? flag : "busy");
        // By the end of this wait the lane is busy.
        await new Promise((resolve) => setTimeout(resolve, 50));
        const outcomes = await executor.mapSettled(taskNamed("leaveBusy"), ["idle", "idle"], {
          timeoutMs,
          loadTimeoutMs: timeoutMs,
          chunk: 1,
        }).toArray();
        // The module isn't blamed either if it can't load on the busy lane.
        await executor.run(taskNamed("leaveBusy"), model === "workers" ? flag : "busy");
        await new Promise((resolve) => setTimeout(resolve, 50));
        const isNew = taskOf("export default (n) => n");
        const fresh = await executor.mapSettled(isNew, ["new"], { loadTimeoutMs: timeoutMs })
          .toArray();
        Atomics.store(flag, 0, 1);
        assertEquals(
          [...outcomes, ...fresh].map((o) => [
            o.status === "fulfilled" ? o.value : o.reason,
            o.attempts,
          ]),
          [["idle", 1], ["idle", 1], ["new", 1]],
        );
      }, 5),
  },
  {
    name: "a task that timed out may be tried again",
    async check({ open }) {
      await using executor = open();
      const [outcome] = await executor.mapSettled(taskNamed("nap"), [3_600_000], {
        timeoutMs: 60,
        retries: { limit: 2, baseMs: 1 },
      }).toArray();
      assertEquals(outcome!.attempts, 3);
      assert(outcome!.status === "rejected" && outcome!.ended === "timed-out");
    },
  },
];
