import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Outcome } from "../../lib/dispatch/output.ts";
import type { Executor } from "../../lib/executor.ts";
import { limited, sequential } from "../../lib/open.ts";
import type { TrialPulse, TrialSpec } from "../../lib/timing/spec.ts";
import { TeardownError } from "../../lib/lanes/errors.ts";
import {
  closeLanes,
  longestOf,
  openModel,
  runTrialHere,
  type TrialHost,
  warmOf,
} from "../../lib/timing/trial_main.ts";
import { JOB, outcome } from "./fake.ts";

/** The calls of the job module's hooks. */
const log: string[] = [];
Object.assign(globalThis, { trialLog: log });
const MODULE = "data:text/javascript," + encodeURIComponent(`
  export default (n) => 2 * n;
  export const before = () => {
    trialLog.push("prepare");
    return { [Symbol.asyncDispose]: () => Promise.resolve(trialLog.push("dispose")) };
  };
  export const parity = (n) => n % 4;
`);

/** A clock that only advances when the fake executor works. */
class FakeMachine {
  nowMs = 1000;
  cpuMs = 500;
  failAt: string | undefined;
  reasons: unknown[] = [];

  #do(what: string, ms: number): void {
    log.push(what);
    this.nowMs += ms;
    this.cpuMs += ms / 2;
    if (this.failAt === what) throw new Error(`no ${what}`);
  }

  executor(): Executor {
    const map = async (items: Iterable<unknown>): Promise<Outcome<unknown>[]> => {
      const all = await Array.fromAsync(items);
      this.#do(`run ${all.join()}`, 10 * all.length);
      return all.map((item, index) => {
        const common = {
          index,
          item,
          lane: 0,
          attempts: 1,
          queuedAtMs: 0,
          startedAtMs: 0,
          endedAtMs: 1,
        };
        return index < this.reasons.length
          ? { ...common, status: "rejected", ended: "failed", reason: this.reasons[index] }
          : { ...common, status: "fulfilled", value: 2 * Number(item) };
      });
    };
    return {
      model: "sequential",
      lanes: 1,
      slots: Infinity,
      ready: () => Promise.resolve().then(() => this.#do("ready", 7)),
      mapSettled: (_: unknown, items: Iterable<unknown>) => ({ toArray: () => map(items) }),
      // A subprocess whose CPU time grows by 3 ms at each call.
      usage: () =>
        Promise.resolve([{ lane: 0, startMs: 7, cpuMs: 3 * ++this.asked, peakRssBytes: 50 }]),
      [Symbol.asyncDispose]: () => Promise.resolve().then(() => this.#do("close", 100)),
    } as unknown as Executor;
  }
  asked = 0;

  host(): TrialHost {
    return {
      open: () => {
        this.#do("open", 2);
        return this.executor();
      },
      now: () => this.nowMs,
      cpuMs: () => this.cpuMs,
      peakRssBytes: () => 1000,
    };
  }
}

const SPEC: TrialSpec = {
  model: "sequential",
  round: 4,
  warmup: 2,
  job: {
    ...JOB,
    task: { module: MODULE, export: "default" },
    prepare: "before",
  },
};

Deno.test("A trial prepares, starts, warms up, runs, stops and disposes, in this order", async () => {
  log.length = 0;
  await runTrialHere(SPEC, new FakeMachine().host());
  assertEquals(log, ["prepare", "open", "ready", "run 1,2", "run 1,2,3,4", "close", "dispose"]);
});

Deno.test("A trial counts start and run, and neither warm-up, stop nor hooks", async () => {
  const { round, slots } = await runTrialHere(SPEC, new FakeMachine().host());
  const { checksum: _, ...counted } = round;
  assertEquals(slots, null);
  assertEquals(counted, {
    round: 4,
    startMs: 9,
    runMs: 40,
    wallMs: 49,
    // The trial's start took 4.5 ms and its run 20 ms; the subprocess took 3 + 3 ms, not counting its warm-up.
    cpuMs: 30.5,
    runCpuMs: 23,
    peakRssBytes: 1050,
    succeeded: 4,
    failed: 0,
  });
});

for (const failAt of ["open", "ready", "run 1,2", "run 1,2,3,4"]) {
  Deno.test(`A trial whose "${failAt}" fails still stops its lanes and disposes what was prepared`, async () => {
    log.length = 0;
    const machine = new FakeMachine();
    machine.failAt = failAt;
    await assertRejects(() => runTrialHere(SPEC, machine.host()), Error, `no ${failAt}`);
    assertEquals(log.slice(-2), failAt === "open" ? ["open", "dispose"] : ["close", "dispose"]);
  });
}

Deno.test("A trial counts failures by their plain reason", async () => {
  const machine = new FakeMachine();
  const refused = Object.assign(new Error("port 1"), { code: "refused" });
  machine.reasons = [refused, refused, new RangeError("x"), "__proto__"];
  const { round } = await runTrialHere({ ...SPEC, warmup: 0 }, machine.host());
  assertEquals([round.succeeded, round.failed], [0, 4]);
  assertEquals(Object.entries(round.reasons!), [["refused", 2], ["RangeError", 1], [
    "__proto__",
    1,
  ]]);
});

Deno.test("A trial compares what the job calls comparable", async () => {
  const of = async (values: number[], comparable?: string) => {
    const items = { kind: "values", values } as const;
    const job = { ...SPEC.job, items, ...(comparable && { comparable }) };
    return (await runTrialHere({ ...SPEC, job }, new FakeMachine().host())).round.checksum;
  };
  assertEquals(await of([1], "parity"), await of([3], "parity"));
  assertEquals(await of([1]) === await of([3]), false);
});

Deno.test("A trial names an export that isn't there", async () => {
  const job = { ...SPEC.job, prepare: "missing" };
  await assertRejects(
    () => runTrialHere({ ...SPEC, job }, new FakeMachine().host()),
    TypeError,
    'exports no function "missing"',
  );
});

Deno.test("runTrialHere() tells how the lanes stand, where it is to, and gives the same", async () => {
  const pulses: TrialPulse[] = [];
  const spec = { ...SPEC, warmup: 0 };
  const host = {
    ...new FakeMachine().host(),
    open: () => limited({ slots: 3 }),
    onPulse: (pulse: TrialPulse) => pulses.push(pulse),
  };
  const plain = await runTrialHere(spec, host);
  assertEquals(pulses, []);
  const { round } = await runTrialHere({ ...spec, live: true }, host);
  assertEquals(round.checksum, plain.round.checksum);
  const { latencyMs, ...last } = pulses.at(-1)!;
  assertEquals(last, { lanes: [0], slots: 3, runMs: 0, settled: 4, failed: 0, total: 4 });
  assert(latencyMs!.most >= latencyMs!.median);
});

Deno.test("runTrialHere() ends a trial that takes longer than it may, and counts what is cancelled", async () => {
  const module = "data:text/javascript,export default (n) => n < 2 ? n : new Promise(() => {})";
  const { round } = await runTrialHere({
    model: "limited",
    round: 0,
    mostMs: 1,
    job: {
      name: "stuck",
      task: { module, export: "default" },
      items: { kind: "values", values: [0, 1, 2, 3, 4] },
      options: {},
    },
  }, { open: () => limited({ slots: 2 }), cpuMs: () => 0, peakRssBytes: () => 0 });
  // How many items settled is chance, but three of them never settle by themselves.
  assertEquals(round.succeeded + round.failed, 5);
  assert(round.failed >= 3);
  const { cancelled = 0, abandoned = 0 } = round.reasons ?? {};
  assertEquals(cancelled + abandoned, round.failed);
});

Deno.test("runTrialHere() gives the first results a checksum of their own", async () => {
  const trial = async (values: number[], prefix?: number) =>
    await runTrialHere({
      model: "sequential",
      round: 0,
      job: {
        ...JOB,
        task: { module: MODULE, export: "default" },
        items: { kind: "values", values },
      },
      ...(prefix !== undefined && { prefix }),
    }, { open: () => sequential(), cpuMs: () => 0, peakRssBytes: () => 0 });
  const [two, four] = [await trial([1, 2]), await trial([1, 2, 3, 4], 2)];
  assertEquals(four.prefixChecksum, two.round.checksum);
  assertEquals(two.prefixChecksum, undefined);
});

Deno.test("runTrialHere() compares results by the items' places in their list, in whichever order they run", async () => {
  const module = `data:text/javascript,export const items = [10, 11, 12, 13, 14];
    export default (item, { index }) => {
      if (item !== 10 + index) throw item;
      if (index === 3) throw new RangeError("three");
      return item;
    }`;
  const ran = async (order?: "spread" | "backwards") => {
    const items = { kind: "module", module, export: "items", limit: 5, order } as const;
    const job = { name: "five", task: { module, export: "default" }, items, options: {} };
    const spec = { model: "sequential", round: 0, job, prefix: 1 } as const;
    const host = { open: () => sequential(), cpuMs: () => 0, peakRssBytes: () => 0 };
    return await runTrialHere(spec, host);
  };
  const [forwards, backwards, spread] = [
    await ran(),
    await ran("backwards"),
    await ran("spread"),
  ];
  assertEquals(backwards.round.checksum, forwards.round.checksum);
  assertEquals(spread.round.checksum, forwards.round.checksum);
  assertEquals(backwards.failures!.map(({ index }) => index), [3]);
  assertEquals(backwards.round.examples, { RangeError: "item 3, three" });
  // In reverse order, another item ran first.
  assertEquals(spread.prefixChecksum, forwards.prefixChecksum);
  assert(backwards.prefixChecksum !== forwards.prefixChecksum);
});

Deno.test("closeLanes() gives up a teardown that is known never to end, and no other failure", async () => {
  const closing = (error: Error) => ({ [Symbol.asyncDispose]: () => Promise.reject(error) });
  const late = closing(new TeardownError("has not ended"));
  const endless = { ...JOB, teardownIsEndless: true };
  await closeLanes(late, endless);
  await assertRejects(() => closeLanes(late, JOB), TeardownError);
  await assertRejects(() => closeLanes(closing(new Error("crashed")), endless), Error, "crashed");
});

Deno.test("longestOf() finds the one item that a run waited for, and none where all queue", () => {
  const short = Array.from({ length: 9 }, (_, n) => outcome(n, 0, 0, 5));
  assertEquals(longestOf([...short, outcome(9, 1, 0, 100)], 120), undefined, "it was cold there");
  assertEquals(longestOf([...short, outcome(9, 0, 10, 110)], 120), { index: 9, ms: 100 });
  assertEquals(longestOf([...short, outcome(9, 0, 10, 110)], 210), undefined);
  const queue = Array.from({ length: 10 }, (_, n) => outcome(n, 0, 0, 10 * n));
  assertEquals(longestOf(queue, 90), undefined);
  assertEquals(longestOf([], 0), undefined);
});

Deno.test("warmOf() tells when each lane had ended its first task, unless few are left then", () => {
  const outcomes = [
    outcome(0, 0, 100, 120),
    outcome(1, 1, 100, 190),
    outcome(2, 0, 120, 130),
    ...[3, 4, 5].map((n) => outcome(n, 1, 190, 195 + n)),
  ];
  assertEquals(warmOf(outcomes, 100), { afterMs: 90, items: 3 });
  assertEquals(warmOf(outcomes.slice(0, 5), 100), undefined);
  assertEquals(warmOf([], 100), undefined);
});

Deno.test("warmOf() takes the first half of many tasks for the warm-up, whatever their order", () => {
  // The first 200 tasks take 100 ms each, as code is cold; all others 1 ms.
  const endedMs = (n: number) => Math.min(n, 200) * 100 + Math.max(0, n - 200);
  const outcomes = Array.from({ length: 1000 }, (_, n) => outcome(n, 0, 0, endedMs(n + 1)));
  const warm = { afterMs: endedMs(500), items: 500 };
  assertEquals(warmOf(outcomes, 0), warm);
  assertEquals(warmOf(outcomes.toReversed(), 0), warm);
  assertEquals(warmOf(outcomes.slice(0, 999), 0), { afterMs: 100, items: 1 });
  // A lane that started late was cold for longer.
  const late = [...outcomes, outcome(1000, 1, 0, endedMs(700))];
  assertEquals(warmOf(late, 0), undefined);
});

Deno.test("a model that finds its own size is opened within its bounds", async () => {
  const bounds = { maxSlots: 3, stay: "loop" } as const;
  await using executor = openModel({ model: "auto", bounds, job: JOB });
  assertEquals([executor.lanes, executor.slots], [1, 1]);
  const tooFew = () => openModel({ model: "auto", bounds: { maxSlots: 0 }, job: JOB });
  assertThrows(tooFew, RangeError, "maxSlots must be");
});
