import { assertEquals } from "@std/assert";
import { limited } from "../../lib/open.ts";
import { LaneWatch } from "../../lib/timing/lane_watch.ts";

Deno.test("a look tells how many tasks run on each lane, and how long those took that ended since", async () => {
  await using executor = limited({ slots: 3 });
  const watch = new LaneWatch(executor);
  assertEquals(watch.look(), { lanes: [0], slots: 3, latencyMs: null });
  const gate = Promise.withResolvers<void>();
  const calls = [1, 2].map((n) => executor.run(() => gate.promise, n));
  for (const endedAtMs of [14, 11, 12, NaN]) watch.ended({ startedAtMs: 10, endedAtMs });
  assertEquals(watch.look(), { lanes: [2], slots: 3, latencyMs: { median: 2, most: 4 } });
  gate.resolve();
  await Promise.all(calls);
  assertEquals(watch.look(), { lanes: [0], slots: 3, latencyMs: null });
});

Deno.test("lanes that are named though they are closed count too, and all slots at once are null", () => {
  const running = [{ lane: 0 }, { lane: 2 }, { lane: 2 }] as never;
  const watch = new LaneWatch({ lanes: 2, slots: Infinity, running: () => running });
  assertEquals(watch.look(), { lanes: [1, 0, 2], slots: null, latencyMs: null });
});
