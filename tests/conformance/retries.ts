import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Gates } from "./gates.ts";
import { type Guarantee, numbers, taskNamed } from "./guarantee.ts";
import { withDeadline } from "../with_deadline.ts";

const SOON = { baseMs: 1, maxMs: 2 };

export const RETRIES: readonly Guarantee[] = [
  {
    name: "a task is tried again up to its limit, and attempts counts",
    async check({ open }) {
      await using executor = open();
      for (const chunk of [1, 4] as const) {
        const outcomes = await executor.mapSettled(taskNamed("succeedAt"), [1, 2, 3, 4, 5], {
          retries: { limit: 3, ...SOON },
          chunk,
        }).toArray();
        assertEquals(outcomes.map(({ attempts }) => attempts), [1, 2, 3, 4, 4]);
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended),
          [1, 2, 3, 4, "failed"],
        );
      }
    },
  },
  {
    name: "without retries nothing is tried again",
    async check({ open }) {
      await using executor = open();
      const [outcome] = await executor.mapSettled(taskNamed("succeedAt"), [2]).toArray();
      assert(outcome!.status === "rejected" && outcome!.attempts === 1);
      assertStringIncludes(String(outcome!.reason), "attempt 1 failed");
    },
  },
  {
    name: "an error with retryable: false, or that retryIf refuses, is not retried",
    async check({ open }) {
      await using executor = open();
      const [one] = await executor.mapSettled(taskNamed("failForGood"), [undefined as never], {
        retries: { limit: 5, ...SOON },
      }).toArray();
      assertEquals(one!.attempts, 1);
      const asked: number[] = [];
      const outcomes = await executor.mapSettled(taskNamed("succeedAt"), numbers(4), {
        retries: {
          limit: 5,
          ...SOON,
          retryIf({ index, ended, reason }) {
            asked.push(index);
            assertEquals(ended, "failed");
            assert(reason instanceof Error);
            return index === 3;
          },
        },
      }).toArray();
      assertEquals(outcomes.map(({ attempts }) => attempts), [1, 1, 1, 3]);
      assertEquals(asked.sort(), [2, 3, 3]);
    },
  },
  {
    name: "retryIf may say how long to wait, and that other items of the key wait as long",
    async check({ open }) {
      await using executor = open();
      const done: number[] = [];
      const told = Promise.withResolvers<void>();
      const controller = new AbortController();
      const outcomes = executor.mapSettled(taskNamed("succeedAt"), [2, 1, 3, 1, 1, 3], {
        retries: {
          limit: 2,
          retryIf: ({ index }) => {
            if (index === 0) return { afterMs: 1 };
            told.resolve();
            return { afterMs: 3_600_000, pauseMs: 3_600_000 };
          },
        },
        perKey: { key: (n) => n, slots: 1 },
        order: "completion",
        signal: controller.signal,
      });
      for await (const { index, status, attempts } of outcomes) {
        if (status === "fulfilled") done.push(index);
        else assertEquals(attempts, index === 2 ? 1 : 0);
        if (done.length < 4) continue;
        await told.promise;
        controller.abort();
      }
      assertEquals(done.toSorted(), [0, 1, 3, 4]);
    },
  },
  {
    name: "items go on while others wait for their next attempt, however many wait",
    async check({ open }) {
      await using executor = open();
      const order: number[] = [];
      const late = 60;
      const items = [...numbers(late).map(() => 2), ...numbers(20).map(() => 1)];
      for await (
        const outcome of executor.mapSettled(taskNamed("succeedAt"), items, {
          retries: { limit: 1, baseMs: 60_000, maxMs: 60_000, jitter: false },
          order: "completion",
          chunk: 1,
        })
      ) {
        // The loop ends without waiting for the first items, whose next attempt is a minute away.
        if (order.push(outcome.index) === 20) break;
      }
      assertEquals(order.sort((a, b) => a - b), numbers(20).map((n) => n + late));
    },
  },
  {
    name: "a retryIf that throws fails the run with that",
    async check({ open }) {
      await using executor = open();
      const error = new Error("can't decide");
      const run = executor.mapSettled(taskNamed("succeedAt"), [1, 2, 1], {
        retries: {
          limit: 1,
          retryIf() {
            throw error;
          },
        },
      });
      assert(await assertRejects(() => run.toArray()) === error);
      assertEquals(await executor.map(taskNamed("double"), [1]).toArray(), [2]);
    },
  },
  {
    name: "a task that ignores its deadline is retried, in every model alike",
    check: ({ open }) =>
      withDeadline(300, async (timeoutMs) => {
        await using gates = new Gates();
        await using executor = open({ graceMs: 100 });
        const [outcome] = await executor.mapSettled(taskNamed("deaf"), [
          { url: gates.url, key: "deaf" },
        ], { timeoutMs, retries: { limit: 1, ...SOON } }).toArray();
        assert(outcome!.status === "rejected" && outcome!.ended === "timed-out");
        assertEquals(outcome!.attempts, 2);
        assertEquals(gates.arrived, ["deaf", "deaf"]);
      }),
  },
];
