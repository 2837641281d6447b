/** A meter whose readings are set by a test, for tests that measure nothing. */

import type { Meter } from "../../../lib/timing/meter/meter.ts";
import type { Reading } from "../../../lib/timing/meter/meter_main.ts";

/** A meter whose process ran, queued and shared the CPU with others this long between two readings. */
export function fakeMeter(
  { runMs = 0, queuedMs = 0, childrenCpuMs = 0, othersUsed = 0 }: {
    runMs?: number;
    queuedMs?: number;
    childrenCpuMs?: number;
    othersUsed?: number;
  },
): Meter & { asked: (number | undefined)[] } {
  const asked: (number | undefined)[] = [];
  return {
    asked,
    read(pid) {
      const times = asked.push(pid);
      const main = { runMs: times * runMs, queuedMs: times * queuedMs };
      const reading: Reading = {
        atMs: 1000 * times,
        cores: { cores: 2, busyMs: 1000 * times * othersUsed },
        ownCpuMs: 0,
        process: {
          main,
          all: main,
          cpuMs: main.runMs,
          childrenCpuMs: times * childrenCpuMs,
        },
      };
      return Promise.resolve(reading);
    },
  };
}
