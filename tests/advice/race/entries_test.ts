import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { type Candidate, nameOf, SEQUENTIAL } from "../../../lib/advice/prediction/candidate.ts";
import { listSchedule, predict } from "../../../lib/advice/prediction/predict.ts";
import { type Sample, sampleOf } from "../../../lib/advice/probe/sample.ts";
import { entriesOf, possibleGain, scaledMs } from "../../../lib/advice/race/entries.ts";
import { recommend } from "../../../lib/advice/race/recommend.ts";
import type { Runner } from "../../../lib/advice/race/runner.ts";
import { spreadOrder } from "../../../lib/timing/job_items.ts";
import { adviceOn } from "../advice_on.ts";
import { MACHINE, probedOf, roundOf, sampleFor } from "../fixture.ts";

const WORKERS: Candidate = { model: "workers", lanes: 2, slots: 1 };
const LIMITED: Candidate = { model: "limited", lanes: 1, slots: 8 };
const PROCESSES: Candidate = { model: "processes", lanes: 2, slots: 1 };

/** A job with a sample and a number of items. */
const jobOf = (sample: Sample, horizon: number, machine = MACHINE) => ({
  sample,
  machine,
  horizon,
});

Deno.test("possibleGain() is what cores and waiting can give", () => {
  const computing = sampleFor({ computeMs: 10 });
  assertEquals(possibleGain(computing, MACHINE.cores, WORKERS, 100), 2);
  assertEquals(possibleGain(computing, MACHINE.cores, LIMITED, 100), 1);
  assertEquals(possibleGain(sampleFor({ waitMs: 10 }), MACHINE.cores, LIMITED, 100), 8);
  const blocking = sampleFor({ computeMs: 0.1, waitMs: 10, blocks: true });
  assert(possibleGain(blocking, MACHINE.cores, LIMITED, 100) < 1.1);
  // Only the half that blocks the thread runs one item after the other.
  const half = { ...sampleFor({ waitMs: 10 }), blockedMs: 5 };
  assertAlmostEquals(possibleGain(half, MACHINE.cores, LIMITED, 100), 2, 0.01);
  assert(possibleGain(sampleFor({ computeMs: 5, waitMs: 5 }), MACHINE.cores, WORKERS, 100) <= 2);
  // If tasks wait nine tenths of the time, up to 72% of their computing may be waking up.
  const waking = possibleGain(
    sampleFor({ computeMs: 2, waitMs: 18 }),
    MACHINE.cores,
    { ...LIMITED, slots: 100 },
    100,
  );
  assertAlmostEquals(waking, 1 / (0.1 * 0.28 * 0.5 ** 0.9), 0.1);
  // A source yields one item after the other, and tasks run beside it.
  const source = sampleFor({ waitMs: 10, sourceMs: 30 });
  assertAlmostEquals(possibleGain(source, MACHINE.cores, LIMITED, 100), 4 / 3, 0.01);
  const quick = sampleFor({ waitMs: 30, sourceMs: 1 });
  assertAlmostEquals(possibleGain(quick, MACHINE.cores, LIMITED, 100), 8, 0.01);
  // A task's computing may be waking up from its waits, which many in flight save.
  const all = { model: "concurrent", lanes: 1, slots: Infinity } as const;
  const download = sampleFor({ computeMs: 0.5, waitMs: 20, items: 160 });
  assert(possibleGain(download, MACHINE.cores, all, 160) > 80);
});

Deno.test("scaledMs() takes items for queued that took longer than predicted", () => {
  const sample = sampleFor({ waitMs: 12, items: 120 });
  const crowd: Candidate = { model: "limited", lanes: 1, slots: 32 };
  // A server serves four at once, 12 ms each, so the time isn't a multiple of the time for 32 slots.
  const timeOf = (items: number) => ({ startMs: 0, runMs: 12 * Math.ceil(items / 4) });
  for (const items of [33, 50, 64, 90]) {
    const { runMs } = timeOf(items);
    const ms = scaledMs(jobOf(sample, 120), { candidate: crowd, items }, { startMs: 0, runMs });
    assertAlmostEquals(ms / timeOf(120).runMs, 1, 0.1, `${items} items: ${ms} ms`);
  }
});

Deno.test("scaledMs() counts a first item once that was dearer in the race than in the sample", () => {
  const sample = sampleFor({ waitMs: 17, items: 100 });
  const round = { startMs: 3, runMs: 60 + 13 * 17, warm: { afterMs: 60, items: 1 } };
  const ms = scaledMs(jobOf(sample, 100), { candidate: SEQUENTIAL, items: 14 }, round);
  assertAlmostEquals(ms, 3 + 60 + 99 * 17, 20);
  assertEquals(
    scaledMs(jobOf(sample, 100), { candidate: SEQUENTIAL, items: 100 }, round),
    3 + round.runMs,
  );
  // The same with lanes, where one lane had ended three more items when the other's first was done.
  const computes = sampleFor({ computeMs: 7, items: 60 });
  const cold = { startMs: 40, runMs: 100 + 13 * 7 / 1.9, warm: { afterMs: 100, items: 4 } };
  const all = scaledMs(jobOf(computes, 60), { candidate: WORKERS, items: 17 }, cold);
  assertAlmostEquals(all, 140 + 56 * 7 / 1.9, 20);
});

Deno.test("scaledMs() scales what lanes do behind a first item that is dear in each by the others' work", () => {
  const probed = probedOf({ computeMs: 4, items: 100 });
  const [first, ...rest] = probed.stretches;
  const dear = { ...first!, wallMs: 400, cpuMs: 400, syncMs: 400, syncCpuMs: 400 };
  const sample = sampleOf({ ...probed, stretches: [dear, ...rest] });
  const round = { startMs: 40, runMs: 400 + 44 * 4 / 1.9, warm: { afterMs: 400, items: 2 } };
  const ms = scaledMs(jobOf(sample, 100), { candidate: WORKERS, items: 46 }, round);
  assertAlmostEquals(ms, 40 + 400 + 98 * 4 / 1.9, 20);
});

Deno.test("a first item that is dear in each process casts no doubt on a gain", () => {
  // Each lane builds a table before its first item; the plain loop runs fewer items than the lanes.
  const probed = probedOf({ computeMs: 4, items: 300 });
  const [first, ...rest] = probed.stretches;
  const dear = { ...first!, wallMs: 400, cpuMs: 400, syncMs: 400, syncCpuMs: 400 };
  const sample = sampleOf({ ...probed, stretches: [dear, ...rest] });
  const runnerOf = (candidate: Candidate, items: number, runMs: number): Runner => ({
    candidate,
    items,
    rounds: [0, 1, 2].map((round) => roundOf({ round, runMs: runMs + round })),
  });
  const runners = [
    runnerOf(SEQUENTIAL, 15, 400 + 14 * 4),
    runnerOf(WORKERS, 90, 400 + 90 * 2.1),
  ];
  const { entries } = entriesOf(runners, jobOf(sample, 300));
  assertEquals(entries.map(({ doubt }) => doubt), [1, 1]);
});

Deno.test("a small gain of what was to gain far more is in doubt where the plain loop's few items were dearer", () => {
  const sample = sampleFor({ waitMs: 12, items: 80 });
  const runnerOf = (candidate: Candidate, items: number, itemMs: number): Runner => ({
    candidate,
    items,
    rounds: [0, 1, 2].map((round) => roundOf({ round, runMs: items * itemMs + round })),
  });
  const doubtOf = (plainMs: number, ownMs: number) => {
    const runners = [runnerOf(SEQUENTIAL, 14, plainMs), runnerOf(LIMITED, 80, ownMs)];
    return entriesOf(runners, jobOf(sample, 80)).entries[1]!.doubt!;
  };
  // A lock lets one task run at a time.
  assertAlmostEquals(doubtOf(15.6, 12), 1.3, 0.02);
  assertAlmostEquals(doubtOf(12, 12), 1, 0.01);
  // Eight slots that gain as predicted are not in doubt, whatever time the plain loop took.
  assertEquals(doubtOf(15.6, 2), 1);
});

Deno.test("a gain beyond its prediction is in doubt where the plain loop's only round was slow", () => {
  const made = { computeMs: 20, items: 80 };
  // Lanes start so slowly that they promise little.
  const machine = { ...MACHINE, startMs: { ...MACHINE.startMs, workers: 600 } };
  const doubtOf = (plainMs: number, laneMs: number, rounds = 1) => {
    const runnerOf = (candidate: Candidate, startMs: number, itemMs: number): Runner => ({
      candidate,
      items: 40,
      rounds: Array.from(
        { length: rounds },
        (_, round) => roundOf({ round, startMs, runMs: 40 * itemMs }),
      ),
    });
    const runners = [runnerOf(SEQUENTIAL, 1, plainMs), runnerOf(WORKERS, 600, laneMs)];
    return entriesOf(runners, jobOf(sampleFor(made), 80, machine)).entries[1]!.doubt!;
  };
  assertAlmostEquals(doubtOf(32, 10.5), 1.6, 0.03);
  assertEquals(doubtOf(32, 10.5, 2), 1, "it is slow each time");
  assertEquals(doubtOf(20, 10.5), 1);
  assertEquals(doubtOf(32, 20), 1, "the lanes' items took as much longer");
  assertEquals(doubtOf(20, 6), 1, "lanes gain more than predicted, beside a plain loop as sampled");
});

Deno.test("advise() takes a gain above what the machine can give for an alarm", async () => {
  const advice = await adviceOn({ computeMs: 20 }, ({ model }, _items, runMs) => ({
    runMs: model === "sequential" ? runMs : runMs / 2,
  }));
  assertEquals(advice.recommended.model, "sequential");
  assertEquals(advice.recommended.decision, "can't tell");
  const hazard = advice.hazards.find(({ kind }) => kind === "impossible")!;
  assertStringIncludes(hazard.text, "The measurement can't be right, because");
  assertEquals(advice.models.find(({ model }) => model === "workers")?.out, "impossible");
});

/** Jobs whose items differ: the computing time in milliseconds of the item at each place. */
const SHAPES: Readonly<Record<string, (place: number) => number>> = {
  "grow": (place) => 1 + place * place / 100,
  "fall": (place) => 1 + (99 - place) ** 2 / 100,
  "come in two kinds": (place) => place < 50 ? 2 : 40,
  "have a heavy tail": (place) => place % 10 === 7 ? 100 : 3,
};

for (const [what, shape] of Object.entries(SHAPES)) {
  Deno.test(`scaledMs() gives items that ${what} a gain that the machine can give`, () => {
    const probed = probedOf({ computeMs: 1, items: 100 });
    const order = spreadOrder(100);
    const stretches = probed.stretches.map((stretch, turn) => {
      const ms = shape(order[turn]!);
      return { ...stretch, wallMs: ms, cpuMs: ms, syncMs: ms, syncCpuMs: ms };
    });
    const sample = sampleOf({ ...probed, stretches });
    const truth = (items: number) =>
      order.slice(0, items).reduce((sum, place) => sum + shape(place), 0);
    // The plain loop and the workers run different items, but both scale to the same job.
    for (const [few, more] of [[20, 60], [12, 30], [60, 20]] as const) {
      const round = (runMs: number) => roundOf({ runMs });
      const plain = scaledMs(
        jobOf(sample, 100),
        { candidate: SEQUENTIAL, items: few },
        round(truth(few)),
      );
      const walls = order.slice(0, more).map(shape);
      const onTwo = listSchedule(walls, 2).endMs * 2 / 1.9;
      const two = scaledMs(jobOf(sample, 100), { candidate: WORKERS, items: more }, round(onTwo));
      assert(Math.abs(plain / truth(100) - 1) < 0.05, `${few}: ${plain} of ${truth(100)}`);
      const gain = plain / two;
      assert(gain > 1.5 && gain < 2.2, `${few}, ${more}: ${gain}`);
    }
    const { runMs } = predict(sample, SEQUENTIAL, 100, MACHINE);
    assert(Math.abs(runMs / truth(100) - 1) < 0.05);
  });
}

/** Every tenth item computes for 400 ms and the others wait for 20 ms, in the order of the race. */
function twoKinds(order: readonly number[]) {
  const probed = probedOf({ computeMs: 1, items: order.length });
  const stretches = probed.stretches.map((stretch, turn) => {
    const computes = order[turn]! % 10 === 9;
    const wallMs = computes ? 400 : 20;
    const cpuMs = computes ? 400 : 0.1;
    return { ...stretch, wallMs, cpuMs, syncMs: cpuMs, syncCpuMs: cpuMs };
  });
  return sampleOf({ ...probed, stretches });
}

Deno.test("a race that met no dear item is scaled by what the sample knows of them, and raises no alarm", () => {
  const sorted = Array.from({ length: 60 }, (_, place) => place)
    .toSorted((a, b) => Number(a % 10 === 9) - Number(b % 10 === 9));
  const sample = twoKinds(sorted);
  const slots = { model: "limited", lanes: 1, slots: 16 } as const;
  const runner = (candidate: Candidate, items: number, runMs: number): Runner => ({
    candidate,
    items,
    rounds: [roundOf({ runMs })],
  });
  const runners = [runner(SEQUENTIAL, 32, 32 * 20), runner(slots, 48, 3 * 20)];
  const { entries, impossible } = entriesOf(runners, jobOf(sample, 60));
  assertEquals(impossible, []);
  const [plain, many] = entries.map(({ times }) => times[0]!.ms);
  const gain = plain! / many!;
  // 6 × 400 ms are computed one after the other, whatever waits meanwhile: 3480 ms become about 2420 ms.
  assert(gain > 1.2 && gain < 1.6, `${gain}`);
});

Deno.test("a long wait lets as many gain as are in flight, whatever a busy machine held up", () => {
  const sample = sampleFor({ computeMs: 0.2, waitMs: 20, items: 120, total: null });
  const held = { ...sample, blockedMs: 0.8 };
  const many = { model: "limited", lanes: 1, slots: 656 } as const;
  assert(possibleGain(held, MACHINE.cores, many, 1210) > 300);
});

Deno.test("a gain that can't be puts all gains in doubt that rest on the same plain loop", () => {
  const runner = (candidate: Candidate, ...times: number[]): Runner => ({
    candidate,
    items: 100,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  });
  const sample = sampleFor({ computeMs: 10 });
  const slow = runner(SEQUENTIAL, 3500, 3400, 3600, 3500);
  const found = entriesOf([
    slow,
    runner(WORKERS, 1000, 1000, 1010, 990),
    runner(PROCESSES, 1500, 1490, 1520, 1500),
  ], jobOf(sample, 100));
  assertEquals(found.impossible.map(({ model }) => model), ["workers (2 lanes)"]);
  const { candidate, decision } = recommend(found.entries, found.usualNoise);
  assertEquals([candidate.model, decision], ["sequential", "can't tell"]);
  // An impossible gain isn't recommended from one round either, however wide its interval.
  const once = entriesOf([runner(SEQUENTIAL, 3500), runner(PROCESSES, 1000)], jobOf(sample, 100));
  assertEquals(once.impossible.length, 1);
  assertEquals(recommend(once.entries).candidate.model, "sequential");
});

Deno.test("one round that shows what can't be leaves no other of its gains sure", () => {
  const runner = (slots: number, ...times: number[]): Runner => ({
    candidate: slots === 1 ? SEQUENTIAL : { ...LIMITED, slots },
    items: 100,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  });
  const of = (...more: Runner[]) => {
    const { entries, usualNoise } = entriesOf(
      [runner(1, 1000), runner(4, 250), ...more],
      jobOf(sampleFor({ waitMs: 10 }), 100),
    );
    return recommend(entries, usualNoise).decision;
  };
  assertEquals([of(), of(runner(8, 83))], ["gain", "can't tell"]);
});

Deno.test("lanes that gained more than independent processes did meanwhile took it from others", () => {
  const runner = (candidate: Candidate, ...times: number[]): Runner => ({
    candidate,
    items: 100,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  });
  const sample = sampleFor({ computeMs: 10, available: 0.3 });
  const runners = [runner(SEQUENTIAL, 3300, 3350, 3250), runner(WORKERS, 1700, 1650, 1660)];
  const of = (ceiling: number) => {
    const { entries, usualNoise } = entriesOf(runners, jobOf(sample, 100, { ...MACHINE, ceiling }));
    return recommend(entries, usualNoise);
  };
  assertEquals([of(1).candidate.model, of(1).decision], ["sequential", "can't tell"]);
  assertEquals(of(1.8).candidate.model, "workers");
  // When others use the CPUs, no gain may exceed the number of cores, not even by a tenth.
  runners[1] = runner(WORKERS, 1500, 1480, 1490);
  assertEquals(of(2).decision, "can't tell");
});

Deno.test("a gain that is too great by its noise alone takes no other's away", () => {
  const runner = (slots: number, ...times: number[]): Runner => ({
    candidate: slots === 1 ? SEQUENTIAL : { ...LIMITED, slots },
    items: 11,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  });
  const of = (available: number, rounds = 3) => {
    const sample = sampleFor({ computeMs: 7, onLoop: 0.05, items: 80, available });
    const runners = [runner(1, 81, 75, 79), runner(2, 46, 44, 45), runner(8, 36, 29, 30)]
      .map((of) => ({ ...of, rounds: of.rounds.slice(0, rounds) }));
    const { entries, usualNoise, impossible } = entriesOf(runners, jobOf(sample, 80));
    assertEquals(impossible.map(({ model }) => model), ["limited (8 slots)"]);
    return recommend(entries, usualNoise);
  };
  for (const rounds of [3, 2]) {
    assertEquals([of(1, rounds).candidate.slots, of(1, rounds).decision], [2, "gain"]);
  }
  // When others use the CPUs, times are less certain than the rounds show.
  assertEquals(of(0.5).decision, "can't tell");
});

Deno.test("programs that a busy machine holds up gain no more than cores, or nothing is told", () => {
  const runner = (candidate: Candidate, ...times: number[]): Runner => ({
    candidate,
    items: 100,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  });
  // 10 of 35 ms are computed; the rest is queueing or waiting, which nothing counts.
  const sample = sampleFor({ computeMs: 1, waitMs: 34, programMs: 9, othersUse: 1.7 });
  const of = (others: readonly Runner[], ceiling = 1.2) => {
    const runners = [runner(SEQUENTIAL, 3500, 3550, 3450), ...others];
    const { entries, usualNoise, impossible } = entriesOf(
      runners,
      jobOf(sample, 100, { ...MACHINE, ceiling }),
    );
    assertEquals(impossible, []);
    return recommend(entries, usualNoise);
  };
  const many: Candidate = { model: "workers", lanes: 2, slots: 32 };
  const crowd = runner(many, 890, 880, 900);
  assertEquals([of([crowd]).candidate.model, of([crowd]).decision], ["sequential", "can't tell"]);
  // A gain that two cores can give is reported.
  const few = of([runner(LIMITED, 1850, 1900, 1870), crowd]);
  assertEquals([few.candidate, few.decision], [LIMITED, "gain"]);
  // On an idle machine the programs wait for the rest, so all of it is a gain.
  const idle = sampleFor({ computeMs: 1, waitMs: 34, programMs: 9, othersUse: 0 });
  const runners = [runner(SEQUENTIAL, 3500, 3550, 3450), crowd];
  assertEquals(
    recommend(entriesOf(runners, jobOf(idle, 100)).entries).candidate,
    many,
  );
});

Deno.test("entriesOf() limits a gain by a ceiling, if that isn't so low that it may have been mismeasured", () => {
  const runnerOf = (candidate: Candidate, runMs: number): Runner => ({
    candidate,
    items: 100,
    rounds: [0, 1, 2].map((round) => roundOf({ round, runMs })),
  });
  const mostOf = (ceiling: number) =>
    entriesOf(
      [runnerOf(SEQUENTIAL, 1000), runnerOf(WORKERS, 600)],
      jobOf(sampleFor({ computeMs: 10, othersUse: 0 }), 100, { ...MACHINE, ceiling }),
    ).entries[1]!.most;
  assertEquals([mostOf(1.9), mostOf(1.08)], [1.9, 2]);
});

Deno.test("tasks that wait may compute as little with many in flight as the race says", async () => {
  // One event of a client's connection carries all requests made at the same time.
  const gained = (runCpuMs?: number) =>
    adviceOn(
      { computeMs: 1.4, waitMs: 34.5, items: 84, total: 400 },
      ({ model }, items) =>
        model === "sequential"
          ? { runMs: 36 * items, runCpuMs: 1.4 * items }
          : { runMs: items / 7, ...(runCpuMs && { runCpuMs }) },
    );
  const { recommended, hazards } = await gained(30);
  assertEquals([recommended.model, recommended.decision], ["concurrent", "gain"]);
  assertEquals(hazards, []);
  assert(
    recommended.gain!.median > 220 && recommended.confidence > 0.9,
    `${recommended.confidence}`,
  );
  const { recommended: unknown } = await gained();
  assert(unknown.gain!.median < 220 && unknown.confidence <= 0.6);
});

Deno.test("possibleGain() takes what a quick source takes for dealing out", () => {
  const all = { model: "limited", lanes: 1, slots: 1000 } as const;
  const of = (sourceMs: number) =>
    possibleGain(sampleFor({ waitMs: 10, sourceMs }), MACHINE.cores, all, 1000);
  assertEquals(of(0.09), 1000);
  assertAlmostEquals(of(0.11), 10.11 / 0.11, 0.5);
});

Deno.test("no model is taken with as many in flight as another of its place failed with", () => {
  const ran = (candidate: Candidate, more: Partial<Runner> = {}): Runner => ({
    candidate,
    items: 100,
    rounds: [roundOf({ runMs: 10 })],
    ...more,
  });
  const slots = (of: number): Candidate => ({ ...LIMITED, slots: of });
  const failed = { out: "failures" } as const;
  const eligible = (...runners: Runner[]) =>
    entriesOf([ran(SEQUENTIAL), ...runners], jobOf(sampleFor({ waitMs: 20 }), 100)).entries
      .filter((of) => of.eligible).map((of) => nameOf(of.candidate)).slice(1);
  assertEquals(eligible(ran(slots(4)), ran(slots(23), failed), ran(slots(64))), [
    "limited (4 slots)",
  ]);
  assertEquals(eligible(ran(PROCESSES, failed), ran(WORKERS), ran(slots(2))), [
    "workers (2 lanes)",
    "limited (2 slots)",
  ]);
});

Deno.test("children that wait gain by that on a busy machine, too, and not by others' share of the CPUs", () => {
  const runner = (candidate: Candidate, ...times: number[]): Runner => ({
    candidate,
    items: 40,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  });
  const sample = sampleFor({ computeMs: 1, waitMs: 52, programMs: 4, othersUse: 1.9 });
  const runners = [runner(SEQUENTIAL, 2280, 2300, 2260), runner(LIMITED, 600, 610, 605)];
  const { entries, usualNoise } = entriesOf(
    runners,
    jobOf(sample, 40, { ...MACHINE, ceiling: 1.03 }),
  );
  const { candidate, decision } = recommend(entries, usualNoise);
  assertEquals([candidate, decision], [LIMITED, "gain"]);
});

Deno.test("no gain is made of what others took in rounds in which the plain loop didn't run", () => {
  const runner = (candidate: Candidate, ...times: number[]): Runner => ({
    candidate,
    items: 60,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  });
  const lanes: Candidate = { model: "workers", lanes: 2, slots: 1 };
  const few: Candidate = { model: "limited", lanes: 1, slots: 2 };
  // All but one were held up for two rounds.
  const runners = [
    runner(SEQUENTIAL, 1000),
    runner(few, 520, 510, 505),
    runner(LIMITED, 500, 3000, 3000),
    runner(lanes, 550, 3000, 3000),
  ];
  const judged = (sample: Sample) => {
    const { entries, usualNoise, impossible } = entriesOf(runners, jobOf(sample, 60));
    return { impossible, ...recommend(entries, usualNoise) };
  };
  const computing = judged(sampleFor({ computeMs: 15, items: 60 }));
  assert(computing.impossible.some(({ model }) => model === "limited (2 slots)"));
  assert(computing.decision !== "gain");
  const waiting = judged(sampleFor({ waitMs: 15, items: 60 }));
  assertEquals(waiting.decision, "can't tell");
});

Deno.test("recommend() measures nothing against a plain loop that has no round", () => {
  const sample = sampleFor({ waitMs: 20 });
  const of = (candidate: Candidate, rounds: Runner["rounds"]): Runner => ({
    ...{ candidate, items: 100, rounds },
  });
  const told = (rounds: Runner["rounds"]) =>
    recommend(
      entriesOf(
        [of(SEQUENTIAL, rounds), of(LIMITED, [roundOf({ runMs: 250 })])],
        jobOf(sample, 100),
      )
        .entries,
    ).decision;
  assertEquals(told([]), "unmeasured");
  assert(told([roundOf({ runMs: 2000 })]) !== "unmeasured");
});
