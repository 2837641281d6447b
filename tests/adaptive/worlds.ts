/** The made-up jobs that controllers and laws are judged on. */

import { seededRandom } from "../../lib/timing/random.ts";
import type { Server, SimulatedJob, SimulatedTask } from "./simulation.ts";

const AMPLE: Server = { kind: "ample" };

function job(
  name: string,
  items: number,
  task: SimulatedTask | ((index: number) => SimulatedTask),
  server: Server = AMPLE,
): SimulatedJob {
  return { name, items, taskAt: typeof task === "function" ? task : () => task, server };
}

const cliff = (most: (atMs: number) => number): Server => ({ kind: "cliff", most });
const waits = (waitMs: number, computeMs = 0.2) => ({ waitMs, computeMs });
const computes = (computeMs: number) => ({ waitMs: 0, computeMs });

/** Jobs that take two seconds or more one item at a time. */
export const WORLDS: readonly SimulatedJob[] = [
  job("waits, 15 ms", 160, waits(15)),
  job("waits, 100 ms", 2000, waits(100)),
  job("waits, unevenly", 600, (at) => waits(Math.min(150, 2 / (1.01 - (at * 0.618034) % 1)))),
  job("waits, 50 ms, 120 items", 120, waits(50)),
  job("waits 2 or 100 ms", 600, (at) => waits(at * 7 % 10 === 0 ? 2 : 100)),
  job("waits 5 or 50 ms", 600, (at) => waits(at * 7 % 10 < 5 ? 5 : 50)),
  job("waits longer and longer", 600, (at) => waits(5 + at / 10)),
  job("queue of 4", 400, waits(12), { kind: "queue", most: 4 }),
  job("queue of 50", 4000, waits(20), { kind: "queue", most: 50 }),
  job("knee at 20", 2000, waits(20), { kind: "knee", most: 20 }),
  job("cliff at 10", 1000, waits(20), cliff(() => 10)),
  job("cliff at 60", 4000, waits(20), cliff(() => 60)),
  job("40 a second", 2400, waits(10), { kind: "rate", perSecond: 40, reserve: 10 }),
  job("200 a second", 6000, waits(50), { kind: "rate", perSecond: 200, reserve: 20 }),
  job("computes, 10 ms", 300, computes(10)),
  job("computes, 1 ms", 3000, computes(1)),
  job("computes, 60 ms", 60, computes(60)),
  job("computes, longer and longer", 200, (at) => computes(1 + at / 5)),
  job("blocks, 8 ms", 300, { waitMs: 0, computeMs: 0, blockMs: 8 }),
  job("blocks, 12 ms, computes 2 of them", 300, { waitMs: 0, computeMs: 2, blockMs: 12 }),
  job("blocks, 8 ms, computes at first", 600, (at) => ({
    waitMs: 0,
    blockMs: 8,
    computeMs: at < 20 ? 6 : 0,
  })),
  job("threads of its own, 4 ms", 500, { waitMs: 0, computeMs: 0, threadMs: 4 }),
  job("costly to send", 400, { waitMs: 0, computeMs: 5, sendMs: 3 }),
  job("waits 1 ms", 2000, waits(1)),
  job("waits 6 ms, computes 5", 400, { waitMs: 6, computeMs: 5 }),
  job("half and half, 4 ms", 400, { waitMs: 4, computeMs: 4 }),
  job("half and half, 25 ms", 100, { waitMs: 25, computeMs: 25 }),
  job("a fifth computing", 500, { waitMs: 20, computeMs: 5 }),
  job("waits, then computes", 400, (at) => at < 200 ? waits(15) : computes(10)),
  job("waits 3 ms, cold at first", 800, (at) => waits(3, at < 16 ? 3 : 0.1)),
  job("computes, then waits", 4000, (at) => at < 200 ? computes(10) : waits(15)),
  {
    ...job("comes slowly, then at once", 4000, waits(40)),
    comesAtMs: (at) => Math.min(2000, 10 * at),
  },
];

const minute = (name: string, task: SimulatedTask, server: Server): SimulatedJob => ({
  ...job(name, Infinity, task, server),
  forMs: 60_000,
});
/** Of so many items one, at random. */
const oneOf = (count: number) => (index: number) => seededRandom(index + 1)() < 1 / count;
const refuses = (most: number, after?: number, unsaid = false): Server => ({
  kind: "refuses",
  most: () => most,
  ...(after !== undefined && { after }),
  unsaid,
});

/** Jobs that ask a server for a minute; most of the servers refuse. */
export const REFUSING: readonly SimulatedJob[] = [
  minute("50 in each second, 20 ms", waits(20), { kind: "quota", most: 50, perMs: 1000 }),
  minute("50 in each second, 20 ms, says when", waits(20), {
    kind: "quota",
    most: 50,
    perMs: 1000,
    says: true,
  }),
  minute("50 in each second, 5 ms", waits(5), { kind: "quota", most: 50, perMs: 1000 }),
  minute("20 in each second, 100 ms", waits(100), { kind: "quota", most: 20, perMs: 1000 }),
  minute("300 in each second, 50 ms", waits(50), { kind: "quota", most: 300, perMs: 1000 }),
  minute("100 in each second, 20 ms", waits(20), { kind: "quota", most: 100, perMs: 1000 }),
  minute("50 a second, 10 ms, says when", waits(10), {
    kind: "rate",
    perSecond: 50,
    reserve: 1,
    says: true,
  }),
  minute("50 a second, 20 ms", waits(20), { kind: "rate", perSecond: 50, reserve: 10 }),
  minute("50 a second, 10 ms", waits(10), { kind: "rate", perSecond: 50, reserve: 10 }),
  minute("10 a second, 20 ms", waits(20), { kind: "rate", perSecond: 10, reserve: 10 }),
  minute("200 a second, 50 ms", waits(50), { kind: "rate", perSecond: 200, reserve: 20 }),
  minute("100 a second, 50 ms, none at once", waits(50), {
    kind: "rate",
    perSecond: 100,
    reserve: 1,
  }),
  minute("80 a second, 20 ms, 40 in reserve", waits(20), {
    kind: "rate",
    perSecond: 80,
    reserve: 40,
  }),
  minute("queue of 20, slow for a while", waits(20), {
    kind: "queue",
    most: 20,
    slowness: (atMs) => atMs > 20_000 && atMs < 40_000 ? 10 : 1,
  }),
  minute("queue of 20, hardly moves for a second", waits(20), {
    kind: "queue",
    most: 20,
    slowness: (atMs) => atMs > 20_000 && atMs < 21_000 ? 100 : 1,
  }),
  minute("cliff at 10, for a minute", waits(20), cliff(() => 10)),
  minute("cliff at 30, for a minute", waits(20), cliff(() => 30)),
  minute("cliff at 60, then at 8", waits(20), cliff((atMs) => atMs < 2000 ? 60 : 8)),
  minute("ample, then a cliff at 8", waits(20), cliff((atMs) => atMs < 2000 ? Infinity : 8)),
  minute(
    "cliff at 60, at 8 now and then",
    waits(20),
    cliff((atMs) => atMs % 10_000 < 5000 ? 60 : 8),
  ),
  minute("bans above 10 for 3 s", waits(100), { kind: "bans", most: 10, forMs: 3000 }),
  minute("bans above 3 for 10 s", waits(50), { kind: "bans", most: 3, forMs: 10_000 }),
  minute("takes 4, 200 ms", waits(200), refuses(4)),
  minute("takes 2, 500 ms", waits(500), refuses(2)),
  minute("takes 1, 300 ms", waits(300), refuses(1)),
  minute("takes 10, 100 ms", waits(100), refuses(10)),
  minute("takes 4, refuses after 200 ms", waits(200), refuses(4, 1)),
  minute("takes 2, refuses after 500 ms", waits(500), refuses(2, 1)),
  minute("takes 10, resets half-way", waits(100), refuses(10, 0.5)),
  minute("takes 8, fails late", waits(50), refuses(8, 1, true)),
  minute("takes 30, fails late", waits(100), refuses(30, 1, true)),
  minute("takes 8, fails at once", waits(50), refuses(8, undefined, true)),
  minute("takes 60, 30 ms", waits(30), refuses(60)),
  minute("takes 10, then 3, then 20", waits(50), {
    kind: "refuses",
    most: (atMs) => atMs < 20_000 ? 10 : atMs < 40_000 ? 3 : 20,
  }),
  minute("takes 30, none while it starts anew", waits(50), {
    kind: "refuses",
    most: (atMs) => atMs > 20_000 && atMs < 22_000 ? 0 : 30,
  }),
  minute("takes none for a while", waits(50), {
    kind: "refuses",
    most: (atMs) => atMs < 500 ? 0 : 8,
  }),
  minute("refuses a twentieth by chance", waits(50), { kind: "chance", share: 0.045 }),
  minute("of a twentieth nothing comes in time", waits(50), {
    kind: "chance",
    share: 0.045,
    after: 10,
  }),
  minute("bans above 30 for 3 s", waits(40), { kind: "bans", most: 30, forMs: 3000 }),
  minute("bans above 30 until 2 s of rest", waits(40), {
    kind: "bans",
    most: 30,
    forMs: 2000,
    extends: true,
  }),
  minute("takes 30, none for ten seconds", waits(50), {
    kind: "refuses",
    most: (atMs) => atMs > 15_000 && atMs < 25_000 ? 0 : 30,
  }),
  minute("takes 20, refuses after 400 ms", waits(50), refuses(20, 8)),
  minute("bans above 30 for 3 s, fails", waits(40), {
    kind: "bans",
    most: 30,
    forMs: 3000,
    unsaid: true,
  }),
  minute("50 a second, 20 ms, fails", waits(20), {
    kind: "rate",
    perSecond: 50,
    reserve: 10,
    unsaid: true,
  }),
  minute("takes 30, fails for ten seconds", waits(50), {
    kind: "refuses",
    most: (atMs) => atMs > 15_000 && atMs < 25_000 ? 0 : 30,
    unsaid: true,
  }),
  minute("60 a second, then 30, then 120, 20 ms", waits(20), {
    kind: "rate",
    perSecond: (atMs) => atMs < 20_000 ? 60 : atMs < 40_000 ? 30 : 120,
    reserve: 10,
  }),
  minute("bans above 80 a second for 3 s", waits(40), {
    kind: "rate",
    perSecond: 80,
    reserve: 20,
    bansMs: 3000,
  }),
  minute("bans above 80 a second for 3 s, fails", waits(40), {
    kind: "rate",
    perSecond: 80,
    reserve: 20,
    bansMs: 3000,
    unsaid: true,
  }),
  minute("50 a second, 20 ms, resets", waits(20), {
    kind: "rate",
    perSecond: 50,
    reserve: 10,
    resets: true,
  }),
];

/**
 * Jobs that ask a server for a minute, of which too much is refused or too little gets through: 6 to 9 % is
 * refused of 5 a second and where refusals come late, 6 % of a quota of 600 in ten seconds, 16 % of one of 100,
 * and with some seeds 12 % of a quota whose tasks only fail; and with some seeds a few hundred tasks are let
 * through of which 10 or 20 % are refused by chance. Real servers with a quota refuse more, as more tasks are in
 * flight when it is used up.
 */
export const HARD: readonly SimulatedJob[] = [
  minute("600 in each ten seconds, 30 ms", waits(30), { kind: "quota", most: 600, perMs: 10_000 }),
  minute("600 in each ten seconds, 30 ms, says when", waits(30), {
    kind: "quota",
    most: 600,
    perMs: 10_000,
    says: true,
  }),
  minute("takes 25, refuses 3 % by chance", waits(40), { kind: "chance", share: 0.03, most: 25 }),
  minute("5 a second, 50 ms", waits(50), { kind: "rate", perSecond: 5, reserve: 5 }),
  minute("60 a second, 20 ms, refuses after 500 ms", waits(20), {
    kind: "rate",
    perSecond: 60,
    reserve: 10,
    lateMs: 500,
  }),
  minute("100 in each ten seconds, 30 ms", waits(30), { kind: "quota", most: 100, perMs: 10_000 }),
  minute("refuses 10 % by chance", waits(40), { kind: "chance", share: 0.1 }),
  minute("refuses 20 % by chance", waits(40), { kind: "chance", share: 0.2 }),
  minute("50 in each second, 20 ms, fails", waits(20), {
    kind: "quota",
    most: 50,
    perMs: 1000,
    unsaid: true,
  }),
];

/** Tasks of which some are refused or fail by chance or whenever they are asked, whatever the load. */
export const CHANCE: readonly SimulatedJob[] = [
  minute("refuses 1 % by chance", waits(40), { kind: "chance", share: 0.01 }),
  minute("refuses 3 % by chance", waits(40), { kind: "chance", share: 0.03 }),
  minute("10 % hang for 600 ms", waits(40), { kind: "chance", share: 0.1, after: 15 }),
  minute("10 % hang for 60 ms", waits(15), { kind: "chance", share: 0.1, after: 4 }),
  minute("10 % fail", waits(15), { kind: "chance", share: 0.1, unsaid: true }),
  minute("half fails", waits(40), { kind: "chance", share: 0.5, unsaid: true }),
  minute("refuses 3 % by chance, asks for a second", waits(40), {
    kind: "chance",
    share: 0.03,
    askedMs: 1000,
  }),
  minute("refuses 10 % by chance, asks for a second", waits(40), {
    kind: "chance",
    share: 0.1,
    askedMs: 1000,
  }),
  { ...minute("a page of 50 is refused", waits(40), AMPLE), isBad: oneOf(50), retries: 5 },
  { ...minute("a page of 10 is refused", waits(40), AMPLE), isBad: oneOf(10), retries: 5 },
  {
    ...minute("a page of 10 is refused, takes 20", waits(40), refuses(20)),
    isBad: oneOf(10),
    retries: 5,
  },
];

/** Jobs whose tasks hold memory, under a limit. */
export const HOLDING: readonly SimulatedJob[] = [
  {
    ...job("holds 5 MB for 100 ms", 1500, { ...waits(100), bytes: 5e6 }),
    memoryBytes: 500e6,
  },
];

/** Servers that get less done with more than a few in flight, which only shows once many are. */
export const STEEP: readonly SimulatedJob[] = [
  minute("cliff at 2, for a minute", waits(20), cliff(() => 2)),
];

/** Some of these jobs on a machine that stands still now and then, as other programs use it. */
export const STANDING: readonly SimulatedJob[] = [...WORLDS, ...REFUSING].filter(({ name }) =>
  [
    "waits, 100 ms",
    "queue of 50",
    "knee at 20",
    "cliff at 60",
    "waits 1 ms",
    "half and half, 4 ms",
    "computes, 10 ms",
    "waits, then computes",
    "cliff at 30, for a minute",
    "queue of 20, slow for a while",
    "takes 10, 100 ms",
    "50 a second, 20 ms",
  ].includes(name)
).map((job) => ({ ...job, name: `${job.name}, stands still`, stillEveryMs: 700 }));
