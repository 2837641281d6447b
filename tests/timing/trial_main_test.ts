import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ONE } from "../../lib/adaptive/watch.ts";
import type { Outcome } from "../../lib/dispatch/output.ts";
import type { Executor, LaneUsage } from "../../lib/executor.ts";
import { limited, sequential } from "../../lib/open.ts";
import type { TrialPulse, TrialSpec } from "../../lib/timing/spec.ts";
import { TeardownError } from "../../lib/lanes/errors.ts";
import {
  closeLanes,
  LaneWatch,
  longestOf,
  openModel,
  runTrialHere,
  TIMELINE_TASKS,
  timelineOf,
  type TrialHost,
  warmOf,
} from "../../lib/timing/trial_main.ts";
import { JOB } from "./fake.ts";

/** What the hooks of a job's module did. */
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

/** A clock that only the fake executor moves. */
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
      // A subprocess that has used 3 ms by each time it is asked.
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
    // Start 4.5 and run 20 of its own; 3 and 3 of the subprocess, without its 3 of warm-up.
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
  // How far it came by then is chance, but three of them never settle by themselves.
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

function outcome(index: number, lane: number, startedAtMs: number, endedAtMs: number) {
  const common = { index, item: 0, lane, attempts: 1, queuedAtMs: 100, startedAtMs, endedAtMs };
  return { ...common, status: "fulfilled", value: 0 } satisfies Outcome<number>;
}

Deno.test("timelineOf() puts items in order and counts from the first item", () => {
  const outcomes = [outcome(1, 0, 110, 120), outcome(0, 0, 100, 110.0004)];
  const { index, queuedMs, startedMs, endedMs, status } = timelineOf({
    round: 0,
    outcomes,
    before: [],
    after: [],
    firstMs: 100,
  });
  assertEquals([index, queuedMs, startedMs, endedMs], [[0, 1], [0, 0], [0, 10], [10, 20]]);
  assertEquals(status, ["fulfilled", "fulfilled"]);
});

Deno.test("timelineOf() counts a lane's CPU over the time it had tasks in flight, once", () => {
  const usage = { lane: 0, startMs: 5, peakRssBytes: undefined };
  const { lanes } = timelineOf({
    round: 0,
    // Two at once from 100 to 120, nothing until 140, one until 160: 40 ms in flight.
    outcomes: [outcome(0, 0, 100, 120), outcome(1, 0, 105, 115), outcome(2, 0, 140, 160)],
    before: [{ ...usage, cpuMs: 7 }],
    after: [{ ...usage, cpuMs: 17 }],
    firstMs: 100,
  });
  assertEquals(lanes, [{ lane: 0, startMs: 5, cpuShare: 0.25 }]);
});

Deno.test("timelineOf() says null where a lane's CPU time can't be told", () => {
  const usage = { startMs: 0, cpuMs: undefined, peakRssBytes: undefined };
  const after = [{ ...usage, lane: 0 }, { ...usage, lane: 1 }];
  const of = (outcomes: Outcome<unknown>[], after: LaneUsage[]) =>
    timelineOf({ round: 0, outcomes, before: [], after, firstMs: 0 })
      .lanes.map(({ cpuShare }) => cpuShare);
  assertEquals(of([], after), [null, null]);
  assertEquals(of([outcome(0, 0, 100, 120)], after), [null, null]);
  assertEquals(of([], [{ ...after[0]!, cpuMs: 5 }]), [null]);
});

Deno.test("timelineOf() gives a task that never started no length", () => {
  const never: Outcome<unknown> = {
    index: 0,
    item: 0,
    lane: -1,
    attempts: 0,
    queuedAtMs: 0,
    startedAtMs: NaN,
    endedAtMs: 3,
    status: "rejected",
    ended: "cancelled",
    reason: null,
  };
  const { startedMs, endedMs, status } = timelineOf({
    round: 0,
    outcomes: [never],
    before: [],
    after: [],
    firstMs: 0,
  });
  assertEquals([startedMs, endedMs, status], [[3], [3], ["cancelled"]]);
});

Deno.test("timelineOf() thins out more tasks than it keeps, evenly", () => {
  const outcomes = Array.from({ length: 2 * TIMELINE_TASKS + 1 }, (_, n) => outcome(n, 0, 0, 1));
  const { index } = timelineOf({ round: 0, outcomes, before: [], after: [], firstMs: 0 });
  assertEquals(index.slice(0, 3), [0, 3, 6]);
  assertEquals(index.length, Math.ceil(outcomes.length / 3));
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

Deno.test("a timeline tells what was decided, from the first item on", () => {
  const figures = { busyShare: 1, latencyMs: NaN, perSecond: 0, refused: 0 };
  const decision = { from: ONE, to: ONE, why: "stays" as const, figures };
  const decided = (atMs: number) => ({
    atMs,
    ...decision,
    figures: { ...figures, latencyMs: null },
  });
  const parts = { round: 0, outcomes: [], before: [], after: [], firstMs: 100 };
  const { decisions } = timelineOf({
    ...parts,
    decisions: [{ atMs: 90, ...decision }, { atMs: 112, ...decision }],
  });
  assertEquals(decisions, [decided(0), decided(12)]);
  assertEquals("decisions" in timelineOf({ ...parts, decisions: [] }), false);
});

Deno.test("a model that finds its own size is opened within its bounds", async () => {
  const bounds = { maxSlots: 3, stay: "loop" } as const;
  await using executor = openModel({ model: "auto", bounds, job: JOB });
  assertEquals([executor.lanes, executor.slots], [1, 1]);
  const tooFew = () => openModel({ model: "auto", bounds: { maxSlots: 0 }, job: JOB });
  assertThrows(tooFew, RangeError, "maxSlots must be");
});
