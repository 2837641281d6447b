/** How a guide serves its pool. Decisions are tested in controller_test.ts, whole runs in auto_test.ts. */

import { assertEquals } from "@std/assert";
import { Guide } from "../../lib/adaptive/guide.ts";
import type { KeyPace } from "../../lib/adaptive/key_pace.ts";
import { ONE } from "../../lib/adaptive/watch.ts";
import type { Batch } from "../../lib/dispatch/batch.ts";
import type { LanePool } from "../../lib/dispatch/lane_pool.ts";
import type { Report } from "../../lib/lanes/lane.ts";
import { structuredCloning } from "../../lib/lanes/remote/clone.ts";
import { auto } from "../../lib/open.ts";
import { settle, VirtualTime } from "../dispatch/virtual_time.ts";

/** The options of a guide that may start two lanes. */
const OPTIONS = {
  maxSlots: 9,
  maxLanes: 2,
  memoryBytes: Infinity,
  cloning: structuredCloning,
  fidelity: "classes",
  isolated: false,
  refusal: () => undefined,
} as const;

Deno.test("while a task is tried on a lane, its report is looked for after each task in the event loop", () => {
  let listened = 0;
  const pool = {
    openLanes: [{ lane: { receive: () => listened++ } }],
    do: (action: () => void) => action(),
    resize: () => {},
  };
  const guide = new Guide({ ...OPTIONS, start: { place: "lanes", lanes: 2, slots: 1 } });
  guide.lead(pool as unknown as LanePool);
  const task = { module: "file:///task.ts", export: "default" };
  const report = { count: 1, values: [1], startedAtMs: 0, endedAtMs: 1 } as unknown as Report;
  const end = (number: number) => {
    const batch = {
      task,
      items: [1],
      firstIndex: 0,
      reported: 0,
      openLane: { number },
      history: {},
    };
    guide.reported(batch as unknown as Batch, report);
  };
  end(0);
  end(0);
  assertEquals(listened, 2);
  end(1);
  end(0);
  assertEquals(listened, 2);
});

Deno.test("a task that is lost among few limits no key, and one that is refused does", () => {
  const guide = new Guide({ ...OPTIONS, start: ONE });
  const pool = { openLanes: [], do: () => {}, resize: () => {}, retireUnused: () => {} };
  guide.lead(pool as unknown as LanePool);
  const lost = new TypeError("error reading a body from connection");
  const isBound = (attempt: number, reason: unknown) => {
    const pace = guide.pace(`${attempt} ${reason}`);
    pace.take();
    const batch = {
      task: { module: "file:///task.ts", export: "default" },
      ...{ items: [1], firstIndex: 0, reported: 0, openLane: { number: 0 } },
      ...{ history: { key: "a" }, pace, attempt },
    };
    const failures = [{ offset: 0, ended: "failed", reason }];
    const report = { count: 1, values: [], startedAtMs: 0, endedAtMs: 1, failures };
    guide.reported(batch as unknown as Batch, report as unknown as Report);
    return pace.isBound;
  };
  assertEquals([1, 2, 3].map((attempt) => isBound(attempt, lost)), [false, false, false]);
  const refused = { status: 429 };
  assertEquals([1, 2].map((attempt) => isBound(attempt, refused)), [true, true]);
});

Deno.test("a key whose slots are limited is told for how long nothing moved", () => {
  using time = new VirtualTime();
  const { cpuUsage } = process;
  process.cpuUsage = () => ({ user: 0, system: 0 });
  try {
    const task = { module: "file:///task.ts", export: "default" };
    const guide = new Guide({ ...OPTIONS, start: ONE });
    guide.lead({
      ...{ load: 1, remaining: 99, awaitsItems: false, tasks: [task], openLanes: [] },
      ...{ do: (action: () => void) => action(), resize: () => {}, retireUnused: () => {} },
    } as unknown as LanePool);
    guide.begin();
    const pace = guide.pace("a") as KeyPace;
    pace.take();
    const batch = {
      ...{ task, items: [1], firstIndex: 0, reported: 0, openLane: { number: 0 } },
      ...{ history: { key: "a" }, pace, attempt: 1 },
    };
    const failures = [{ offset: 0, ended: "failed", reason: { status: 429 } }];
    const times = { startedAtMs: time.nowMs, endedAtMs: time.nowMs + 1 };
    guide.reported(
      batch as unknown as Batch,
      { count: 1, values: [], failures, ...times } as unknown as Report,
    );
    const told: number[] = [];
    pace.leaveOut = (_nowMs, ms) => told.push(ms);
    // CPU time is read once tasks have waited for a while.
    for (let tick = 0; tick < 12; tick++) time.pass(10);
    time.nowMs += 300;
    time.pass(0);
    guide.rest();
    assertEquals(told.length, 1);
  } finally {
    process.cpuUsage = cpuUsage;
  }
});

Deno.test("of one key's refusals in a row only the last is kept, with the slots before the first", () => {
  using time = new VirtualTime();
  const guide = new Guide({ ...OPTIONS, start: ONE });
  guide.lead({
    ...{ load: 1, remaining: 99, awaitsItems: false, tasks: [], openLanes: [] },
    ...{ do: (action: () => void) => action(), resize: () => {}, retireUnused: () => {} },
  } as unknown as LanePool);
  guide.begin();
  for (const key of ["a", "b"]) {
    const pace = guide.pace(key) as KeyPace;
    pace.inFlight = 9;
    const batch = {
      task: { module: "file:///task.ts", export: "default" },
      ...{ items: [1], firstIndex: 0, reported: 0, openLane: { number: 0 } },
      ...{ history: { key }, pace, attempt: 1 },
    };
    const failures = [{ offset: 0, ended: "failed", reason: { status: 429 } }];
    for (let refusal = 0; refusal < 3; refusal++) {
      const report = { count: 1, values: [], failures, startedAtMs: time.nowMs };
      guide.reported(
        batch as unknown as Batch,
        { ...report, endedAtMs: time.nowMs } as unknown as Report,
      );
      pace.tick = () => ({ slots: 1, why: "refused" });
      time.pass(10);
    }
    pace.tick = () => undefined;
  }
  guide.rest();
  const refused = guide.decisions.filter(({ why }) => why === "refused");
  assertEquals(refused.map(({ detail }) => detail), ["a", "b"]);
});

Deno.test("tasks that hold the event loop are watched by timers if enough of them are left to be worth lanes", () => {
  const idle = { openLanes: [], do: () => {}, resize: () => {}, retireUnused: () => {} };
  for (const [tookMs, remaining, timers] of [[1, 9999, 0], [12, 20, 0], [12, 30, 1]] as const) {
    using time = new VirtualTime();
    const guide = new Guide({ ...OPTIONS, start: ONE });
    guide.lead({ ...idle, load: 0, remaining, tasks: [] } as unknown as LanePool);
    guide.begin();
    time.nowMs += tookMs;
    guide.held(tookMs, {} as Batch);
    assertEquals(time.timers, timers, `${remaining} of ${tookMs} ms`);
    guide.rest();
  }
});

Deno.test("no timer runs while a task's module is loaded, and afterwards only while a task waits", async () => {
  for (const load of [0, 1]) {
    using time = new VirtualTime();
    const loading = Promise.withResolvers<void>();
    const pool = {
      ...{ openLanes: [], do: () => {}, resize: () => {}, retireUnused: () => {}, tasks: [] },
      ...{ load: 1, remaining: 9, awaitsItems: false, inFlight: { running: [] as unknown[] } },
    };
    const guide = new Guide({ ...OPTIONS, start: ONE });
    guide.lead(pool as unknown as LanePool);
    guide.begin();
    const openLane = { number: 0, lane: { load: () => loading.promise } };
    guide.held(0, { openLane } as unknown as Batch);
    assertEquals(time.timers, 0);
    // A task that never waits has ended once its module is loaded.
    pool.load = load;
    if (load > 0) pool.inFlight.running.push({ startedAtMs: time.nowMs });
    loading.resolve();
    await settle();
    assertEquals(time.timers, load);
    guide.rest();
  }
});

Deno.test("a list that comes during a pause starts when the pause is over", async () => {
  using time = new VirtualTime();
  await using executor = auto({ stay: "loop" });
  const refused = () => {
    throw Object.assign(new Error("too many requests"), { retryAfterMs: 500 });
  };
  let isOver = false;
  const first = executor.mapSettled(refused, [0]).toArray().then(() => isOver = true);
  for (; !isOver; await settle()) time.pass(10);
  let values: number[] | undefined;
  const all = executor.map((n: number) => n, [4, 5]).toArray().then((got) => values = got);
  await settle();
  assertEquals(values, undefined);
  time.pass(1_000);
  await settle();
  assertEquals(values, [4, 5]);
  await Promise.all([first, all]);
});

Deno.test("after a list of which some were refused, the outcome has as many slots as got through", () => {
  const refused = [{ offset: 0, ended: "failed", reason: { status: 429 } }];
  for (const history of [{}, { key: "a" }]) {
    using time = new VirtualTime();
    const task = { module: "file:///task.ts", export: "default" };
    const guide = new Guide({ ...OPTIONS, start: { ...ONE, slots: 4 } });
    const pool = {
      ...{ load: 4, remaining: 0, awaitsItems: false, tasks: [task], openLanes: [] },
      ...{ do: (action: () => void) => action(), resize: () => {}, retireUnused: () => {} },
    };
    guide.lead(pool as unknown as LanePool);
    guide.begin();
    const pace = "key" in history ? guide.pace("a") as KeyPace : undefined;
    const batch = {
      ...{ task, items: [1], firstIndex: 0, reported: 0, openLane: { number: 0 } },
      ...{ history, pace, attempt: 1 },
    };
    const startedAtMs = time.nowMs;
    for (const failures of [refused, refused, undefined, undefined]) {
      time.nowMs++;
      pool.load--;
      if (pace !== undefined) pace.inFlight = pool.load;
      const report = { count: 1, values: [1], startedAtMs, endedAtMs: time.nowMs, failures };
      guide.reported(batch as unknown as Batch, report as unknown as Report);
    }
    guide.rest();
    assertEquals(guide.outcome.slots, 2);
  }
});
