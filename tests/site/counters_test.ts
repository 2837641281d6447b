import { assertEquals } from "@std/assert";
import { Counters } from "../../lib/site/counters.ts";

function counters() {
  const clock = { wallMs: 1_000, cpuMs: 100 };
  return {
    clock,
    counters: new Counters({ wallMs: () => clock.wallMs, cpuMs: () => clock.cpuMs }),
  };
}

Deno.test("Counters tell the peak of what was in flight, not the sum", () => {
  const { counters: counted } = counters();
  const first = counted.begin();
  const second = counted.begin();
  first();
  const third = counted.begin();
  third();
  second();
  const { requests, inFlight, inFlightPeak } = counted.stats();
  assertEquals({ requests, inFlight, inFlightPeak }, { requests: 3, inFlight: 0, inFlightPeak: 2 });
});

Deno.test("Counters end a request once, however often that is said", () => {
  const { counters: counted } = counters();
  counted.begin();
  const ended = counted.begin();
  ended();
  ended();
  assertEquals(counted.stats().inFlight, 1);
});

Deno.test("Counters tell CPU time over wall time since they began, and begin anew", () => {
  const { clock, counters: counted } = counters();
  counted.begin();
  counted.fault();
  clock.wallMs += 200;
  clock.cpuMs += 50;
  const { wallMs, cpuMs, busyShare, faults } = counted.stats();
  assertEquals({ wallMs, cpuMs, busyShare, faults }, {
    wallMs: 200,
    cpuMs: 50,
    busyShare: 0.25,
    faults: 1,
  });
  counted.restart();
  assertEquals(counted.stats(), {
    requests: 0,
    faults: 0,
    inFlight: 1,
    inFlightPeak: 1,
    cpuMs: 0,
    wallMs: 0,
    busyShare: 0,
  });
});
