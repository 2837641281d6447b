/**
 * Random schedules against a model of the contract. The lanes are fake; which lane does what next, when a
 * consumer takes a result, when time passes, and when runs are aborted or left or the pool is closed, is
 * random.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { Calls } from "../../lib/dispatch/calls.ts";
import { LanePool } from "../../lib/dispatch/lane_pool.ts";
import type { Forced } from "../../lib/lanes/lane.ts";
import { FakeWorld, type Fate, type Item, type Move } from "./fake_world.ts";
import { type DrawnCalls, PlayedCalls } from "./played_calls.ts";
import { type DrawnRun, PlayedRun } from "./played_run.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

const SEED = 1;
const RUNS = 2000;
const GRACE_MS = 100;
const MOST_STEPS = 5000;
/** After this step nothing more happens from outside. */
const LAST_STEP = 200;

/** A step at which something happens; usually never. */
const atSome = (max: number) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, fc.nat({ max }));

const fate = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Fate>("ok") },
  { weight: 3, arbitrary: fc.constant<Fate>("fail") },
  { weight: 2, arbitrary: fc.constant<Fate>("kill") },
  { weight: 1, arbitrary: fc.constant<Fate>("stubborn") },
);

const rate = fc.option(
  fc.record({ limit: fc.integer({ min: 1, max: 3 }), perMs: fc.constantFrom(1, 20, 500) }),
  { freq: 2, nil: undefined },
);

const run: fc.Arbitrary<DrawnRun> = fc.record({
  fates: fc.array(fc.array(fate, { minLength: 1, maxLength: 3 }), { maxLength: 12, size: "max" }),
  input: fc.constantFrom("array" as const, "generator" as const, "async" as const),
  throwsAt: atSome(12),
  failFast: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  collects: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  order: fc.constantFrom("input" as const, "completion" as const),
  chunk: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 5 })),
  buffer: fc.oneof(fc.constant("auto" as const), fc.nat({ max: 4 })),
  retries: fc.nat({ max: 3 }),
  rerun: fc.boolean(),
  timeoutMs: fc.constantFrom(Infinity, Infinity, 300),
  rate,
  perKey: fc.option(
    fc.record({
      keys: fc.integer({ min: 1, max: 3 }),
      slots: fc.integer({ min: 1, max: 3 }),
      rate,
    }),
    { freq: 2, nil: undefined },
  ),
  startsAt: fc.nat({ max: 20 }),
  abortsAt: atSome(100),
  leavesAt: atSome(LAST_STEP),
});

const calls: fc.Arbitrary<DrawnCalls> = fc.record({
  fates: fc.array(fc.array(fate, { minLength: 1, maxLength: 3 }), { maxLength: 8, size: "max" }),
  retries: fc.nat({ max: 3 }),
  rerun: fc.boolean(),
  timeoutMs: fc.constantFrom(Infinity, Infinity, 300),
  startsAt: fc.nat({ max: 20 }),
  abortsAt: atSome(100),
  aborted: fc.nat({ max: 7 }),
});

/** The settings of this event loop, of threads, and of subprocesses. */
const kind = fc.constantFrom(
  { remote: false, tells: true, takesAhead: false },
  { remote: true, tells: true, takesAhead: true },
  { remote: true, tells: false, takesAhead: false },
);

const schedule = fc.record({
  runs: fc.array(run, { maxLength: 3 }),
  calls: fc.array(calls, { maxLength: 2 }),
  kind,
  lanes: fc.integer({ min: 1, max: 3 }),
  slots: fc.integer({ min: 1, max: 3 }),
  quick: fc.boolean(),
  starts: fc.array(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant("well" as const) },
      fc.constant("throws" as const),
      fc.constant("dies" as const),
    ),
    { maxLength: 6 },
  ),
  forced: fc.array(fc.constantFrom<Forced>("stopped", "abandoned", "goes on for now"), {
    maxLength: 4,
  }),
  deaths: fc.nat({ max: 2 }),
  tasksPerLane: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 2, nil: Infinity }),
  idleMs: fc.option(fc.constantFrom(1, 50), { freq: 2, nil: Infinity }),
  pausesAt: atSome(100),
  pausedSteps: fc.integer({ min: 1, max: 60 }),
  closesAt: atSome(150),
  steps: fc.infiniteStream(fc.nat({ max: 1 << 20 })),
});

type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never;

/** Tasks on this event loop can't end it, so they fail instead. */
function inEventLoop<T extends DrawnRun | DrawnCalls>(drawn: T): T {
  const fates = drawn.fates.map((fates) => fates.map((fate) => fate === "kill" ? "fail" : fate));
  return { ...drawn, fates };
}

function pick(moves: readonly Move[], drawn: number): Move {
  let at = drawn % moves.reduce((sum, { weight }) => sum + weight, 0);
  return moves.find(({ weight }) => (at -= weight) < 0)!;
}

/** Collects the errors that nothing catches. */
function uncaught(): { errors: unknown[] } & Disposable {
  const errors: unknown[] = [];
  const note = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  addEventListener("error", note);
  return { errors, [Symbol.dispose]: () => removeEventListener("error", note) };
}

/** Plays a schedule to its end, one random step at a time. */
async function play(drawn: Schedule): Promise<void> {
  using time = new VirtualTime();
  using thrown = uncaught();
  const { kind, slots, steps, closesAt } = drawn;
  const world = new FakeWorld({
    slots,
    remote: kind.remote,
    tells: kind.tells,
    quick: drawn.quick || !kind.remote,
    starts: kind.remote ? drawn.starts : [],
    forced: drawn.forced,
    deaths: kind.remote ? drawn.deaths : 0,
  });
  const pool = new LanePool({
    ...kind,
    lanes: kind.remote ? drawn.lanes : 1,
    slots,
    graceMs: GRACE_MS,
    moves: false,
    // A lane that is replaced doesn't count as open, which the fake world doesn't know.
    tasksPerLane: drawn.starts.length === 0 ? drawn.tasksPerLane : Infinity,
    idleMs: drawn.idleMs,
    makeLane: world.makeLane,
  });
  const shared = new Calls(pool, Infinity);
  const runs = [
    ...drawn.runs.map((run, n) =>
      new PlayedRun(pool, `run-${n}`, kind.remote ? run : inEventLoop(run), kind.tells)
    ),
    ...drawn.calls.map((calls, n) =>
      new PlayedCalls(shared, `calls-${n}`, kind.remote ? calls : inEventLoop(calls))
    ),
  ];
  world.onNoLanes = () => runs.forEach((run) => run.fail());
  const draw = () => steps.next().value as number;
  const check = () => {
    if (thrown.errors.length > 0) throw thrown.errors[0];
    world.check();
  };
  let closing: Promise<void> | undefined;
  let idle = 0;
  for (let step = 0; runs.some(({ hasEnded }) => !hasEnded); step++) {
    assert(step < MOST_STEPS, "the runs don't end");
    if (step === closesAt) {
      for (const run of runs) run.close();
      closing = pool.close();
    }
    if (step === drawn.pausesAt) pool.pause();
    if (step === drawn.pausesAt + drawn.pausedSteps) pool.resume();
    for (const run of runs) run.at(step);
    const moves = [...world.moves(draw), ...runs.flatMap((run) => [...run.moves(step)])];
    if (time.immediates > 0) moves.push({ weight: 6, run: () => time.turn() });
    if (time.timers > 0) {
      const passing = [1, 4, 16, GRACE_MS, 300, 1000][draw() % 6]!;
      moves.push({ weight: 1, run: () => time.pass(passing) });
    }
    if (moves.length > 0) pick(moves, draw()).run();
    // A run may still have to start or stop at a later step.
    idle = moves.length > 0 ? 0 : idle + 1;
    assert(idle <= LAST_STEP, "nothing can happen any more, and not all has ended");
    await settle();
    check();
    const onLanes = [...world.lanes].flatMap(({ batches }) => batches);
    for (const run of runs) {
      const left = onLanes.filter(({ task }) => task === run.task);
      if (run.hasEnded) assertEquals(left, [], "something of a run goes on that has ended");
      if (run instanceof PlayedRun) run.checkKeys(left.flatMap(({ items }) => items as Item[]));
    }
  }
  await (closing ?? pool.close());
  check();
  assertEquals([shared.open, shared.onLanes], [0, 0], "calls are counted that have ended");
  for (const run of runs) run.check();
  for (const lane of world.lanes) assert(lane.isClosed, "a lane was not closed");
  assertEquals(time.timers, 0, "a timer was left");
}

Deno.test(`under ${RUNS} random schedules every item settles once, as the contract says`, async () => {
  await fc.assert(fc.asyncProperty(schedule, play), { seed: SEED, numRuns: RUNS });
});
