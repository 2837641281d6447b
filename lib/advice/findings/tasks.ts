/** Findings on tasks: shared state, hold-ups, values that can't be sent, memory, and uneven times. */

import { COMPUTES } from "../../judge/thresholds.ts";
import { BASELINE, isRemote, needsServer } from "../../models.ts";
import type { Interval } from "../../text/format.ts";
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
import { say } from "../say.ts";
import { sayAll } from "../../text/fill.ts";
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

function offerText(offer: Offer | undefined) {
  return offer !== undefined && offer.gain !== null && say("offer", offer);
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
    const isKnown = items !== undefined && distinct !== undefined;
    const same = isKnown && say("state.same", { items, distinct });
    return sayAll(say("state", { shared: sharedWords(shared) }), same, offerText(offer));
  },
  /** One by one, many tasks find what an earlier one has cached. */
  stampede: (shared: SharedState) => say("stampede", { change: changeWords(shared) }),
  /** Tasks take turns on one event loop, but perhaps not between the lanes of the offered model. */
  turns(
    { offer, atOnce, isSure }: {
      readonly offer?: Offer | undefined;
      readonly atOnce: number;
      readonly isSure: boolean;
    },
  ) {
    const many = atOnce === 1 ? "one" : "some";
    const figures = {
      seen: say(`turns.${many}`, { atOnce }),
      few: say(`turns.${many}.few`),
      why: say(isSure ? "turns.sure" : "turns.unsure"),
    };
    return sayAll(say(offer === undefined ? "turns" : "turns.own", figures), offerText(offer));
  },
  /** Tasks hold up their thread while they wait; with `startsPrograms`, for programs that they run. */
  blocking(
    { share, startsPrograms }: { readonly share: number; readonly startsPrograms?: boolean },
  ) {
    return say(startsPrograms ? "blocking.programs" : "blocking", { share });
  },
  /** Tasks settle before the work that they started has ended. */
  unawaited(figures: { readonly leftMs: number; readonly tasksMs: number }) {
    return say("unawaited", figures);
  },
  uncloneable({ what, toThread }: { readonly what: string; readonly toThread?: boolean }) {
    return say(toThread ? "uncloneable.to process" : "uncloneable", { what });
  },
  /** An item reaches other lanes without its class, and no lane gave the same results. */
  class({ what, ofResult }: { readonly what: string; readonly ofResult?: boolean }) {
    return say(ofResult ? "class.result" : "class", { what });
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
    const free = freeBytes === undefined ? "" : say("memory.free", { freeBytes });
    const each = taskBytes === 0 ? "" : say("memory.each", { taskBytes });
    const needs = measuredBytes !== null
      ? say("memory.measured", { model, measuredBytes, free })
      : taskBytes > 0 &&
        say("memory.in flight", { model, inFlight, allBytes: inFlight * taskBytes, free });
    return programsBytes
      ? sayAll(say("memory.programs", { programsBytes }), needs)
      : sayAll(say("memory", { sampleBytes, each }), needs, say("memory.worker"));
  },
  uneven(
    { variation, longest, trend }: {
      readonly variation: number;
      readonly longest?: Longest;
      /** How many times as long the items of the second half take as those of the first. */
      readonly trend?: number;
    },
  ) {
    if (longest) return say("uneven.longest", longest);
    return trend
      ? say("uneven.trend", { ratio: trend })
      : say("uneven", { times: variation.toFixed(1) });
  },
  /** What the job leaves open keeps a program from ending. */
  open: (figures: { readonly what: string }) => say("open", figures),
  /** A lane's teardown takes long; `ms` is null if it didn't end. */
  teardown({ ms, graceMs }: { readonly ms: number | null; readonly graceMs: number }) {
    return ms === null
      ? say("teardown.endless", { graceMs })
      : say("teardown", { ms, grace: String(graceMs) });
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
