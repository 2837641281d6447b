/**
 * `auto()` where it moves tasks to lanes, and where it must not.
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Buffer } from "node:buffer";
import {
  auto,
  type AutoExecutor,
  type AutoOptions,
  CloneError,
  sequential,
  type Shape,
  type StartAdvice,
  task,
  type TaskContext,
} from "../../lib/mod.ts";
import { recommendedFor } from "../../lib/executor.ts";
import type { TaskName } from "../../lib/lanes/task.ts";
import { seededRandom } from "../../lib/timing/random.ts";
import { grantedAll } from "../granted.ts";
import * as autoTasks from "./auto_tasks.ts";

const ignore = !grantedAll();

const named = <Name extends TaskName<typeof autoTasks>>(name: Name) =>
  task<typeof autoTasks, Name>(new URL("./auto_tasks.ts", import.meta.url), name);

const tasks = {
  sumSquares: task<typeof import("../../lib/tasks/sum_squares.ts")>(
    new URL("../../lib/tasks/sum_squares.ts", import.meta.url),
  ),
  kind: named("kindOf"),
  faulty: named("faulty"),
  onlyHere: named("onlyHere"),
  ends: named("endsItsThread"),
  needs: named("needsName"),
  thread: named("isThread"),
  rarely: named("rarely"),
  throws: named("throws"),
  waitsElsewhere: named("waitsElsewhere"),
};

const numbered = (count: number) => Array.from({ length: count }, (_, at) => at);

class Point {
  constructor(readonly x: number) {}
}

Deno.test({
  name: "tasks for which somebody knows a reason stay in this event loop, and the reason is told",
  ignore,
  async fn() {
    const because = "they change a counter";
    await using executor = auto({ start: { lanes: 2 }, stay: { because } });
    const outcomes = await executor.mapSettled(tasks.thread, numbered(20)).toArray();
    assertEquals(new Set(outcomes.map(({ lane }) => lane)), new Set([0]));
    const stays = executor.decisions.filter(({ why }) => why === "stays");
    assertEquals(stays.map(({ detail }) => detail), [because]);
    assertThrows(() => auto({ stay: {} as { because: string } }), RangeError, "stay must be");
  },
});

Deno.test("what has a fixed size recommends nothing, whoever asks", () => {
  assertEquals((sequential() as Partial<AutoExecutor>).recommended, undefined);
});

Deno.test("auto() begins with one slot in this event loop, and takes functions", async () => {
  await using executor = auto();
  assertEquals([executor.lanes, executor.slots], [1, 1]);
  let inFlight = 0;
  const seen = await executor.map(() => ++inFlight, [0]).toArray();
  assertEquals([seen, executor.decisions, executor.recommended], [[1], [], {
    model: "sequential",
    lanes: 1,
    slots: 1,
    code: "await using executor = sequential();",
  }]);
});

Deno.test({
  name: "auto() goes to threads while tasks compute, and runs nothing twice",
  ignore: ignore || navigator.hardwareConcurrency < 2,
  async fn() {
    await using executor = auto();
    function* items() {
      for (;;) yield 20_000_000;
    }
    const indexes: number[] = [];
    const outcomes = executor.mapSettled(tasks.sumSquares, items(), { order: "completion" });
    for await (const { index, status, lane } of outcomes) {
      assertEquals(status, "fulfilled");
      indexes.push(index);
      // Stop before there are enough tasks to judge lanes, as other programs may compute meanwhile.
      if (lane > 0) break;
    }
    assertEquals(indexes, [...new Set(indexes)]);
    assertEquals(executor.decisions.map(({ why }) => why).slice(-2), ["computes", "lanes ready"]);
  },
});

Deno.test({
  name: "while the first item that was sent to a lane isn't back, others go on here",
  ignore: ignore || navigator.hardwareConcurrency < 2,
  async fn() {
    await using executor = auto();
    const gate = new Int32Array(new SharedArrayBuffer(4));
    function* items() {
      for (;;) yield { gate };
    }
    let wentOn = false;
    const options = { order: "completion" } as const;
    const outcomes = executor.mapSettled(tasks.waitsElsewhere, items(), options);
    for await (const { lane, startedAtMs } of outcomes) {
      if (lane > 0) break;
      const ready = executor.decisions.find(({ why }) => why === "lanes ready");
      if (ready === undefined || startedAtMs < ready.atMs) continue;
      wentOn = true;
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    }
    assert(wentOn);
  },
});

const HERE: StartAdvice["environment"] = {
  lanesAvailable: navigator.hardwareConcurrency,
  deno: Deno.version.deno,
  os: Deno.build.os,
  arch: Deno.build.arch,
};

const adviceOn = (model: string, lanes: number, slots: number | null, environment = HERE) => ({
  environment,
  advice: { recommended: { model, lanes, slots } },
});

Deno.test("auto() begins with what was advised here, within its bounds, and says so first", async () => {
  const cases: [AutoOptions, Shape["place"], number, number][] = [
    [{ start: adviceOn("limited", 1, 16) }, "event loop", 1, 16],
    [{ start: adviceOn("concurrent", 1, null), maxSlots: 50 }, "event loop", 1, 50],
    [{ start: adviceOn("sequential", 1, 1) }, "event loop", 1, 1],
    [{ start: adviceOn("workers", 2, 3) }, "lanes", 2, 3],
    [{ start: adviceOn("processes", 2, 3), maxLanes: 1 }, "lanes", 1, 3],
    [{ start: adviceOn("workers", 2, 30), maxSlots: 20 }, "lanes", 2, 10],
    [{ start: adviceOn("workers", 2, 3), stay: "loop" }, "event loop", 1, 3],
  ];
  for (const [options, place, lanes, slots] of cases) {
    await using executor = auto(options);
    const { why, to, detail } = executor.decisions[0]!;
    assertEquals([why, detail, to], ["start", "as advised", { place, lanes, slots }]);
    assertEquals([executor.lanes, executor.slots], [lanes, slots]);
  }
});

Deno.test("what was advised on another machine is only a guess", async () => {
  const others = [
    { ...HERE, lanesAvailable: HERE.lanesAvailable + 6 },
    { ...HERE, deno: "2.0.0" },
    { ...HERE, os: "plan9" },
    { ...HERE, arch: "mips" },
  ];
  const named = [
    `cores: ${others[0]!.lanesAvailable}`,
    "Deno: 2.0.0",
    "system: plan9",
    "processor: mips",
  ];
  for (const [at, environment] of others.entries()) {
    await using executor = auto({ start: adviceOn("workers", 2, 8, environment) });
    const { why, to, detail } = executor.decisions[0]!;
    assertEquals([why, to], ["start", { place: "event loop", lanes: 1, slots: 1 }]);
    assertStringIncludes(detail!, `advised elsewhere, ${named[at]}, here `);
    assertStringIncludes(detail!, "16 at once are a guess");
  }
  await using executor = auto({ start: adviceOn("cluster", 2, 8) });
  const { detail, to } = executor.decisions[0]!;
  assertEquals(detail, "advised for lanes of other machines: 16 at once are a guess");
  assertEquals(to.place, "event loop");
});

Deno.test("where a rate is limited, what is recommended says so", () => {
  const outcome = { place: "event loop", lanes: 1, slots: 2, gapMs: 22.4 } as const;
  assertEquals(
    recommendedFor(outcome, false).code,
    "await using executor = limited({ slots: 2 }); // map with rate: { limit: 1, perMs: 23 }",
  );
});

for (const isolate of [false, true]) {
  Deno.test({
    name: `auto() may begin with ${isolate ? "subprocesses" : "threads"}`,
    ignore,
    async fn() {
      await using executor = auto({ start: { lanes: 2, slots: 2 }, maxLanes: 2, isolate });
      const { code } = executor.recommended;
      assertEquals(executor.decisions.map(({ why, detail }) => [why, detail]), [[
        "start",
        "as told",
      ]]);
      const model = isolate ? "processes" : "workers";
      assertEquals(code, `await using executor = ${model}({ lanes: 2, slots: 2 });`);
      const outcomes = await executor.mapSettled(tasks.thread, [1, 2, 3, 4]).toArray();
      for (const outcome of outcomes) {
        assert(outcome.status === "fulfilled" && outcome.value === !isolate && outcome.lane > 0);
      }
    },
  });
}

Deno.test({
  name: "what would lose its class or can't be cloned stays in this event loop, which is said once",
  ignore,
  async fn() {
    const lost = [new Point(1), { deep: [new Point(2)] }, () => 3, Symbol("four")];
    for (const item of [...lost, Buffer.from("five"), { [Symbol("six")]: 6 }]) {
      await using executor = auto({ start: { lanes: 2 }, maxLanes: 2 });
      const outcomes = await executor.mapSettled(tasks.kind, [1, item, 2, item]).toArray();
      for (const { status, lane, index } of outcomes) {
        assertEquals(status, "fulfilled");
        if (index % 2 === 1) assertEquals(lane, 0);
      }
      const [stays, ...more] = executor.decisions.filter(({ why }) => why === "stays");
      assertEquals(more, []);
      assert(
        /^item 1: (it|it\.deep\[0\]|\.deep\[0\]) (is a|has the key) /.test(stays!.detail!),
        stays!.detail,
      );
      assertEquals(executor.recommended.model, "limited");
    }
  },
});

Deno.test({
  name: "what fails wherever it is sent is sent no more",
  ignore,
  async fn() {
    await using executor = auto({ start: { lanes: 2 }, maxLanes: 2 });
    const outcomes = await executor.mapSettled(tasks.onlyHere, numbered(100), { chunk: 1 })
      .toArray();
    const failed = outcomes.filter(({ status }) => status === "rejected");
    assert(failed.length > 0 && failed.length < 3, `${failed.length}`);
    assert(failed.every(({ lane }) => lane > 0));
    const [stays, ...more] = executor.decisions.filter(({ why }) => why === "stays");
    assertEquals(more, []);
    assertMatch(stays!.detail!, /^(\d) of \1 failed where they were sent, and 0 of 0 here$/);
  },
});

Deno.test({
  name:
    "of a task that needs what only the program has one item is lost, and none if it may be retried",
  ignore,
  async fn() {
    globalThis.onlyInProgram = 1;
    for (const retries of [0, 1]) {
      await using executor = auto({ start: { lanes: 2 }, maxLanes: 2 });
      const outcomes = await executor.mapSettled(tasks.needs, numbered(100), {
        retries: { limit: retries, baseMs: 0 },
      }).toArray();
      const failed = outcomes.filter(({ status }) => status === "rejected");
      assertEquals(failed.length, 1 - retries);
      assertEquals(outcomes.filter(({ attempts }) => attempts > 1).length, retries);
      const stays = executor.decisions.filter(({ why }) => why === "stays");
      assertEquals(stays.map(({ detail }) => detail), [
        "1 of 1 failed where they were sent, and 0 of 0 here",
      ]);
    }
  },
});

Deno.test({
  name: "a result that would arrive as something else is never given, and its task is sent no more",
  ignore,
  async fn() {
    for (const retries of [0, 1]) {
      await using executor = auto({ start: { lanes: 2, slots: 2 }, maxLanes: 2 });
      const outcomes = await executor.mapSettled(tasks.rarely, numbered(200), {
        retries: { limit: retries, baseMs: 0 },
      }).toArray();
      let failed = 0;
      for (const outcome of outcomes) {
        const { index, attempts, lane } = outcome;
        if (outcome.status === "fulfilled") {
          assertEquals(outcome.value, autoTasks.rarely(index));
          assert(lane === 0 || typeof outcome.value === "number");
        } else {
          failed++;
          assert(outcome.reason instanceof CloneError && attempts === 1 && lane > 0);
          assertStringIncludes(outcome.reason.message, `stay: "loop"`);
        }
      }
      assert(retries === 1 ? failed === 0 : failed > 0, `${failed}`);
      const [stays, ...more] = executor.decisions.filter(({ why }) => why === "stays");
      assertEquals(more, []);
      assertMatch(stays!.detail!, /^what came of item \d+: it is an? (Point|URL), which would /);
    }
  },
});

Deno.test({
  name: "what throws errors of a class of its own is sent no more, from its first one here on",
  ignore,
  async fn() {
    for (const start of [{ slots: 1 }, { lanes: 2, slots: 2 }]) {
      await using executor = auto({ start, maxLanes: 2 });
      const outcomes = await executor.mapSettled(tasks.throws, numbered(50), { chunk: 1 })
        .toArray();
      for (const { lane, ...outcome } of outcomes) {
        assert(outcome.status === "rejected");
        assertEquals(outcome.reason instanceof autoTasks.PointError, lane === 0);
      }
      assert(outcomes.filter(({ lane }) => lane > 0).length <= ("lanes" in start ? 4 : 0));
      const stays = executor.decisions.filter(({ why }) => why === "stays");
      assertEquals(stays.length, 1);
      assertStringIncludes(stays[0]!.detail!, "it is a PointError, which would arrive without its");
    }
  },
});

Deno.test({
  name: "what can't be loaded where it is sent runs here, each item once, which is said once",
  ignore,
  async fn() {
    const source = (what: string) => `data:text/javascript,${what};export default (n) => 2 * n`;
    const inLane = `"DedicatedWorkerGlobalScope" in globalThis`;
    const fail = `throw new Error("not here")`;
    for (
      const module of [
        source(`if (${inLane}) ${fail}`),
        source(`export function setup() { if (${inLane}) ${fail} }`),
      ]
    ) {
      await using executor = auto({ start: { lanes: 2, slots: 2 }, maxLanes: 2 });
      for (let run = 0; run < 2; run++) {
        // Each run has a new task of the same name.
        const double = task<{ default: (n: number) => number }>(module);
        const outcomes = await executor.mapSettled(double, numbered(20)).toArray();
        for (const outcome of outcomes) {
          assert(outcome.status === "fulfilled" && outcome.value === 2 * outcome.index);
          assertEquals([outcome.attempts, outcome.lane], [1, 0]);
        }
      }
      const [stays, ...more] = executor.decisions.filter(({ why }) => why === "stays");
      assertEquals(more, []);
      assertStringIncludes(stays!.detail!, "not here");
    }
  },
});

Deno.test({
  name: "where no lane may be started nobody is asked for it, and all runs here",
  ignore,
  async fn() {
    const program = new URL("./no_permission_main.ts", import.meta.url).pathname;
    const entry = new URL("../../lib/lanes/worker/worker_main.ts", import.meta.url).pathname;
    // Permission to read one of a thread's files is not enough.
    for (
      const [isolate, ...flags] of [[false], [false, `--allow-read=${entry}`], [true]] as const
    ) {
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--quiet", ...flags, program, String(isolate)],
        stdin: "null",
      }).output();
      const [values, ...stays] = JSON.parse(new TextDecoder().decode(stdout));
      assertEquals([values, stays.length], [numbered(20), 1]);
      assertMatch(
        stays[0],
        isolate ? /^subprocesses need --allow-run=/ : /^threads need --allow-re/,
      );
    }
  },
});

Deno.test({
  name: "where no lane can be started all runs here, which is said once",
  ignore,
  async fn() {
    const { Worker } = globalThis;
    globalThis.Worker = class {
      constructor() {
        throw new Error("no thread is left");
      }
    } as unknown as typeof Worker;
    try {
      for (const runsBefore of [false, true]) {
        await using executor = auto({ start: { lanes: 2 }, maxLanes: 2 });
        if (runsBefore) assertEquals(await executor.run((n: number) => n + 1, 1), 2);
        const double = task<{ default: (n: number) => number }>(
          "data:text/javascript,export default (n) => 2 * n",
        );
        for (let run = 0; run < 2; run++) {
          const outcomes = await executor.mapSettled(double, numbered(10)).toArray();
          assert(outcomes.every(({ status, lane }) => status === "fulfilled" && lane === 0));
        }
        const stays = executor.decisions.filter(({ why }) => why === "stays");
        assertEquals(stays.map(({ detail }) => detail), ["Cannot start a lane: no thread is left"]);
      }
    } finally {
      globalThis.Worker = Worker;
    }
  },
});

Deno.test({
  name: "who needs no classes has such tasks sent all the same, but no other data than theirs",
  ignore,
  async fn() {
    await using executor = auto({
      start: { lanes: 2, slots: 2 },
      maxLanes: 2,
      keepClasses: false,
    });
    const thrown = await executor.mapSettled(tasks.throws, numbered(1)).toArray();
    assert(thrown.every(({ status, lane }) => status === "rejected" && lane > 0));
    const points = numbered(20).map((at) => 20 * at + 19);
    const outcomes = await executor.mapSettled(tasks.rarely, points).toArray();
    for (const outcome of outcomes) {
      assert(outcome.status === "fulfilled" && outcome.lane > 0);
      assertEquals(outcome.value, { x: points[outcome.index] });
    }
    assertEquals(executor.decisions.filter(({ why }) => why === "stays"), []);
    const [url] = await executor.mapSettled(tasks.rarely, [9]).toArray();
    assert(url!.status === "rejected" && url!.reason instanceof CloneError);
    assertEquals(executor.decisions.filter(({ why }) => why === "stays").length, 1);
  },
});

Deno.test({
  name: "what ends its lane wherever it is sent is sent no more",
  ignore,
  async fn() {
    await using executor = auto({ start: { lanes: 2 }, maxLanes: 2 });
    const outcomes = await executor.mapSettled(tasks.ends, numbered(100), { chunk: 1 }).toArray();
    const crashed = outcomes.filter(({ status }) => status === "rejected");
    assert(crashed.length > 0 && crashed.length < 20, `${crashed.length}`);
    assert(crashed.every((of) => of.status === "rejected" && of.ended === "crashed"));
    assertEquals(executor.decisions.filter(({ why }) => why === "stays").length, 1);
  },
});

Deno.test({
  name: "a function runs beside a task that has gone to lanes",
  ignore,
  async fn() {
    await using executor = auto({ start: { lanes: 2 }, maxLanes: 2 });
    const [here, there] = await Promise.all([
      executor.map((n: number) => [n, new Point(n)], [1, 2, 3]).toArray(),
      executor.map(tasks.thread, [1, 2, 3]).toArray(),
    ]);
    assertEquals(here.map(([n]) => n), [1, 2, 3]);
    assertEquals(there, [true, true, true]);
  },
});

Deno.test({
  name: "what ended a thread is never tried again in this event loop",
  ignore,
  async fn() {
    await using executor = auto({ start: { lanes: 2 }, maxLanes: 2 });
    const die = task<{ default: () => void }>(
      "data:text/javascript,export default () => self.close()",
    );
    const error = await assertRejects(() => executor.run(die, 1, { retries: 1, timeoutMs: 2000 }));
    assert(error instanceof Error);
    assert(executor.decisions.every(({ why }) => why !== "waits again"));
  },
});

Deno.test({
  name: "in 1,000 seeded runs with faults nothing is started more often than it says, or may be",
  ignore,
  async fn() {
    const random = seededRandom(19);
    let [lost, refused] = [0, 0];
    for (let at = 0; at < 20; at++) {
      // Refusals change the slots, and failures on lanes change the place.
      const start = { lanes: 1 + at % 2, slots: 1 + at % 5 };
      await using executor = auto({ start, maxLanes: 2 });
      for (let run = 0; run < 50; run++) {
        const starts = new Int32Array(new SharedArrayBuffer(4 * 12));
        const items = Array.from(starts, (_, at) => ({ starts, at, fault: random() }));
        const retries = Math.floor(2 * random());
        const rerun = random() < 0.5;
        const options = { retries: { limit: retries, baseMs: 0 }, rerun };
        const outcomes = await executor.mapSettled(tasks.faulty, items, options).toArray();
        assertEquals(outcomes.map(({ index }) => index), items.map(({ at }) => at));
        const isLost = outcomes.some(({ lane }, at) => items[at]!.fault > 0.995 && lane > 0);
        lost += Number(isLost);
        for (const [at, { attempts }] of outcomes.entries()) {
          const started = starts[at]!;
          refused += Number(items[at]!.fault < 0.035 && started > 1);
          // An item in flight on a lost lane may or may not have started there.
          assert(isLost ? started <= attempts : started === attempts, `${started} of ${attempts}`);
          if (!rerun) assert(started <= 1 + retries);
        }
      }
    }
    assert(lost > 5 && refused > 20, `${lost} lanes lost, ${refused} retried`);
  },
});

Deno.test("while it pauses for a server it keeps the program, and goes on", async () => {
  await using executor = auto();
  let asked = 0;
  const ask = () => {
    if (++asked <= 3) throw Object.assign(new Error("too many"), { status: 429 });
  };
  const outcomes = await executor.mapSettled(ask, numbered(6)).toArray();
  const refused = outcomes.filter(({ status }) => status === "rejected").map(({ index }) => index);
  assertEquals([refused, asked], [[0, 1, 2], 6]);
});

Deno.test("a source that gives no items for long is named, and the job goes on", async () => {
  await using executor = auto();
  async function* items() {
    yield 1;
    while (!executor.decisions.some(({ why }) => why === "source")) {
      await new Promise((done) => setTimeout(done, 20));
    }
    yield 2;
  }
  assertEquals(await executor.map((n: number) => n, items()).toArray(), [1, 2]);
  assertEquals(executor.slots, 1);
});

Deno.test("what is stopped tells nothing of how long tasks take, nor that more of them are met", async () => {
  await using executor = auto();
  const untilStopped = (_: number, { signal }: TaskContext) =>
    new Promise<void>((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
  for (let round = 0; round < 20; round++) {
    const stop = new AbortController();
    const calls = Array.from(
      { length: 20 },
      (_, n) => executor.run(untilStopped, n, { signal: stop.signal }).catch(() => "stopped"),
    );
    await new Promise((done) => setTimeout(done, 3));
    stop.abort();
    assertEquals(await Promise.all(calls), Array.from({ length: 20 }, () => "stopped"));
  }
  assert(executor.slots <= 4, `${executor.slots}`);
});

Deno.test(`stay: "loop" keeps everything in this event loop`, async () => {
  await using executor = auto({ stay: "loop" });
  let count = 0;
  await executor.map(() => void count++, Array.from({ length: 1000 })).toArray();
  assertEquals([count, executor.lanes], [1000, 1]);
});

Deno.test("bounds of auto() that are wrong or contradict each other are refused", () => {
  const cases: [AutoOptions, string][] = [
    [{ maxSlots: 0 }, "maxSlots must be a whole number from 1"],
    [{ maxLanes: 0 }, "maxLanes must be a whole number from 1"],
    [{ memoryBytes: 0 }, "memoryBytes must be a number above 0"],
    [{ memoryBytes: "9" as never }, 'memoryBytes must be a number above 0, but is "9"'],
    [{ start: [] as never }, "start must be an object, but is []"],
    [{ stay: "there" as "loop" }, `stay must be "loop"`],
    [{ stay: "loop", isolate: true }, `isolate must be left out, for stay is "loop"`],
    [{ stay: "loop", maxLanes: 2 }, `maxLanes must be left out, for stay is "loop"`],
    [{ stay: "loop", start: { lanes: 1 } }, "start.lanes must be"],
    [{ keepClasses: "no" as unknown as boolean }, "keepClasses must be true or false"],
    [{ permissions: {} }, "permissions must be left out, unless isolate is true"],
    [{ start: { slots: 20 }, maxSlots: 10 }, "start.slots must be a whole number from 1 to 10"],
    [{ start: { lanes: 3 }, maxLanes: 2 }, "start.lanes must be a whole number from 1 to 2"],
    [{ start: { lanes: 2, slots: 6 }, maxSlots: 10 }, "start.slots must be at most maxSlots"],
  ];
  const starts: [unknown, string][] = [
    ["advice.json", "start must be an object"],
    [null, "start must be an object"],
    [{ comparisons: [] }, "there is no option start.comparisons"],
    [{ advice: {} }, "start must be what deno task advise wrote"],
    [{ ...adviceOn("limited", 1, 16), environment: null }, "start must be what deno task advise"],
    [adviceOn("limited", 1, 0), "start must be what deno task advise wrote"],
    [adviceOn("workers", 1.5, 1), "start must be what deno task advise wrote"],
  ];
  const bad = starts.map(([start, words]) => [{ start }, words] as [AutoOptions, string]);
  for (const [options, message] of [...cases, ...bad]) {
    assertThrows(() => auto(options), RangeError, `Cannot open auto(): ${message}`);
  }
});
