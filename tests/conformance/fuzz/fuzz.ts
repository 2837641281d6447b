/**
 * Combines the features of an executor at random: transfer, chunks, retries, deadlines, crashes, aborts,
 * failing inputs, closing, several runs on one executor. In every combination each item settles once, is
 * started at most `attempts` times, and arrives unchanged.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "../../properties.ts";
import * as lanes from "../../../lib/mod.ts";
import {
  type Executor,
  type MapOptions,
  type Outcome,
  type RunOptions,
  task,
} from "../../../lib/mod.ts";
import { checksumOf, type Does, type FuzzItem } from "./fuzz_task.ts";

const fuzzTask = task<typeof import("./fuzz_task.ts")>(new URL("./fuzz_task.ts", import.meta.url));

/** After this time, in milliseconds, a run counts as hung. */
const PATIENCE_MS = 120_000;

const run = fc.record({
  items: fc.array(
    fc.record({
      does: fc.oneof(
        { weight: 30, arbitrary: fc.constantFrom<Does>("returns", "waits") },
        { weight: 4, arbitrary: fc.constantFrom<Does>("throws", "throws once", "computes") },
        {
          weight: 2,
          arbitrary: fc.constantFrom<Does>("exits", "strays", "is deaf", "gives a function"),
        },
      ),
      large: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
    { maxLength: 24 },
  ),
  how: fc.constantFrom("map", "mapSettled", "mapSettled", "run"),
  input: fc.constantFrom("array", "generator", "async generator"),
  failsAt: fc.option(fc.nat(24), { freq: 6, nil: Infinity }),
  abortAt: fc.option(fc.nat(24), { freq: 6, nil: Infinity }),
  leaveAt: fc.option(fc.nat(24), { freq: 6, nil: Infinity }),
  order: fc.constantFrom("input" as const, "completion" as const),
  chunk: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 9 })),
  buffer: fc.oneof(fc.constant("auto" as const), fc.nat(9)),
  retries: fc.nat(2),
  rerun: fc.boolean(),
  rate: fc.option(
    fc.record({ limit: fc.integer({ min: 1, max: 4 }), perMs: fc.integer({ min: 1, max: 9 }) }),
    { freq: 2, nil: undefined },
  ),
  perKey: fc.option(
    fc.record({
      keys: fc.integer({ min: 1, max: 4 }),
      slots: fc.integer({ min: 1, max: 3 }),
      perMs: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    }),
    { freq: 3, nil: undefined },
  ),
  transfer: fc.boolean(),
  hasDeadline: fc.boolean(),
});

/** Generates the runs and settings of one executor. */
export const plan = fc.record({
  model: fc.constantFrom(
    ...["sequential", "concurrent", "limited", "workers", "processes", "auto"] as const,
  ),
  lanes: fc.integer({ min: 1, max: 2 }),
  slots: fc.integer({ min: 1, max: 3 }),
  runs: fc.array(run, { minLength: 1, maxLength: 3 }),
  closeAfterMs: fc.option(fc.nat(60), { freq: 5, nil: Infinity }),
  tasksPerLane: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 2, nil: Infinity }),
  idleMs: fc.option(fc.nat(20), { freq: 2, nil: Infinity }),
  pauseAfterMs: fc.option(fc.nat(40), { freq: 2, nil: Infinity }),
});

/** The runs and settings of one executor. */
export type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;
type Run = Plan["runs"][number];

const TIMEOUT_MS = 120;
const PAUSE_MS = 10;
const LARGE = 20_000;

function open(plan: Plan, file: string): Executor {
  const { model, lanes: count, slots, tasksPerLane, idleMs } = plan;
  const common = { graceMs: 15, tasksPerLane, idleMs };
  switch (model) {
    case "sequential":
    case "concurrent":
      return lanes[model](common);
    case "limited":
      return lanes.limited({ slots: slots + 1, ...common });
    case "auto":
      return lanes.auto({
        start: count === 1 ? { slots } : { lanes: count, slots },
        maxLanes: count,
        ...common,
      });
    case "workers":
      return lanes.workers({ lanes: count, slots, ...common });
    case "processes":
      return lanes.processes({
        lanes: count,
        slots,
        ...common,
        permissions: { write: [file] },
        stderr: "keep",
      });
  }
}

/** In this event loop some items would end the test, and a deaf one without a deadline would never end. */
function harmless(does: Does, { model }: Plan, { hasDeadline }: Run): Does {
  const isLoop = model !== "workers" && model !== "processes";
  if (isLoop && (does === "exits" || does === "strays")) return "throws";
  if (does === "is deaf" && !hasDeadline) return "waits";
  return does;
}

function itemsOf(plan: Plan, run: Run, firstId: number, starts: Int32Array | string): FuzzItem[] {
  return run.items.map(({ does, large }, at) => {
    const id = firstId + at;
    return {
      id,
      does: harmless(does, plan, run),
      bytes: new Uint8Array(large ? LARGE : 5).fill(id & 255),
      seen: new Map<string, unknown>([
        ["error", Object.assign(new TypeError("inside"), { code: id })],
        ["list", [id, [id + 1]]],
      ]),
      starts,
    };
  });
}

class InputError extends Error {}

function inputOf({ input, failsAt }: Run, items: readonly FuzzItem[]) {
  const fail = (at: number) => {
    if (at === failsAt) throw new InputError("the input fails");
  };
  function* generator() {
    for (const [at, item] of items.entries()) {
      fail(at);
      yield item;
    }
  }
  async function* later() {
    for (const [at, item] of items.entries()) {
      fail(at);
      if (at % 3 === 2) await undefined;
      yield item;
    }
  }
  return input === "array" ? items : input === "generator" ? generator() : later();
}

/** Plays the plan, and checks the guarantees. */
export async function play(plan: Plan): Promise<void> {
  const count = plan.runs.reduce((sum, { items }) => sum + items.length, 0);
  const file = plan.model === "processes" ? await Deno.makeTempFile() : "";
  const counts = new Int32Array(new SharedArrayBuffer(4 * count));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timers: ReturnType<typeof setTimeout>[] = [];
  try {
    const executor = open(plan, file);
    let isClosed = false;
    if (plan.closeAfterMs !== Infinity) {
      timers.push(setTimeout(() => {
        isClosed = true;
        void executor.close();
      }, plan.closeAfterMs));
    }
    if (plan.pauseAfterMs !== Infinity) {
      timers.push(setTimeout(() => {
        executor.pause();
        timers.push(setTimeout(() => executor.resume(), PAUSE_MS));
      }, plan.pauseAfterMs));
    }
    let firstId = 0;
    const all = plan.runs.map((run) => {
      const items = itemsOf(plan, run, firstId, file === "" ? counts : file);
      const expected = items.map(checksumOf);
      firstId += items.length;
      const taken = run.how === "run" ? call(executor, run, items) : take(executor, run, items);
      return { run, items, expected, taken };
    });
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("hangs")), PATIENCE_MS);
    });
    const taken = await Promise.race([Promise.all(all.map(({ taken }) => taken)), late]);
    await Promise.race([executor.close(), late]);
    if (file !== "") {
      for (const id of (await Deno.readTextFile(file)).split("\n")) {
        if (id !== "") counts[Number(id)]!++;
      }
    }
    for (const [at, { run, items, expected }] of all.entries()) {
      check(plan, run, items, expected, counts, taken[at]!, isClosed);
    }
  } finally {
    clearTimeout(timer);
    for (const timer of timers) clearTimeout(timer);
    if (file !== "") await Deno.remove(file);
  }
}

interface Taken {
  /** The result of each call's promise. */
  readonly ends?: PromiseSettledResult<unknown>[];
  readonly outcomes: Outcome<unknown>[];
  readonly values: unknown[];
  readonly error: unknown;
  readonly left: boolean;
}

function optionsOf(
  { retries, rerun, transfer, hasDeadline }: Run,
  signal: AbortSignal,
): RunOptions {
  return {
    signal,
    retries: { limit: retries, baseMs: 0 },
    rerun,
    transfer,
    ...(hasDeadline && { timeoutMs: TIMEOUT_MS }),
  };
}

/** Calls the task for each item; after `abortAt` calls have ended, the rest is aborted. */
async function call(executor: Executor, run: Run, items: readonly FuzzItem[]): Promise<Taken> {
  const controller = new AbortController();
  let count = 0;
  const calls = items.map((item) =>
    executor.run(fuzzTask, item, optionsOf(run, controller.signal)).finally(() => {
      if (count++ === run.abortAt) controller.abort();
    })
  );
  const ends = await Promise.allSettled(calls);
  return { ends, outcomes: [], values: [], error: undefined, left: false };
}

async function take(executor: Executor, run: Run, items: readonly FuzzItem[]): Promise<Taken> {
  const { how, order, chunk, buffer, rate, perKey } = run;
  const controller = new AbortController();
  const options: MapOptions<FuzzItem> = {
    ...optionsOf(run, controller.signal),
    order,
    buffer,
    ...(rate !== undefined && { rate }),
    ...(perKey !== undefined && {
      perKey: {
        key: ({ id }) => id % perKey.keys,
        slots: perKey.slots,
        ...(perKey.perMs !== undefined && { rate: { limit: 2, perMs: perKey.perMs } }),
      },
    }),
    ...(rate === undefined && perKey === undefined && { chunk }),
  };
  const outcomes: Outcome<unknown>[] = [];
  const values: unknown[] = [];
  let error: unknown;
  let left = false;
  let count = 0;
  const next = () => {
    if (count === run.abortAt) controller.abort();
    left = count++ === run.leaveAt;
    return left;
  };
  try {
    if (how === "mapSettled") {
      for await (const outcome of executor.mapSettled(fuzzTask, inputOf(run, items), options)) {
        outcomes.push(outcome);
        if (next()) break;
      }
    } else {
      for await (const value of executor.map(fuzzTask, inputOf(run, items), options)) {
        values.push(value);
        if (next()) break;
      }
    }
  } catch (thrown) {
    error = thrown ?? new Error("nothing was thrown");
  }
  return { outcomes, values, error, left };
}

function check(
  plan: Plan,
  run: Run,
  items: readonly FuzzItem[],
  expected: readonly string[],
  counts: Int32Array,
  { ends, outcomes, values, error, left }: Taken,
  isClosed: boolean,
): void {
  const startsOf = (index: number) => counts[items[index]!.id]!;
  const most = run.rerun ? Infinity : run.retries + 1;
  for (const index of items.keys()) assert(startsOf(index) <= most, `item ${index} ran too often`);
  const stopped = isClosed || left || error !== undefined || run.abortAt < items.length;
  if (ends !== undefined) {
    for (const [index, end] of ends.entries()) {
      const item = items[index]!;
      if (end.status === "fulfilled") {
        checkValue(item, expected[index]!, end.value, startsOf(index));
      } else if (end.reason instanceof RangeError) {
        assertEquals(end.reason.message, expected[index], "what went in isn't what was seen");
      }
      if (stopped || run.hasDeadline || !run.rerun) continue;
      checkInnocent(plan, item, end.status, () => String((end as PromiseRejectedResult).reason));
    }
    return;
  }
  if (run.how === "map") {
    for (const value of values) {
      const { id, checksum } = value as { id: number; checksum: string };
      assertEquals(checksum, expected[id - items[0]!.id], "what went in isn't what was seen");
    }
    const ids = values.map((value) => (value as { id: number }).id);
    assertEquals(new Set(ids).size, ids.length, "a value came twice");
    if (run.order === "input") {
      assertEquals(ids, ids.map((_, at) => items[0]!.id + at), "values out of order");
    }
    if (!stopped) assertEquals(ids.length, items.length, "a value is missing");
    return;
  }
  const indexes = outcomes.map(({ index }) => index);
  const sorted = indexes.toSorted((a, b) => a - b);
  assertEquals(new Set(indexes).size, indexes.length, "an item settled twice");
  if (run.order === "input") assertEquals(indexes, sorted, "outcomes out of order");
  if (!left) assertEquals(sorted, [...sorted.keys()], "an item is missing");
  const closed = error instanceof TypeError && error.message.includes("closed");
  if (!stopped && !left) assertEquals(indexes.length, items.length, "an item is missing");
  if (error !== undefined && !closed) {
    assert(error instanceof InputError, `it failed with ${error}`);
    // A run that was stopped may have fewer outcomes.
    const isCut = isClosed || left || run.abortAt < items.length;
    const came = isCut ? indexes.length : run.failsAt;
    assertEquals(indexes.length, Math.min(came, items.length), "an item is missing");
  }
  for (const outcome of outcomes) {
    const { index, attempts } = outcome;
    const item = items[index]!;
    const starts = startsOf(index);
    assert(
      starts <= attempts,
      `item ${index} was started ${starts} times, in ${attempts} attempts`,
    );
    assert(attempts <= most, `item ${index} had ${attempts} attempts`);
    if (outcome.status === "fulfilled") {
      checkValue(item, expected[index]!, outcome.value, starts);
    } else if (outcome.ended === "failed" && outcome.reason instanceof RangeError) {
      assertEquals(outcome.reason.message, expected[index], "what went in isn't what was seen");
    }
    if (stopped || run.hasDeadline || !run.rerun) continue;
    checkInnocent(plan, item, outcome.status, () => reasonOf(outcome));
  }
}

function checkValue(item: FuzzItem, expected: string, value: unknown, starts: number): void {
  const { checksum, bytes } = value as { checksum: string; bytes?: Uint8Array };
  assertEquals(checksum, expected, "what went in isn't what was seen");
  if (bytes !== undefined) assert(bytes.every((byte) => byte === (item.id & 255)));
  assert(starts >= 1, `item ${item.id} has a value, but was never started`);
  assert(!["throws", "exits", "is deaf"].includes(item.does), `item ${item.id} ${item.does}`);
}

/** Checks that an item that does no harm has its value, whatever other items did; the run wasn't stopped. */
function checkInnocent(plan: Plan, item: FuzzItem, status: string, reason: () => string): void {
  const strays = plan.runs.some(({ items }) => items.some(({ does }) => does === "strays"));
  const innocent = item.does === "returns" || item.does === "waits" || item.does === "computes";
  if (innocent && !strays) {
    assertEquals(status, "fulfilled", `item ${item.id} ${item.does}: ${reason()}`);
  }
}

function reasonOf(outcome: Outcome<unknown>): string {
  return outcome.status === "rejected" ? `${outcome.ended}, ${outcome.reason}` : "";
}
