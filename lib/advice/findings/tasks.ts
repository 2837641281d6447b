/** Findings on tasks: shared state, hold-ups, values that can't be sent, memory, and uneven times. */

import { COMPUTES } from "../../judge/thresholds.ts";
import { BASELINE, isRemote, needsServer } from "../../models.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRatio,
  formatSpeedup,
  type Interval,
} from "../../text/format.ts";
import { spreadOrder } from "../../timing/job_items.ts";
import type { Assessment } from "../assessment.ts";
import type { Evidence } from "../evidence.ts";
import { changeWords, type SharedState, sharedWords } from "../job/shared_state.ts";
import { classFor, totalMs, wasBusy } from "../prediction/predict.ts";
import { type Candidate, inFlightOf, isLoop, nameOf } from "../prediction/candidate.ts";
import { graceFor, type Probed } from "../probe/probe.ts";
import {
  blocks,
  findMuch,
  heldByPrograms,
  heldBytes,
  leftOver,
  mostCpuShare,
  trendOf,
} from "../probe/sample.ts";
import type { Recommendation } from "../race/recommend.ts";
import { classLostOf } from "../race/same_work.ts";
import type { FindingOf } from "./failures.ts";

/** An item, and its share of the whole sample's time, 0 to 1. */
interface Longest {
  readonly index: number;
  readonly share: number;
}

/** A model that gained more than the recommended one. */
interface Offer {
  readonly model: string;
  readonly gain: Interval | null;
}

function offerText(offer: Offer | undefined): string {
  if (offer === undefined || offer.gain === null) return "";
  return ` ${offer.model} gained ${formatSpeedup(offer.gain)} with that: take it if one in each ` +
    "lane is as good.";
}

export const TASK_WORDS = {
  /** The tasks stay in one event loop because of shared state; the offered model has it once in each lane. */
  state(
    { offer, items, distinct, ...shared }: SharedState & {
      readonly offer?: Offer | undefined;
      /** The number of items in a list, and how many of them differ from all before them. */
      readonly items?: number | undefined;
      readonly distinct?: number | undefined;
    },
  ) {
    const same = items === undefined || distinct === undefined
      ? ""
      : ` Only ${distinct} of ${counted(items, "item")} differ from all before them.`;
    const told =
      `The tasks stay in one event loop: ${sharedWords(shared)}. A cache or a table is ` +
      "made again in each lane, and a lock, a limit or a count holds in each alone.";
    return told + same + offerText(offer);
  },
  /** One by one, many tasks find what an earlier one has cached. */
  stampede(shared: SharedState) {
    const change = changeWords(shared);
    return `One by one many of the tasks took next to no time, and ${change}. If that ` +
      "is a cache, tasks in flight at the same time each ask for what none of them has put there " +
      "yet (a cache stampede), which is more than one by one. Keep promises in it, not values.";
  },
  /** Tasks take turns on one event loop, but perhaps not between the lanes of the offered model. */
  turns(
    { offer, atOnce, isSure }: {
      readonly offer?: Offer | undefined;
      readonly atOnce: number;
      readonly isSure: boolean;
    },
  ) {
    const [seen, few] = atOnce === 1
      ? ["the tasks take turns, and gained nothing with slots", "one"]
      : [`about ${atOnce} tasks got on at once, though it had time for more`, "so many"];
    const why = isSure ? "most likely" : "it may be that";
    if (offer === undefined) {
      return `On one event loop ${seen}: ${why} they wait for one another, or for something that ` +
        `lets in ${few} at a time (a file's lock, a single connection, a server). Hold it for ` +
        "less of a task to gain from slots.";
    }
    return `On one event loop ${seen}: ${why} something in their module lets in ${few} at a time, ` +
      "or limits their rate (a lock, a queue, a single connection, a throttle). The tasks stay in " +
      "one event loop, for each lane would have its own of that: what such a lock protects " +
      "elsewhere is no longer protected then, nor is such a limit or rate kept to." +
      offerText(offer);
  },
  /** Tasks hold up their thread while they wait; with `startsPrograms`, for programs that they run. */
  blocking(
    { share, startsPrograms }: { readonly share: number; readonly startsPrograms?: boolean },
  ) {
    if (startsPrograms) {
      return `Programs hold up the tasks' thread for ${formatPercent(share)} of their time, ` +
        "while they are started and, with synchronous calls (outputSync, execSync), until they have " +
        "ended. Slots can't fill that, lanes can; asynchronous calls leave only the start.";
    }
    return `The tasks hold up their thread for ${formatPercent(share)} of their time while they ` +
      "wait, as synchronous calls do (readFileSync, outputSync, Atomics.wait): slots can't fill " +
      "that. With asynchronous calls, slots on one lane could.";
  },
  /** Tasks settle before the work that they started has ended. */
  unawaited({ leftMs, tasksMs }: { readonly leftMs: number; readonly tasksMs: number }) {
    return `The tasks settle before their work is done: they took ${formatDuration(tasksMs)} in ` +
      `all, and right after the last of them ${formatDuration(leftMs)} or more were computed. ` +
      "What a task starts and doesn't await is measured nowhere, and cut off where a lane is " +
      "closed: await it.";
  },
  uncloneable({ what, toThread }: { readonly what: string; readonly toThread?: boolean }) {
    return toThread
      ? `What can be sent to a thread, but not to another process: ${what}. Processes and other ` +
        "machines need plain data in and out."
      : `What can't be sent to another lane: ${what}. Workers and processes need plain data ` +
        "in and out.";
  },
  /** An item reaches other lanes without its class, and no lane gave the same results. */
  class({ what, ofResult }: { readonly what: string; readonly ofResult?: boolean }) {
    if (ofResult) {
      return `Not all of a result comes back from another lane (${what}): classes with their ` +
        "methods and getters don't travel. Return plain data, and make the object where it is used.";
    }
    return `Another lane doesn't get all of an item (${what}): classes with their methods and ` +
      "getters, keys that are symbols and those that aren't enumerable don't travel. Send plain " +
      "data, and make the object of it in the task.";
  },
  /** Each task in flight may hold `taskBytes`; `freeBytes` is undefined if unknown. */
  memory(
    { sampleBytes, taskBytes, inFlight, measuredBytes, freeBytes, model, programsBytes }: {
      readonly sampleBytes: number;
      readonly taskBytes: number;
      readonly inFlight: number;
      readonly measuredBytes: number | null;
      readonly freeBytes?: number | undefined;
      readonly model: string;
      /** Memory that a task's programs hold, in bytes; 0 if unknown or little. */
      readonly programsBytes?: number;
    },
  ) {
    const free = freeBytes === undefined ? "" : ` of ${formatBytes(freeBytes)} that are free`;
    const each = taskBytes === 0
      ? ""
      : `, the first alone by ${formatBytes(taskBytes)}: each task in flight may hold as much, ` +
        "if that isn't kept for all of them";
    const needs = measuredBytes !== null
      ? ` ${model} was measured to need ${formatBytes(measuredBytes)} more${free}.`
      : taskBytes === 0
      ? ""
      : ` ${model} has ${inFlight} in flight: up to ${formatBytes(inFlight * taskBytes)}${free}.`;
    if (programsBytes) {
      return `The programs that the tasks run held ${formatBytes(programsBytes)} at once, one by ` +
        `one: each task in flight may hold as much.${needs}`;
    }
    return `The tasks of the sample raised the peak memory by ${formatBytes(sampleBytes)} one by ` +
      `one${each}.${needs} A worker that runs out of memory takes the whole program with it; a ` +
      "process doesn't.";
  },
  uneven(
    { variation, longest, trend }: {
      readonly variation: number;
      readonly longest?: Longest;
      /** How many times as long the items of the second half take as those of the first. */
      readonly trend?: number;
    },
  ) {
    if (longest) {
      const share = formatPercent(longest.share);
      return `Item ${longest.index} alone took ${share} of the sample's time: no model is done ` +
        "before that task is. Make several of it.";
    }
    if (trend) {
      return "The tasks take longer the later their items come: those of the second half " +
        `${formatRatio(trend)} as long as those of the first. The longest come last, and keep ` +
        "all waiting at the end: put them first.";
    }
    return `The tasks are uneven (standard deviation ${variation.toFixed(1)} times the mean): a ` +
      "long one at the end keeps all waiting. Put the longest first.";
  },
  /** What the job leaves open keeps a program from ending. */
  open({ what }: { readonly what: string }) {
    return `Once all was done the sample's process did not end by itself: the job leaves ${what} ` +
      "open. Close what it opens, and clear its timers, when a task ends (finally) or in " +
      "teardown(). Until then the code that is given here ends by Deno.exit().";
  },
  /** A lane's teardown takes long; `ms` is null if it didn't end. */
  teardown({ ms, graceMs }: { readonly ms: number | null; readonly graceMs: number }) {
    return ms === null
      ? `The teardown did not end within ${formatDuration(graceMs)} and was given up. It runs in ` +
        "every lane when that is closed."
      : `The teardown is slow: it takes ${formatDuration(ms)}, in every lane when that is ` +
        `closed. Give it time with graceMs: ${graceMs}.`;
  },
};

type TaskFinding = FindingOf<typeof TASK_WORDS>;

/** From this deviation, relative to the mean, a long task decides when all end. */
const UNEVEN = 1;

/** Tasks stay in one event loop for shared state, or only take turns there; and what lanes would gain. */
export function* sharingFindings(
  assessment: Assessment,
  { candidate, decision }: Recommendation,
): Generator<TaskFinding> {
  const { takesTurns, limit, isBusy, noGain, offer: better } = assessment;
  const { shared, probed, sample } = assessment.found;
  const offer = better && { model: nameOf(better.candidate), gain: better.gain };
  if (shared !== undefined) {
    if (offer || (candidate.model === BASELINE && noGain === undefined)) {
      const distinct = probed.done?.equal?.distinct;
      const items = distinct === undefined ? undefined : sample.total ?? undefined;
      yield { kind: "state", ...shared, offer, items, distinct };
    }
    if (isLoop(candidate) && findMuch(sample)) yield { kind: "stampede", ...shared };
    return;
  }
  const atOnce = takesTurns ? 1 : limit?.isOwn ? limit.atOnce : undefined;
  const isLeft = decision === "no gain" || decision === "can't tell";
  if (atOnce !== undefined && (offer || (takesTurns && isLeft))) {
    yield { kind: "turns", offer, atOnce, isSure: takesTurns ? !isBusy : limit!.isSure };
  }
}

/** Findings on what holds tasks up, keeps them from other lanes, or makes some of them wait. */
export function* taskFindings(
  assessment: Assessment,
  chosen: Candidate,
): Generator<TaskFinding> {
  const { found } = assessment;
  const { sample, machine, horizon, probed } = found;
  const { uncloneable, unserializable, variation } = sample;
  // Tasks that compute nearly all the time can only have been held up by other programs.
  if (blocks(sample) && mostCpuShare(sample) < COMPUTES) {
    const startsPrograms = (sample.programsMs ?? 0) > 0;
    yield { kind: "blocking", share: sample.blockedMs / sample.wallMs, startsPrograms };
  }
  yield* unawaitedFinding(found);
  if (uncloneable !== undefined) yield { kind: "uncloneable", what: uncloneable };
  else if (unserializable !== undefined && isRemote(chosen.model)) {
    yield { kind: "uncloneable", what: unserializable, toThread: true };
  }
  const classLost = classLostOf(found);
  if (classLost !== undefined) yield { kind: "class", what: classLost };
  const { resultLost } = sample;
  if (resultLost !== undefined && (isRemote(chosen.model) || assessment.offer !== undefined)) {
    yield { kind: "class", what: resultLost, ofResult: true };
  }
  yield* memoryFinding(assessment, chosen);
  const longest = longestOf(found);
  const inFlight = inFlightOf(chosen, horizon);
  const isLate = inFlight > 1 && inFlight < horizon && !wasBusy(sample, machine) &&
    mayHoldUp(assessment, chosen);
  const trend = isLate ? trendOf(found) : undefined;
  // Cached results make the other tasks look long, in whatever order they come.
  const wasThere = found.shared !== undefined && findMuch(sample);
  const isUneven = variation > UNEVEN && (longest || isLate) && !wasThere;
  if ((isUneven || trend) && !found.pace?.ofPlainLoop) {
    yield { kind: "uneven", variation, ...(longest && { longest }), ...(trend && { trend }) };
  }
  yield* teardownFinding(probed);
  if (probed.leavesOpen !== undefined) yield { kind: "open", what: probed.leavesOpen };
}

/** More extra memory than this is worth mentioning, in bytes. */
const MUCH_MEMORY = 200 * (1 << 20);

/** The chosen model's memory; for the plain loop, that of the model with the most tasks in flight. */
function* memoryFinding(assessment: Assessment, chosen: Candidate): Generator<TaskFinding> {
  const { found: { sample, machine, horizon, predicted }, runners } = assessment;
  const here = predicted.map((of) => of.candidate).filter(({ model }) => !needsServer(model));
  const widest = chosen.model !== BASELINE ? chosen : here
    .reduce((a, b) => inFlightOf(b, horizon) > inFlightOf(a, horizon) ? b : a, chosen);
  const inFlight = inFlightOf(widest, horizon);
  const measuredBytes = assessment.moreBytes(widest);
  // If this many in flight needed less, the memory is kept once for all tasks, as by a table.
  const isKept = runners.some(({ candidate, items }) => {
    const needed = isLoop(candidate) ? assessment.moreBytes(candidate) : null;
    return needed !== null && needed < heldBytes(sample) * (inFlightOf(candidate, items) - 1) / 2;
  });
  const taskBytes = isKept || needsServer(widest.model) ? 0 : heldBytes(sample);
  const { memoryBytes: sampleBytes } = sample;
  if (Math.max(measuredBytes ?? inFlight * taskBytes, sampleBytes) > MUCH_MEMORY) {
    const programsBytes = heldByPrograms(sample);
    const figures = { sampleBytes, taskBytes, inFlight, measuredBytes, programsBytes };
    yield { kind: "memory", ...figures, freeBytes: machine.memoryBytes, model: nameOf(widest) };
  }
}

/** An item with this share of the total time decides how long the job takes. */
const MOST_OF_ALL = 0.5;

/** A last item that takes less than this share of the run holds nobody up. */
const LATE_SHARE = 0.02;

/** Whether the longest item may take so much of a model's run that its place in the list matters. */
function mayHoldUp(assessment: Assessment, chosen: Candidate): boolean {
  // Of tiny items measured together, all that time may be one item's.
  const ms = assessment.found.sample.walls.reduce(
    (longest, { count, wallMs }) => Math.max(longest, count * wallMs),
    0,
  );
  return ms >= LATE_SHARE * totalMs(assessment.prediction(chosen));
}

/** The item that alone takes most of the time, if the sample ran much of a job that isn't small. */
function longestOf({ sample, machine, probed, horizon }: Evidence): Longest | undefined {
  // On a busy machine a task that waits for a core looks long.
  const isBusy = wasBusy(sample, machine);
  let [turn, at, longestMs, allMs] = [0, 0, 0, 0];
  for (const { count, wallMs, cpuMs = 0 } of sample.walls) {
    const ms = isBusy ? cpuMs : wallMs;
    if (count === 1 && ms > longestMs) [turn, longestMs] = [at, ms];
    at += count;
    allMs += count * ms;
  }
  const share = longestMs / Math.max(1e-9, allMs);
  const isMuch = sample.items >= MOST_OF_ALL * horizon &&
    classFor(sample, machine, horizon).noGain === undefined;
  if (share < MOST_OF_ALL || !isMuch) return undefined;
  return { index: spreadOrder(probed.spread ?? 0)[turn] ?? turn, share };
}

/** Tasks start work that they don't await. */
export function* unawaitedFinding(
  found: Pick<Evidence, "probed" | "sample">,
): Generator<TaskFinding> {
  const leftMs = leftOver(found);
  if (leftMs !== undefined) yield { kind: "unawaited", leftMs, tasksMs: found.sample.tasksMs };
}

/** The teardown is slow, or doesn't end. */
export function* teardownFinding(probed: Pick<Probed, "teardownMs">): Generator<TaskFinding> {
  const graceMs = graceFor(probed);
  if (graceMs === undefined) return;
  const { teardownMs: ms = 0 } = probed;
  yield { kind: "teardown", ms: Number.isFinite(ms) ? ms : null, graceMs };
}
