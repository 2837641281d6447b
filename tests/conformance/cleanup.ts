import { assert, assertEquals, assertRejects } from "@std/assert";
import type { LaneUsage } from "../../lib/mod.ts";
import { isFixed, isRemote } from "../../lib/models.ts";
import { gone, runs } from "./children.ts";
import { eventually, Gates } from "./gates.ts";
import { type Guarantee, hasOwnProcess, numbers, taskNamed } from "./guarantee.ts";

export const CLEANUP: readonly Guarantee[] = [
  {
    name: "close() stops what runs, and is done when it has stopped; a second close() is harmless",
    async check({ open, width }) {
      await using gates = new Gates();
      const executor = open();
      const items = numbers(Math.min(width, 4) + 3).map((n) => ({ url: gates.url, key: `${n}` }));
      const results = executor.mapSettled(taskNamed("gated"), items, { chunk: 1 }).toArray();
      await gates.full(Math.min(width, 4));
      await executor.close();
      const outcomes = await results;
      assertEquals(
        outcomes.map((o) => o.status === "rejected" && o.ended),
        items.map(() => "cancelled" as const),
      );
      await gates.empty();
      await executor.close();
    },
  },
  {
    name: "a closed executor refuses to map",
    onGpu: true,
    async check({ open }) {
      const executor = open();
      await executor.close();
      await assertRejects(
        () => executor.map(taskNamed("double"), [1]).toArray(),
        TypeError,
        "closed",
      );
      await assertRejects(() => executor.ready(), TypeError, "closed");
    },
  },
  {
    name: "after close() no child is left",
    notFor: {
      "event loop": "it has none",
      auto: "it has none",
      thread: "it has none",
    },
    async check({ open }) {
      const executor = open();
      const pids = new Set(
        await executor.map(taskNamed("pid"), numbers(20), { chunk: 1 }).toArray(),
      );
      assert(!pids.has(Deno.pid) && [...pids].every(runs));
      await executor.close();
      await gone(...pids);
    },
  },
  {
    name: "ready() starts every lane, and usage() tells of each",
    onGpu: true,
    async check({ open, model }) {
      await using executor = open();
      await executor.ready();
      await executor.map(taskNamed("double"), numbers(10)).toArray();
      let usage: readonly LaneUsage[] = [];
      const isTold = isRemote(model) && isFixed(model);
      // What a busy lane tells too late for one look is known to the next.
      await eventually(async () => {
        usage = await executor.usage();
        return usage.every(({ cpuMs }) => (cpuMs !== undefined) === isTold);
      }, "every lane has told its usage");
      assertEquals(usage.map(({ lane }) => lane), numbers(executor.lanes));
      for (const { startMs, peakRssBytes } of usage) {
        assert(startMs >= 0);
        assertEquals(peakRssBytes !== undefined, hasOwnProcess(model));
      }
    },
  },
  {
    name: "an executor opened and closed unused leaves nothing",
    onGpu: true,
    async check({ open }) {
      await using _ = open();
      const other = open();
      void other.ready().catch(() => {});
      await other.close();
    },
  },
];
