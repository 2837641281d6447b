import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  isBusy,
  loadBetween,
  othersBetween,
  othersWords,
  startMeter,
} from "../../../lib/timing/meter/meter.ts";
import type { Reading } from "../../../lib/timing/meter/meter_main.ts";
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
    let [first, second] = [await meter.read(Deno.pid), await meter.read(Deno.pid)];
    const ranMs = () => second!.process!.all.runMs - first!.process!.all.runMs;
    // Threads of other tests in this process may end meanwhile, and their CPU time disappears with them.
    for (let tries = 0; tries < 50 && ranMs() < 30; tries++) {
      first = await meter.read(Deno.pid);
      for (const until = process.cpuUsage().user + 60_000; process.cpuUsage().user < until;);
      second = await meter.read(Deno.pid);
    }
    const load = loadBetween(first!, second!)!;
    assert(load.available > 0 && load.available <= 1);
    assert(ranMs() >= 30);
    assert(second!.ownCpuMs - first!.ownCpuMs >= 30);
    assertEquals((await meter.read(2 ** 22 + 1))?.process, undefined);
  },
});

Deno.test({
  name: "a meter tells what memory a process's programs hold, if it is asked to look",
  ignore: !readable(),
  async fn() {
    await using meter = await startMeter();
    await meter.read(Deno.pid, true);
    const code = "const b = new Uint8Array(3e8).fill(1); await Deno.stdin.read(b); b.at(-1)";
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      stdin: "piped",
    }).spawn();
    let childrenBytes: number | undefined = 0;
    while (childrenBytes < 3e8) {
      const { process } = (await meter.read(Deno.pid, true))!;
      childrenBytes = process!.childrenBytes ?? childrenBytes;
    }
    await child.stdin.close();
    await child.status;
    assertEquals((await meter.read(Deno.pid))!.process!.childrenBytes, undefined);
  },
});

Deno.test({
  name: "a meter that is asked to look leaves out what a process has started before",
  ignore: !readable(),
  async fn() {
    await using meter = await startMeter();
    const code = `
      const start = (code) => new Deno.Command(Deno.execPath(), {
        args: ["eval", "for (let i = 0; i < 1e8; i++);" + code],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const lines = Deno.stdin.readable.values();
      const server = start("console.log(1); await Deno.stdin.read(new Uint8Array(1));");
      await server.stdout.getReader().read();
      console.log("has a server");
      await lines.next();
      await start("").status;
      console.log("has run a program");
      await lines.next();
      await server.stdin.close();
      await server.status;`;
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const [told, tell] = [child.stdout.getReader(), child.stdin.getWriter()];
    const readOf = async () => {
      await told.read();
      return (await meter.read(child.pid, true))!.process!.childrenCpuMs;
    };
    assertEquals(await readOf(), 0);
    await tell.write(new Uint8Array([10]));
    assert(await readOf() >= 10);
    await tell.close();
    await told.cancel();
    await child.status;
  },
});

Deno.test({
  name: "a meter that was ended knows nothing, and nobody waits for it",
  ignore: !granted("run", "read"),
  async fn() {
    const stopping = new AbortController();
    await using meter = await startMeter(stopping.signal);
    stopping.abort();
    // A request made before the end may still be answered.
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

interface At {
  atMs?: number;
  busyMs?: number;
  ownCpuMs?: number;
  main?: [runMs: number, queuedMs: number];
  all?: [runMs: number, queuedMs: number];
  childrenCpuMs?: number;
  cpuMs?: number;
}

function reading(
  {
    atMs = 0,
    busyMs = 0,
    ownCpuMs = 0,
    main = [0, 0],
    all = main,
    childrenCpuMs = 0,
    cpuMs = all[0],
  }: At,
): Reading {
  const times = ([runMs, queuedMs]: [number, number]) => ({ runMs, queuedMs });
  return {
    atMs,
    cores: { cores: 2, busyMs },
    ownCpuMs,
    process: {
      main: times(main),
      all: times(all),
      cpuMs,
      childrenCpuMs,
    },
  };
}

Deno.test("loadBetween() tells running from queueing for a core", () => {
  const load = loadBetween(reading({}), reading({ atMs: 1000, main: [600, 300] }))!;
  assertAlmostEquals(load.available, 2 / 3);
  assertEquals(load.queuedMs, 300);
});

Deno.test("loadBetween() counts threads beside the main one only if they did the work", () => {
  const from = reading({});
  const collecting = loadBetween(from, reading({ main: [900, 0], all: [1000, 500] }))!;
  assertEquals([collecting.available, collecting.queuedMs], [1, 0]);
  assertAlmostEquals(collecting.countedShare, 0.9);
  const hashing = loadBetween(from, reading({ main: [10, 0], all: [1000, 500] }))!;
  assertAlmostEquals(hashing.available, 2 / 3);
  assertEquals(hashing.countedShare, 1);
});

Deno.test("loadBetween() holds a process that did nothing to have had its core", () => {
  assertEquals(loadBetween(reading({}), reading({ main: [0.01, 9] }))!.available, 1);
});

Deno.test("loadBetween() stays sound when a thread ended with its past", () => {
  const load = loadBetween(
    reading({ main: [50, 5], all: [500, 400] }),
    reading({ main: [60, 6], all: [70, 7] }),
  )!;
  assert(load.available > 0 && load.available <= 1 && load.queuedMs >= 0);
  // After a thread ends, the sum may have fallen below its main thread's time.
  assertEquals(load.countedShare, 1);
});

Deno.test("loadBetween() knows nothing of a process that is gone", () => {
  const { process: _gone, ...without } = reading({});
  assertEquals(loadBetween(reading({}), without), undefined);
  assertEquals(loadBetween(without, reading({})), undefined);
});

Deno.test("loadBetween() tells what the process's ended children computed", () => {
  assertEquals(
    loadBetween(reading({ childrenCpuMs: 40 }), reading({ childrenCpuMs: 340 }))!.childrenCpuMs,
    300,
  );
});

Deno.test("loadBetween() tells of what CPU time nobody counted the queueing", () => {
  const from = reading({ all: [100, 0], childrenCpuMs: 40 });
  const of = (to: At) => loadBetween(from, reading(to))!.uncountedCpuMs;
  assertEquals(of({ all: [300, 0], childrenCpuMs: 40 }), 0);
  // The time of threads that ended is only in the process's total.
  assertEquals(of({ all: [150, 0], cpuMs: 900, childrenCpuMs: 340 }), 300 + 800 - 50 - 20);
  // A process's time is counted in ticks, its threads' times in nanoseconds.
  assertEquals(of({ all: [101, 0], cpuMs: 120, childrenCpuMs: 40 }), 0);
});

Deno.test("othersBetween() takes off what the measuring program itself used", () => {
  const others = othersBetween(
    reading({ atMs: 0, busyMs: 5000, ownCpuMs: 100 }),
    reading({ atMs: 1000, busyMs: 7000, ownCpuMs: 600 }),
  );
  assertEquals(others, { used: 1.5, cores: 2 });
  assertEquals(othersWords(others!), "Other programs used 1.5 of 2 cores meanwhile");
});

Deno.test("othersBetween() stays within the machine, whatever the clocks' steps", () => {
  const used = (busyMs: number, ownCpuMs: number) =>
    othersBetween(reading({}), reading({ atMs: 100, busyMs, ownCpuMs }))!.used;
  assertEquals([used(100, 130), used(500, 0)], [0, 2]);
});

Deno.test("othersBetween() tells nothing where a reading is missing", () => {
  assertEquals(othersBetween(undefined, reading({})), undefined);
  assertEquals(othersBetween(reading({}), undefined), undefined);
});

Deno.test("isBusy() forgives what a system does by itself", () => {
  assert(!isBusy({ used: 0.1, cores: 2 }) && isBusy({ used: 0.5, cores: 2 }));
  assert(!isBusy({ used: 1, cores: 64 }));
});
