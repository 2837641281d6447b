import { assert, assertEquals } from "@std/assert";
import { startMeter } from "../../../lib/timing/meter/meter.ts";
import { loadBetween } from "../../../lib/timing/meter/reading.ts";
import { granted, grantedAll } from "../../granted.ts";

function readable(): boolean {
  if (!grantedAll()) return false;
  try {
    return Deno.readTextFileSync("/proc/self/schedstat") !== "";
  } catch {
    return false;
  }
}

Deno.test({
  name: "a meter tells what this process did, and what it didn't",
  ignore: !readable(),
  async fn() {
    await using meter = await startMeter();
    const first = await meter.read(Deno.pid);
    let spun = 0;
    for (const until = process.cpuUsage().user + 60_000; process.cpuUsage().user < until;) spun++;
    const second = await meter.read(Deno.pid);
    const load = loadBetween(first!, second!)!;
    assert(spun > 0 && load.available > 0 && load.available <= 1);
    assert(second!.process!.all.runMs - first!.process!.all.runMs >= 30);
    assert(second!.ownCpuMs - first!.ownCpuMs >= 30);
    assertEquals((await meter.read(2 ** 22 + 1))?.process, undefined);
  },
});

Deno.test({
  name: "a meter that was ended knows nothing, and nobody waits for it",
  ignore: !granted("run", "read"),
  async fn() {
    const stopping = new AbortController();
    await using meter = await startMeter(stopping.signal);
    stopping.abort();
    // What was asked before the end may still be answered.
    for (let reading = await meter.read(); reading !== undefined;) reading = await meter.read();
  },
});

Deno.test({
  name: "where Deno may not be run, a meter knows nothing",
  permissions: "none",
  async fn() {
    await using meter = await startMeter();
    assertEquals([await meter.read(), meter.quota], [undefined, undefined]);
  },
});
