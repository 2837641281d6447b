import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  refinements,
  runSweep,
  sizesAgreement,
  type SweepOptions,
} from "../../lib/scaling/run_sweep.ts";
import type { TimingEvent, TrialSpec } from "../../lib/timing/spec.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";
import { seededRandom } from "../../lib/timing/random.ts";
import { optionsFor, specOf, trialOf } from "./measured.ts";
import { SIZES } from "./synthetic.ts";
import fc from "../properties.ts";

const plateau = (slots: number) => 50 * Math.min(slots, 8);

Deno.test("runSweep() measures every size in every round before the next round begins", async () => {
  const order: number[] = [];
  await runSweep(specOf(), {
    ...optionsFor((slots) => 50 * slots),
    onEvent: (event) => event.type === "trial-started" && order.push(event.trial.slots!),
  });
  assertEquals(order.length, 3 * SIZES.length);
  for (let round = 0; round < 3; round++) {
    const part = order.slice(round * SIZES.length, (round + 1) * SIZES.length);
    assertEquals(part.toSorted((a, b) => a - b), [...SIZES]);
  }
  assert(order.slice(0, 7).join() !== SIZES.join(), "the order is drawn, not ascending");
});

Deno.test("runSweep() measures around the knee, twice, and the knee again", async () => {
  const { sizes } = await runSweep(specOf(), optionsFor(plateau));
  const added = sizes.filter(({ refined }) => refined).map(({ size }) => size);
  assertEquals(added, [6, 7, 9, 11]);
  const rounds = new Map(sizes.map(({ size, trials }) => [size, trials.length]));
  assertEquals(rounds.get(8), 9, "its own three rounds and three in each refinement");
  assertEquals(rounds.get(6), 3);
});

Deno.test("runSweep() doesn't look again when the budget is spent", async () => {
  using time = new VirtualTime();
  const { runTrial } = optionsFor(plateau);
  const { sizes } = await runSweep(specOf({ budgetMs: 20_000 }), {
    runTrial: (...args) => {
      time.nowMs += 900;
      return runTrial(...args);
    },
  });
  assertEquals(sizes.filter(({ refined }) => refined).map(({ size }) => size), [6, 11]);
});

Deno.test("runSweep() goes on to larger sizes while the throughput rises, and no further", async () => {
  const sizesOf = async (of: Parameters<typeof optionsFor>[0], extendTo: number) => {
    const { sizes } = await runSweep(specOf({ extendTo, refineSteps: 0 }), optionsFor(of));
    return sizes.map(({ size }) => size);
  };
  const linear = (slots: number) => 50 * slots;
  assertEquals(await sizesOf(linear, 300), [...SIZES, 128, 256]);
  assertEquals(await sizesOf(linear, 0), [...SIZES], "none but those listed");
  assertEquals(await sizesOf(plateau, 1024), [...SIZES], "flat at its end already");
  assertEquals(await sizesOf((slots) => 50 * Math.min(slots, 100), 1024), [...SIZES, 128, 256]);
});

Deno.test("runSweep() says once on what a GPU's lane computed", async () => {
  const options = optionsFor(plateau);
  const device = { name: "llvmpipe", software: true };
  const { warnings } = await runSweep(specOf(), {
    ...options,
    runTrial: async (...args) => ({ ...await options.runTrial(...args), device }),
  });
  assertEquals(warnings.filter((text) => text.includes("llvmpipe")).length, 1);
  assertStringIncludes(warnings.join(), "no graphics card");
});

Deno.test("runSweep() doesn't go on where tasks fail already", async () => {
  const options = optionsFor((slots) => 50 * slots);
  const { sizes } = await runSweep(specOf({ extendTo: 1024, refineSteps: 0 }), {
    ...options,
    runTrial: async (trial, how) => {
      const result = await options.runTrial(trial, how);
      return trial.slots === 64 ? { ...result, round: { ...result.round, failed: 5 } } : result;
    },
  });
  assertEquals(sizes.at(-1)!.size, 64);
});

/** Trials in which an item never settles from a size on; with `all`, no other item settles either. */
function hangingFrom(least: number, seen: number[], all = false): SweepOptions {
  const options = optionsFor((slots) => 50 * slots);
  return {
    ...options,
    runTrial: async (trial, how) => {
      const result = await options.runTrial(trial, how);
      seen.push(trial.slots!);
      if (trial.slots! < least) return result;
      const waited = { succeeded: 99, failed: 1, reasons: { "timed-out": 1 }, runMs: 30_100 };
      return { ...result, round: { ...result.round, ...waited }, ...(all && { stopped: true }) };
    },
  };
}

Deno.test("runSweep() waits twice at most for tasks that never settle, whatever the order", async () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const least of [2, 8, 64]) {
      const seen: number[] = [];
      const spec = specOf({ seed, timeoutMs: 30_000, extendTo: 1024 });
      const { sizes, warnings } = await runSweep(spec, hangingFrom(least, seen, seed % 2 > 0));
      assert(seen.filter((size) => size >= least).length <= 2, seen.join());
      const below = SIZES.filter((size) => size < least);
      assertEquals(seen.filter((size) => size < least).length, 3 * below.length);
      assert(sizes.some(({ size }) => size === least), "where it begins is found");
      assertStringIncludes(warnings.join(), `At ${least} tasks did not settle`);
    }
  }
});

Deno.test("runSweep() ends where tasks never settle at the smallest size, but bears short deadlines", async () => {
  const seen: number[] = [];
  await runSweep(specOf({ timeoutMs: 30_000 }), hangingFrom(1, seen));
  assert(seen.length <= 2 && seen.at(-1) === 1, seen.join());
  const many: number[] = [];
  const { warnings } = await runSweep(specOf({ timeoutMs: 200 }), hangingFrom(1, many));
  assertEquals([many.length, warnings.length], [3 * SIZES.length, 0]);
});

/** Trials of a server that refuses everything for a while after more than `most` requests at once. */
function banning(most: number, banMs: number, seen: number[] = []) {
  const options = optionsFor((slots) => 50 * slots);
  let [nowMs, bannedUntilMs] = [0, 0];
  return {
    ...options,
    onEvent: ({ type, ...of }: TimingEvent) =>
      type === "trial-started" && seen.push((of as { trial: TrialSpec }).trial.slots!),
    runTrial: async (trial: TrialSpec, how: Parameters<SweepOptions["runTrial"]>[1]) => {
      const result = await options.runTrial(trial, how);
      nowMs += 100;
      if (trial.slots! > most) bannedUntilMs = nowMs + banMs;
      return nowMs > bannedUntilMs
        ? result
        : { ...result, round: { ...result.round, succeeded: 4, failed: 96 } };
    },
  } as SweepOptions;
}

Deno.test("runSweep() charges no size with a refusal that a larger one left behind: it ends, and says so", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const seen: number[] = [];
    const spec = specOf({ seed, failedShare: 0, extendTo: 1024 });
    const swept = await runSweep(spec, banning(8, 1500, seen));
    assertEquals(seen, [1, 2, 4, 8, 16], "the smallest come first");
    const failed = swept.sizes.filter(({ trials }) => trials.some((of) => of.round.failed > 0));
    assertEquals([swept.sizes.length, failed.map(({ size }) => size)], [5, [16]]);
    assertStringIncludes(swept.warnings.join(), "After a trial at 16 tasks failed at 1 too");
  }
});

Deno.test("runSweep() goes on with all sizes where failures leave nothing behind", async () => {
  const seen: number[] = [];
  const { sizes } = await runSweep(specOf({ failedShare: 0, refineSteps: 0 }), banning(8, 0, seen));
  assertEquals(sizes.map(({ trials }) => trials.length), SIZES.map(() => 3));
  const none: number[] = [];
  await runSweep(specOf({ failedShare: 0.96, refineSteps: 0 }), banning(0, 1e6, none));
  assertEquals(none.length, 3 * SIZES.length, "what fails one by one is no refusal");
});

Deno.test("runSweep() doesn't take the noise between near sizes for a knee", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = seededRandom(seed);
    const noisy = (slots: number) => 50 * slots * (1 + 0.3 * (random() - 0.5));
    const near = [1, 2, 3, 4, 5, 6, 8, 9];
    const { sizes } = await runSweep(specOf({ sizes: near, seed }), optionsFor(noisy));
    assert(sizes.length <= near.length + 1, `seed ${seed}: ${sizes.map(({ size }) => size)}`);
  }
});

Deno.test("runSweep() adds nothing where nothing bends", async () => {
  const { sizes } = await runSweep(specOf(), optionsFor((slots) => 50 * slots));
  assertEquals(sizes.map(({ size }) => size), [...SIZES]);
});

Deno.test("runSweep() keeps what was measured until it was stopped", async () => {
  const stop = new AbortController();
  let started = 0;
  const { sizes, partial } = await runSweep(specOf(), {
    signal: stop.signal,
    runTrial: (trial) => {
      if (++started < 4) return Promise.resolve(trialOf(trial, 100));
      stop.abort();
      return Promise.reject(stop.signal.reason);
    },
  });
  assertEquals([sizes.length, partial, started], [3, true, 4]);
});

Deno.test("runSweep() tells of a trial that failed, and throws if the first did", async () => {
  let started = 0;
  const { warnings, partial } = await runSweep(specOf({ rounds: 1, refineSteps: 0 }), {
    runTrial: (trial) =>
      ++started === 3
        ? Promise.reject(new Error("it crashed"))
        : Promise.resolve(trialOf(trial, 100)),
  });
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.endsWith("is missing: it crashed"));
  assertEquals(partial, false);
  await assertRejects(
    () => runSweep(specOf(), { runTrial: () => Promise.reject(new Error("no such export")) }),
    Error,
    "no such export",
  );
});

Deno.test("refinements() halves both gaps next to the knee, on the scale of doublings", () => {
  assertEquals(refinements(SIZES, 8), [6, 11]);
  assertEquals(refinements(SIZES, 32), [23, 45]);
});

Deno.test("refinements() adds nothing between neighbours", () => {
  assertEquals(refinements([1, 2, 3, 4], 2), []);
  assertEquals(refinements([1, 2, 4], 2), [3]);
});

Deno.test("refinements() gives only sizes that weren't measured, between those that were", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 3, maxLength: 12 }),
    fc.nat(),
    (drawn, place) => {
      const sizes = drawn.toSorted((a, b) => a - b);
      const knee = sizes[1 + place % (sizes.length - 2)]!;
      const added = refinements(sizes, knee);
      assert(added.length <= 2);
      for (const size of added) {
        assert(!sizes.includes(size));
        assert(size > Math.min(...sizes) && size < Math.max(...sizes));
      }
    },
  ));
});

Deno.test("sizesAgreement() compares the results of the items that all sizes ran, where none failed", () => {
  const at = (size: number, ...results: (string | undefined)[]) => ({
    size,
    trials: results.map((prefixChecksum, round) => {
      const trial = trialOf({ model: "limited", round, slots: size } as never, 100);
      return { ...trial, ...(prefixChecksum !== undefined && { prefixChecksum }) };
    }),
  });
  assertEquals(sizesAgreement([]), {});
  assertEquals(sizesAgreement([at(1, undefined), at(2, "a")]), {});
  assertEquals(sizesAgreement([at(1, "a", "a"), at(2, "a"), at(4, "a", "a")]), {});
  assertEquals(sizesAgreement([at(1, "a", "a"), at(2, "a"), at(4, "a", "b")]), { differsAt: 4 });
  assertEquals(sizesAgreement([at(1, "a", "b"), at(2, "c")]), { unsteady: true });
  const failed = at(2, "b");
  const other = failed.trials.map((trial) => ({ ...trial, round: { ...trial.round, failed: 1 } }));
  assertEquals(sizesAgreement([at(1, "a"), { size: 2, trials: other }]), {});
});
