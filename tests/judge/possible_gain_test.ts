import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { possibleGain } from "../../lib/judge/possible_gain.ts";

const COMPUTES = { cpuShare: 1, onLoop: 1 };
const LOOP = { lanes: 1, inFlight: 1000 };
const LANES = { lanes: 4, inFlight: 1000 };

Deno.test("possibleGain() is what the cores give tasks that compute, and nothing on one event loop", () => {
  assertEquals(possibleGain(COMPUTES, 2, LANES), 2);
  assertEquals(possibleGain(COMPUTES, 2, LOOP), 1);
  // Beside the loop they compute on all cores.
  assertEquals(possibleGain({ cpuShare: 1, onLoop: 0 }, 2, LOOP), 2);
  assertEquals(possibleGain({ cpuShare: 1, onLoop: 0.8 }, 2, LOOP), 1.25);
});

Deno.test("possibleGain() isn't above the tasks in flight, nor below 1", () => {
  const waits = { cpuShare: 0.001, onLoop: 1 };
  assertEquals(possibleGain(waits, 2, { lanes: 1, inFlight: 8 }), 8);
  assertEquals(possibleGain({ ...COMPUTES, held: 1 }, 0.5, LANES), 1);
});

Deno.test("possibleGain() lets tasks that compute all the time spare no waking", () => {
  // Two cores, others computing: ten times as fast can't be.
  assertEquals(possibleGain({ cpuShare: 1, onLoop: 0 }, 2, LOOP), 2);
  // Of what tasks compute that wait half of the time four tenths may be waking.
  const half = 1 / (0.5 * Math.SQRT1_2);
  assertAlmostEquals(possibleGain({ cpuShare: 0.5, onLoop: 1 }, 1, LANES), half / 0.6, 1e-9);
});

Deno.test("possibleGain() of one event loop ends where tasks hold it up", () => {
  const blocking = { cpuShare: 0.01, onLoop: 1, held: 0.99 };
  assert(possibleGain(blocking, 2, LOOP) < 1.02);
  assert(possibleGain(blocking, 2, LANES) > 100);
});
