/** When a watch takes an event loop or lanes for busy, blocked or kept from a core. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Look, ONE, type Seen, type Shape, Watch } from "../../lib/adaptive/watch.ts";

const LANES: Shape = { place: "lanes", lanes: 2, slots: 1 };
const MANY: Shape = { ...ONE, slots: 16 };

const SEEN: Seen = {
  nowMs: 0,
  loopCpuMs: 0,
  cpuMs: 0,
  heldMs: 0,
  switches: { involuntary: 0, voluntary: 0 },
  inFlight: 1,
  remaining: 9,
  travels: true,
  memoryBytes: 0,
  lateMs: 0,
};

/** The measurements 100 ms after the watch was opened, with these changes since. */
function after100Ms(
  shape: Shape,
  changed: Partial<Seen>,
  ranMs = 0,
): Look {
  const watch = new Watch();
  watch.open(SEEN);
  watch.ended = 10;
  watch.ranMs = ranMs;
  return watch.look({ ...SEEN, nowMs: 100, ...changed }, shape);
}

const busy = (...args: Parameters<typeof after100Ms>) => after100Ms(...args).busyShare;

Deno.test("an event loop is busy if it computes, or if a single task holds it", () => {
  assertEquals(busy(ONE, { cpuMs: 95, loopCpuMs: 90 }), 0.9);
  assertEquals(busy(ONE, { cpuMs: 5, heldMs: 95 }), 0.95);
  assertEquals(after100Ms(ONE, { cpuMs: 5, heldMs: 95 }).perSecond, 100);
  // Other programs have the core for half of the time.
  assertEquals(busy(MANY, { cpuMs: 50, loopCpuMs: 80, lateMs: 90 }), 0.9);
});

Deno.test("an event loop isn't busy if ticks are late because of other programs or of threads that tasks started", () => {
  assertAlmostEquals(busy(ONE, { cpuMs: 4, lateMs: 90 }), 0.08);
  assertAlmostEquals(busy(MANY, { cpuMs: 190, lateMs: 90, heldMs: 90 }), 0.1);
});

Deno.test("time in which timers were late and no CPU was used is left out, once", () => {
  for (
    const [changed, isStill] of [
      [{ cpuMs: 5 }, true],
      [{ cpuMs: 40 }, false],
      [{ cpuMs: 5, heldMs: 70 }, false],
      [{ cpuMs: undefined }, false],
    ] as const
  ) {
    const watch = new Watch();
    watch.open(SEEN);
    watch.leaveOut(SEEN);
    const seen = { ...SEEN, nowMs: 100, lateMs: 80, ...changed };
    assertEquals(watch.leaveOut(seen), isStill ? 80 : 0);
    assertAlmostEquals(watch.look(seen, ONE).elapsedMs, isStill ? 20 : 100);
    // The same standstill is left out only once.
    assertEquals(watch.leaveOut({ ...seen, nowMs: 101 }), 0);
  }
});

Deno.test("tasks wait if they hardly compute and leave their core by themselves as often as tasks end", () => {
  const waits = (...args: Parameters<typeof after100Ms>) => after100Ms(...args).waits;
  const switches = { involuntary: 3, voluntary: 12 };
  assert(waits(ONE, { cpuMs: 5, heldMs: 95, switches }));
  assert(waits(ONE, { cpuMs: 20, heldMs: 95, switches }));
  assert(waits(LANES, { cpuMs: 15, switches }));
  assert(!waits(ONE, { cpuMs: 95, loopCpuMs: 90, heldMs: 95, switches }));
  assert(!waits(ONE, { cpuMs: 5, heldMs: 95, switches: { involuntary: 10, voluntary: 12 } }));
  assert(!waits(ONE, { cpuMs: 5, heldMs: 95, switches: { involuntary: 2, voluntary: 3 } }));
  // The task computes as much as it gets of a core that other programs use too.
  assert(!waits(ONE, { cpuMs: 30, heldMs: 95, switches }));
  assert(!waits(LANES, { cpuMs: 15, lateMs: 40, switches }));
});

Deno.test("lanes that are kept from their cores are busy, and lanes that wait aren't", () => {
  assertEquals(busy(LANES, { cpuMs: 180 }), 0.9);
  assertEquals(busy(LANES, { cpuMs: 20 }), 0.1);
  assertEquals(busy(LANES, { cpuMs: 20, switches: { involuntary: 20, voluntary: 10 } }), 1);
  assertEquals(busy(LANES, { cpuMs: 20, lateMs: 40 }), 1);
  // Ticks are late because of the event loop's own work.
  assertEquals(busy(LANES, { cpuMs: 60, loopCpuMs: 40, lateMs: 40 }), 0.3);
  assertEquals(busy(LANES, { cpuMs: undefined }), 1);
});

Deno.test("a single task holds the event loop if it takes as long as the loop is held, even if others use the core", () => {
  const holds = (heldMs: number, ranMs: number) =>
    after100Ms(ONE, { cpuMs: 30, heldMs }, ranMs).holds;
  assert(holds(95, 0) && holds(40, 45));
  assert(!holds(40, 0) && !holds(5, 90));
});

Deno.test("many tasks that take long to start don't each count as holding the event loop", () => {
  const holds = (inFlight: number) =>
    after100Ms(MANY, { cpuMs: 190, heldMs: 90, inFlight }, 60).holds;
  assert(holds(1) && holds(10) && !holds(11));
});
