import { assert, assertEquals } from "@std/assert";
import { type Candidate, nameOf } from "../../../lib/advice/prediction/candidate.ts";
import type { Sample } from "../../../lib/advice/probe/sample.ts";
import {
  possibleCandidates,
  predictedGains,
  promising,
} from "../../../lib/advice/race/race_plan.ts";
import { MACHINE, sampleFor } from "../fixture.ts";

/** A job with a sample and its numbers of items. */
const jobOf = (sample: Sample, total: number | null, horizon: number, machine = MACHINE) => (
  { sample, machine, total, horizon }
);

Deno.test("possibleCandidates() proposes concurrent only if the race tries all items at once", () => {
  const sample = sampleFor({ waitMs: 20 });
  const models = (total: number | null, tested: number) =>
    possibleCandidates(jobOf(sample, total, 100), tested).map(({ model }) => model);
  assert(models(100, 100).includes("concurrent"));
  assert(!models(100, 60).includes("concurrent"));
  assert(!models(null, 100).includes("concurrent"));
});

Deno.test("possibleCandidates() proposes no lane that items can't be sent to", () => {
  const sample = { ...sampleFor({ computeMs: 20 }), uncloneable: "item 0: it is a function" };
  const models = possibleCandidates(jobOf(sample, 100, 100), 100)
    .map(({ model }) => model);
  assertEquals(models.filter((model) => model === "workers" || model === "processes"), []);
});

Deno.test("possibleCandidates() proposes as many slots as keep a lane busy", () => {
  const found = possibleCandidates(jobOf(sampleFor({ computeMs: 5, waitMs: 5 }), null, 100), 100);
  const slots = found.filter(({ model }) => model === "limited").map(({ slots }) => slots);
  // There are also as many slots as cores, for tasks that compute elsewhere.
  assertEquals(slots, [2, 4]);
});

Deno.test("promising() races sequential first, and leaves out what can't gain", () => {
  const { raced } = promising(jobOf(sampleFor({ computeMs: 20 }), 100, 100), 100);
  assertEquals(raced.map(nameOf), ["sequential", "workers (2 lanes)", "processes (2 lanes)"]);
});

Deno.test("possibleCandidates() proposes more lanes than cores where tasks block their thread, and no slots", () => {
  const sample = sampleFor({ computeMs: 1, waitMs: 19, blocks: true });
  const candidates = possibleCandidates(jobOf(sample, 100, 100), 100);
  assertEquals(candidates.filter(({ lanes, slots }) => lanes === 1 && slots > 1), []);
  assert(Math.max(...candidates.map(({ lanes }) => lanes)) >= 8);
});

Deno.test("possibleCandidates() proposes a lane for each of a few items that compute, where cores would idle at the end", () => {
  const lanesFor = (items: number, cores: number, of: Parameters<typeof sampleFor>[0] = {}) => {
    const job = jobOf(sampleFor({ computeMs: 400, ...of }), items, items, { ...MACHINE, cores });
    const lanes = possibleCandidates(job, items).map(({ lanes }) => lanes);
    return [...new Set(lanes)].filter((lanes) => lanes > cores);
  };
  assertEquals([lanesFor(3, 2), lanesFor(5, 2), lanesFor(9, 8)], [[3], [5], [9]]);
  assertEquals([lanesFor(2, 2), lanesFor(4, 2), lanesFor(11, 2), lanesFor(8, 8)], [[], [], [], []]);
  assertEquals(lanesFor(5, 2, { waitMs: 400 }), []);
  const named = promising(jobOf(sampleFor({ computeMs: 400 }), 5, 5), 5).raced.map(nameOf);
  assert(named.includes("workers (5 lanes)"), named.join());
});

Deno.test("predictedGains() tells of no model that so many items don't fill", () => {
  const { all } = promising(jobOf(sampleFor({ computeMs: 6, waitMs: 6 }), 100, 100), 100);
  const inFlight = (items: number) =>
    predictedGains(all, items).map(({ candidate: { lanes, slots } }) => lanes * slots)
      .filter(Number.isFinite);
  const [most, fewest] = [Math.max(...inFlight(100)), Math.min(...inFlight(100))];
  assert(most > 2, `${most}`);
  assertEquals(Math.max(...inFlight(most)), most);
  assert(Math.max(...inFlight(most - 1)) < most);
  assertEquals(fewest, 1);
});

Deno.test("possibleCandidates() proposes no more slots than a slow source can fill", () => {
  const slow = possibleCandidates(jobOf(sampleFor({ waitMs: 12, sourceMs: 6 }), null, 100), 100);
  const slots = slow.filter(({ model }) => model === "limited").map(({ slots }) => slots);
  assertEquals(Math.max(...slots), 8);
});

Deno.test("possibleCandidates() proposes more slots on lanes elsewhere, where tasks come to wait together", () => {
  const sample = sampleFor({ computeMs: 5, waitMs: 4 });
  const found = possibleCandidates(jobOf(sample, null, 100), 100);
  const slotsOf = (model: string) =>
    Math.max(...found.filter((of) => of.model === model).map(({ slots }) => slots));
  assertEquals([slotsOf("limited"), slotsOf("workers")], [4, 8]);
});

Deno.test("promising() races twice as many slots as cores where tasks run programs, or compute on other threads", () => {
  const of = (beside: boolean, loopShare = 1, computeMs = 1) => {
    const sample = sampleFor({ computeMs, waitMs: 20 - computeMs });
    const partly = { ...sample, loopMs: sample.cpuMs * loopShare };
    const { all, raced } = promising({ ...jobOf(partly, 100, 100), runsPrograms: beside }, 100);
    const names = (among: readonly Candidate[]) =>
      among.map(nameOf).filter((name) => /limited \([24] slots\)/.test(name));
    return [names(all.map(({ candidate }) => candidate)), names(raced)];
  };
  // The case that so many tasks don't fit into memory.
  const large = { ...sampleFor({ computeMs: 12, waitMs: 8 }), loopMs: 1, taskBytes: 700e6 };
  const job = { ...jobOf(large, 100, 100, { ...MACHINE, memoryBytes: 3e9 }), runsPrograms: true };
  assert(promising(job, 100).raced.some(({ model }) => model === "limited"));
  const both = ["limited (2 slots)", "limited (4 slots)"];
  assertEquals(of(false), [both, []]);
  // With only as many slots as cores, each core would be idle while its next task is handed out.
  assertEquals(of(true), [both, ["limited (4 slots)"]]);
  assertEquals(of(false, 0.2, 12), [both, ["limited (4 slots)"]]);
  // Tasks that mostly wait need more slots.
  assertEquals(of(false, 0.2), [both, []]);
});

Deno.test("promising() races no lanes where tasks compute beside the event loop, unless that is the limit", () => {
  const isOfLanes = (loopShare: number) => {
    const sample = sampleFor({ computeMs: 12 });
    const job = jobOf({ ...sample, loopMs: sample.cpuMs * loopShare }, 100, 100);
    const { all, raced } = promising(job, 100);
    const areLanes = ({ lanes }: Candidate) => lanes > 1;
    return [all.some(({ candidate }) => areLanes(candidate)), raced.some(areLanes)];
  };
  // Lanes are predicted all the same, and join the race if slots gain less.
  assertEquals([0.05, 0.8].map(isOfLanes), [[true, false], [true, true]]);
});

Deno.test("possibleCandidates() has no more tasks in flight than memory holds", () => {
  const sample = { ...sampleFor({ waitMs: 300, items: 6 }), taskBytes: 700e6 };
  const most = (memoryBytes: number) =>
    Math.max(
      ...possibleCandidates(jobOf(sample, 6, 6, { ...MACHINE, memoryBytes }), 6)
        .map(({ lanes, slots }) => Math.min(6, lanes * slots)),
    );
  assertEquals([most(24e9), most(3.1e9), most(1.2e9)], [6, 3, 1]);
});

Deno.test("promising() tries an event loop in place of the last of four others that promise more", () => {
  // The tasks compute, block their thread and wait a little; all cores gain hardly more than one.
  const sample = { ...sampleFor({ computeMs: 13.5, waitMs: 10.5 }), blockedMs: 6.3 };
  const names = (blockedMs: number) => {
    const job = jobOf({ ...sample, blockedMs }, 1000, 1000, { ...MACHINE, ceiling: 1.2 });
    return promising(job, 1000).raced.map(nameOf);
  };
  const lanes = ["workers (2 lanes)", "workers (2 lanes, 2 slots each)", "workers (4 lanes)"];
  assertEquals(names(6.3), ["sequential", "concurrent", ...lanes]);
  // Tasks that wait less than that gain nothing from slots.
  assertEquals(names(8), ["sequential", ...lanes, "processes (2 lanes)"]);
});
