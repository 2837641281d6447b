/**
 * Random schedules against a simple model of the contract. The lanes are fake: which of them does
 * what next, when the consumer takes a result, and when the run is aborted, is drawn.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Outcome } from "../../lib/dispatch/outcome.ts";
import { LanePool } from "../../lib/dispatch/pool.ts";
import { startRun } from "../../lib/dispatch/start_run.ts";
import { FakeLane, type FakeWorld, type Fate, valueOf } from "./fake_lane.ts";

const SEED = Number(crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1);

const job = fc.record({
  /** For each item, how each attempt at it ends; the last one goes on for ever. */
  fates: fc.array(
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.constant<Fate>("ok") },
        { weight: 2, arbitrary: fc.constant<Fate>("fail") },
        { weight: 1, arbitrary: fc.constant<Fate>("kill") },
      ),
      { minLength: 1, maxLength: 3 },
    ),
    { maxLength: 12 },
  ),
  lanes: fc.integer({ min: 1, max: 3 }),
  slots: fc.integer({ min: 1, max: 3 }),
  order: fc.constantFrom("input" as const, "completion" as const),
  chunk: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 5 })),
  buffer: fc.integer({ min: 0, max: 4 }),
  retries: fc.integer({ min: 0, max: 3 }),
  tells: fc.boolean(),
  remote: fc.boolean(),
  abortAfter: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 4, nil: Infinity }),
  steps: fc.infiniteStream(fc.nat({ max: 1 << 20 })),
});

type Job = typeof job extends fc.Arbitrary<infer T> ? T : never;

/** How an item must end, and in how many attempts, if nothing is aborted. */
function expected(fates: readonly Fate[], retries: number): { ends: string; attempts: number } {
  let kills = 0;
  for (let attempt = 1;; attempt++) {
    const fate = fates[Math.min(attempt, fates.length) - 1]!;
    if (fate === "ok") return { ends: "fulfilled", attempts: attempt };
    if (fate === "kill") kills++;
    const ends = fate === "kill" ? "crashed" : "failed";
    if (attempt > retries || kills >= 2) return { ends, attempts: attempt };
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await undefined;
}

/** Runs a job to its end, one drawn step at a time. */
async function play(
  { fates, lanes, slots, order, chunk, buffer, retries, tells, remote, abortAfter, steps }: Job,
): Promise<{ outcomes: Outcome<unknown>[]; aborted: boolean; world: FakeWorld }> {
  const world: FakeWorld = {
    fate: (index, attempt) => fates[index]![Math.min(attempt, fates[index]!.length) - 1]!,
    tells,
    remote,
    lanes: new Set(),
    ran: [],
  };
  const pool = new LanePool({
    lanes,
    slots,
    graceMs: 1e6,
    makeLane: (_number, events) => new FakeLane(world, events),
  });
  const outcomes: Outcome<unknown>[] = [];
  let pulled = 0;
  let asking = false;
  function* items() {
    for (; pulled < fates.length;) {
      assert(
        // One that was asked for may have been taken, and not have arrived here yet.
        pulled - outcomes.length - Number(asking) < lanes * slots + buffer,
        `item ${pulled} was pulled when ${outcomes.length} had been taken`,
      );
      yield pulled++;
    }
  }
  const controller = new AbortController();
  const results = startRun(
    pool,
    { module: "fake:", export: "default" },
    items(),
    {
      order,
      chunk,
      buffer,
      signal: controller.signal,
      retries: { limit: retries, baseMs: 0 },
    },
    false,
  );
  let ended = false;
  let failure: { error: unknown } | undefined;
  const ask = () => {
    if (asking || ended) return;
    asking = true;
    results.next().then(({ value, done }) => {
      asking = false;
      if (done) ended = true;
      else outcomes.push(value as Outcome<unknown>);
    }, (error) => failure = { error });
  };
  let aborted = false;
  for (let step = 0; !ended; step++) {
    assert(step < 1000, "the run does not end");
    if (failure !== undefined) throw failure.error;
    const drawn = steps.next().value as number;
    const busy = [...world.lanes].filter((lane) => lane.busy > 0);
    for (const lane of busy) assert(lane.busy <= slots, `${lane.busy} chunks on ${slots} slots`);
    if (step === abortAfter) {
      controller.abort();
      aborted = true;
    } else if (drawn % 3 === 0 || busy.length === 0) ask();
    else busy[(drawn >> 2) % busy.length]!.step(drawn >> 5, drawn % 5 === 0);
    await settle();
    // Only waits before retries need a timer.
    if (busy.length === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  await pool.close();
  assertEquals(outcomes.length, aborted ? outcomes.length : fates.length);
  assert(outcomes.length <= pulled || aborted);
  if (aborted) assertEquals(outcomes.length, pulled);
  return { outcomes, aborted, world };
}

Deno.test(`under 400 random schedules every item settles once, in order, as the contract says (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(job, async (drawn) => {
      const { outcomes, aborted, world } = await play(drawn);
      const indexes = outcomes.map(({ index }) => index);
      assertEquals(new Set(indexes).size, indexes.length, "an item settled twice");
      const sorted = indexes.toSorted((a, b) => a - b);
      assertEquals(sorted, [...sorted.keys()], "an item is missing");
      if (drawn.order === "input") assertEquals(indexes, sorted);
      for (const outcome of outcomes) {
        const { index, attempts } = outcome;
        const ends = outcome.status === "fulfilled" ? "fulfilled" : outcome.ended;
        if (outcome.status === "fulfilled") assertEquals(outcome.value, valueOf(index));
        assert(attempts <= drawn.retries + 1);
        if (ends === "cancelled") assert(aborted);
        else {
          const wanted = expected(drawn.fates[index]!, drawn.retries);
          if (!aborted) assertEquals({ index, ends, attempts }, { index, ...wanted });
        }
      }
      // Nothing that ended well or badly is run again under the same attempt.
      const ran = world.ran.map(({ index, attempt }) => `${index} ${attempt}`);
      if (drawn.tells && drawn.slots === 1 && !aborted) {
        assert(
          ran.length <= new Set(ran).size + drawn.fates.flat().filter((f) => f === "kill").length *
                5,
        );
      }
    }),
    { seed: SEED, numRuns: 400 },
  );
});
