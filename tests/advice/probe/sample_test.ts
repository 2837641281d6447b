import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type Candidate, SEQUENTIAL } from "../../../lib/advice/prediction/candidate.ts";
import { predict } from "../../../lib/advice/prediction/predict.ts";
import { promising } from "../../../lib/advice/race/race_plan.ts";
import {
  heldBytes,
  mostCpuShare,
  sampleOf,
  sourceLimit,
  typicalFrom,
} from "../../../lib/advice/probe/sample.ts";
import { possibleGain } from "../../../lib/advice/race/entries.ts";
import { MACHINE, probedOf, sampleFor } from "../fixture.ts";

Deno.test("sampleOf() takes CPU over wall time for the share of computing", () => {
  assertAlmostEquals(sampleFor({ computeMs: 3, waitMs: 9 }).cpuShare, 0.25, 0.001);
});

Deno.test("sampleOf() doesn't take a CPU that others used for waiting", () => {
  const busy = sampleFor({ computeMs: 10, available: 0.5 });
  assert(busy.cpuShare > 0.95, String(busy.cpuShare));
});

Deno.test("sampleOf() still sees the waiting on a busy machine", () => {
  const busy = sampleFor({ computeMs: 1, waitMs: 19, available: 0.6 });
  assert(busy.cpuShare < 0.1, String(busy.cpuShare));
});

Deno.test("sampleOf() counts a sample that was cut off as far as it came", () => {
  const probed = probedOf({ items: 4, computeMs: 2, total: null });
  const cut = sampleOf({
    ...probed,
    done: undefined,
    cutOff: "item 4 did not settle within 1 s",
  });
  assertAlmostEquals(cut.wallMs, 2, 0.2);
  assert(cut.total === null);
});

Deno.test("sampleOf() refuses a sample without items", () => {
  assertThrows(() => sampleOf({ ...probedOf({}), stretches: [] }), RangeError, "no item");
});

const others = { used: 1.5, cores: 2 };
const counted = {
  queuedMs: 0,
  childrenCpuMs: 0,
  countedShare: 1,
  uncountedCpuMs: 0,
  others,
};

Deno.test("sampleOf() believes what the system counted, not a loop that came out otherwise", () => {
  const probed = probedOf({ computeMs: 10, available: 0.4 });
  const misled = { ...probed, done: { ...probed.done!, available: 1 } };
  assert(sampleOf(misled).cpuShare < 0.5);
  const sample = sampleOf({ ...misled, load: { ...counted, available: 0.4 } });
  assert(sample.cpuShare > 0.97, String(sample.cpuShare));
  assertAlmostEquals(sample.queuedMs!, 15, 0.5);
});

Deno.test("sampleOf() sees uneven waits whole where the queueing was counted", () => {
  const probed = probedOf({ computeMs: 10, available: 0.5 });
  // Every second task also waits for 40 ms.
  const stretches = probed.stretches.map((of, i) => ({ ...of, wallMs: of.wallMs + (i % 2) * 40 }));
  const sample = sampleOf({ ...probed, stretches, load: { ...counted, available: 0.5 } });
  assertAlmostEquals(sample.cpuShare, 10 / 30, 0.02);
});

Deno.test("each task in flight holds what the programs hold that it runs", () => {
  const heldBy = (childrenBytes: number | undefined, taskBytes = 0) =>
    heldBytes(sampleOf({
      ...probedOf({ waitMs: 9, taskBytes }),
      load: { ...counted, available: 1, childrenBytes },
    }));
  assertEquals([heldBy(500e6), heldBy(9e6), heldBy(undefined)], [500e6, 0, 0]);
  assertEquals(heldBy(500e6, 100e6), 600e6);
});

Deno.test("sampleOf() counts what the programs that tasks run compute", () => {
  const probed = probedOf({ items: 50, computeMs: 1, waitMs: 19 });
  const load = { ...counted, available: 1, childrenCpuMs: 50 * 18 };
  const sample = sampleOf({ ...probed, load });
  assertAlmostEquals(sample.cpuShare, 0.95, 0.01);
  assertAlmostEquals(sample.cpuMs, 19, 0.1);
  // The event loop itself is idle.
  assert(sample.loopMs < 2 && sample.blockedMs === 0);
});

Deno.test("sampleOf() knows that a program run synchronously holds up the thread", () => {
  const probed = probedOf({ items: 50, computeMs: 1, waitMs: 19, blocks: true });
  const load = { ...counted, available: 1, childrenCpuMs: 50 * 19 };
  assertAlmostEquals(sampleOf({ ...probed, load }).blockedMs, 19, 0.5);
});

Deno.test("sampleOf() doesn't let a program's computing stand for what its starter queued", () => {
  // The event loop woke for so little that it queued twice as long as it ran; the program had a core.
  const probed = probedOf({ items: 50, computeMs: 1, waitMs: 29 });
  const load = { ...counted, available: 1 / 3, childrenCpuMs: 50 * 9 };
  // In 30 ms the loop ran 1 and queued 2, the program ran 9, and 18 were waiting.
  assertAlmostEquals(sampleOf({ ...probed, load }).cpuShare, 10 / 28, 0.01);
});

Deno.test("sampleOf() finds a task that never gives way in the way of its event loop, on a busy machine too", () => {
  const probed = probedOf({ items: 50, computeMs: 1, waitMs: 4, blocks: true });
  // Each task queued for a core twice as long as it took itself.
  const stretches = probed.stretches.map((of) => ({ ...of, wallMs: 15, syncMs: 15 }));
  const others = { used: 1.8, cores: 2 };
  const load = {
    available: 1 / 11,
    queuedMs: 500,
    childrenCpuMs: 0,
    countedShare: 1,
    uncountedCpuMs: 0,
    others,
  };
  const sample = sampleOf({ ...probed, stretches, load });
  assertAlmostEquals(sample.blockedMs + sample.cpuShare * sample.wallMs, sample.wallMs, 0.5);
  const slots: Candidate = { model: "limited", lanes: 1, slots: 8 };
  assertAlmostEquals(possibleGain(sample, MACHINE.cores, slots, 50), 1, 0.2);
  const raced = promising({ sample: sample, machine: MACHINE, total: 50, horizon: 50 }, 50).raced
    .map(({ model }) => model);
  assert(!raced.includes("limited") && !raced.includes("concurrent"), raced.join());
});

Deno.test("sampleOf() takes threads that collect garbage to queue beside the task, and its waits for waits", () => {
  const probed = probedOf({ items: 50, computeMs: 10, waitMs: 6 });
  // On its own thread the task computes 8.5 ms, and queues for 42.5 ms.
  const stretches = probed.stretches.map((of) => ({ ...of, wallMs: 57, cpuMs: 10 }));
  const load = { ...counted, available: 1 / 6, countedShare: 0.85 };
  const sample = sampleOf({ ...probed, stretches, load });
  assertAlmostEquals(sample.cpuShare, 10 / (57 - 42.5), 0.01);
  assertAlmostEquals(sample.queuedMs!, 42.5, 0.01);
  // A tenth of the queueing may be other threads'.
  assertAlmostEquals(sample.cpuShareError, sample.cpuShare ** 2 * 0.425, 0.01);
});

Deno.test("mostCpuShare() takes a program to queue for a core no longer than others used all of them", () => {
  const most = (of: Parameters<typeof sampleFor>[0]) => mostCpuShare(sampleFor(of));
  const programs = { computeMs: 1, waitMs: 29, programMs: 4 };
  // In 30 ms the program computes 4, and at most queues for all the others.
  assertAlmostEquals(most({ ...programs, othersUse: 2 }), 1, 1e-9);
  // Others used both cores for half of the time, so of 30 ms at least 15 - 5 are waiting.
  assertAlmostEquals(most({ ...programs, othersUse: 1 }), 5 / 15, 0.001);
  const idle = sampleFor({ ...programs, othersUse: 0 });
  assertEquals(mostCpuShare(idle), idle.cpuShare);
  // Without programs, all queueing was counted; without counts, nothing more is known.
  const own = sampleFor({ computeMs: 1, waitMs: 29, othersUse: 2 });
  assertEquals(mostCpuShare(own), own.cpuShare);
  assertEquals(mostCpuShare({ cpuShare: 0.3 }), 0.3);
});

/** A sample of items that took these times, one by one. */
function took(walls: readonly number[]) {
  const probed = probedOf({ computeMs: 1, items: walls.length });
  const stretches = walls.map((wallMs, at) => ({ ...probed.stretches[at]!, wallMs }));
  return sampleOf({ ...probed, stretches });
}

Deno.test("typicalFrom() tells from how many items on the first ones stand for all", () => {
  assertEquals(typicalFrom(took(Array(100).fill(5))), 1);
  // The first 20 items fill a cache: the first 66 still cost half more on average than all hundred.
  assertEquals(typicalFrom(took([...Array(20).fill(5), ...Array(80).fill(0.001)])), 67);
  // The first task makes a table.
  assertEquals(typicalFrom(took([300, ...Array(99).fill(3)])), 50);
  // The long items come late.
  assertEquals(typicalFrom(took([...Array(90).fill(1), ...Array(10).fill(50)])), 96);
});

Deno.test("the rest of a job takes what tasks do once the first has found all cold", () => {
  const coldBy = (firstMs: number) => {
    const { stretches, ...probed } = probedOf({ computeMs: 1, waitMs: 4, items: 30, total: 3000 });
    const [first, ...others] = stretches;
    return sampleOf({ ...probed, stretches: [{ ...first!, wallMs: firstMs }, ...others] });
  };
  const sample = coldBy(600);
  assertAlmostEquals(sample.rest!.wallMs, 5, 0.2);
  assertAlmostEquals(predict(sample, SEQUENTIAL, 3000, MACHINE).runMs, 600 + 2999 * 5, 150);
  assertEquals(coldBy(8).rest, undefined, "it takes little more than others");
});

Deno.test("the rest of a list takes what equal items took again, where tasks keep their results", () => {
  const kept = (ofAgain: number, distinct = 60) => {
    const probed = probedOf({ computeMs: 20, items: 100, total: 1000 });
    // Every second item is equal to an earlier one.
    const again = probed.stretches.map((_, place) => place % 2);
    const stretches = probed.stretches.map((of, place) => {
      const share = again[place] === 1 ? ofAgain : 1;
      return { ...of, wallMs: of.wallMs * share, cpuMs: of.cpuMs * share };
    });
    return sampleOf({
      ...probed,
      stretches,
      done: { ...probed.done!, equal: { distinct, again } },
    });
  };
  // Ten of the other 900 items are new.
  const sample = kept(0);
  assertAlmostEquals(sample.rest!.wallMs, 20 * 10 / 900, 0.02);
  assertAlmostEquals(predict(sample, SEQUENTIAL, 1000, MACHINE).runMs, 60 * 20, 60);
  assertEquals(kept(0.9).rest, undefined, "they take as long again");
});

Deno.test("a source is the limit where it alone takes most of the time that a model does", () => {
  const slow = { sourceMs: 30, wallMs: 5 };
  assertEquals(sourceLimit(slow, 1), 30 / 35);
  assertEquals(sourceLimit(slow, 1.17), 1);
  assertEquals(sourceLimit({ sourceMs: 5, wallMs: 30 }, 1), undefined);
  assertEquals(sourceLimit({ sourceMs: 5, wallMs: 30 }, 6), 30 / 35);
});

Deno.test("a source that is quick in itself limits nothing", () => {
  assertEquals(sourceLimit({ sourceMs: 0.05, wallMs: 0.001 }, 1), undefined);
});
