/** Findings on tasks: shared state, hold-ups, values that can't be sent, memory, and uneven times. */

import { COMPUTES } from "../../judge/thresholds.ts";
import { BASELINE, isRemote, needsServer } from "../../models.ts";
import { spreadOrder } from "../../timing/job_items.ts";
import type { Assessment } from "../assessment.ts";
import type { Evidence } from "../evidence.ts";
import { changeWords, sharedWords } from "../job/shared_state.ts";
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
import type { FiguresOf, Found } from "./failures.ts";

type TaskFinding =
  | Found<typeof sharingFindings>
  | Found<typeof taskFindings>
  | Found<typeof teardownFinding>;

function offerText(offer: FiguresOf<TaskFinding, "turns">["offer"]) {
  return offer !== undefined && offer.gain !== null && say("offer", offer);
}

export const TASK_WORDS = {
  /** The tasks stay in one event loop because of shared state; the offered model has it once in each lane. */
  state({ offer, items, distinct, ...shared }: FiguresOf<TaskFinding, "state">) {
    const isKnown = items !== undefined && distinct !== undefined;
    const same = isKnown && say("state.same", { items, distinct });
    return sayAll(say("state", { shared: sharedWords(shared) }), same, offerText(offer));
  },
  /** One by one, many tasks find what an earlier one has cached. */
  stampede: (shared: FiguresOf<TaskFinding, "stampede">) =>
    say("stampede", { change: changeWords(shared) }),
  /** Tasks take turns on one event loop, but perhaps not between the lanes of the offered model. */
  turns({ offer, atOnce, isSure }: FiguresOf<TaskFinding, "turns">) {
    const many = atOnce === 1 ? "one" : "some";
    const figures = {
      seen: say(`turns.${many}`, { atOnce }),
      few: say(`turns.${many}.few`),
      why: say(isSure ? "turns.sure" : "turns.unsure"),
    };
    return sayAll(say(offer === undefined ? "turns" : "turns.own", figures), offerText(offer));
  },
  /** Tasks hold up their thread while they wait; with `startsPrograms`, for programs that they run. */
  blocking({ share, startsPrograms }: FiguresOf<TaskFinding, "blocking">) {
    return say(startsPrograms ? "blocking.programs" : "blocking", { share });
  },
  /** Tasks settle before the work that they started has ended. */
  unawaited: (figures: FiguresOf<TaskFinding, "unawaited">) => say("unawaited", figures),
  uncloneable({ what, toThread }: FiguresOf<TaskFinding, "uncloneable">) {
    return say(toThread ? "uncloneable.to process" : "uncloneable", { what });
  },
  /** An item reaches other lanes without its class, and no lane gave the same results. */
  class({ what, ofResult }: FiguresOf<TaskFinding, "class">) {
    return say(ofResult ? "class.result" : "class", { what });
  },
  /** Each task in flight may hold `taskBytes`; `freeBytes` is undefined if unknown. */
  memory(of: FiguresOf<TaskFinding, "memory">) {
    const { sampleBytes, taskBytes, inFlight, measuredBytes, freeBytes, model, programsBytes } = of;
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
  uneven({ variation, longest, trend }: FiguresOf<TaskFinding, "uneven">) {
    if (longest) return say("uneven.longest", longest);
    return trend
      ? say("uneven.trend", { ratio: trend })
      : say("uneven", { times: variation.toFixed(1) });
  },
  /** What the job leaves open keeps a program from ending. */
  open: (figures: FiguresOf<TaskFinding, "open">) => say("open", figures),
  /** A lane's teardown takes long; `ms` is null if it didn't end. */
  teardown({ ms, graceMs }: FiguresOf<TaskFinding, "teardown">) {
    return ms === null
      ? say("teardown.endless", { graceMs })
      : say("teardown", { ms, grace: String(graceMs) });
  },
};

/** From this deviation, relative to the mean, a long task decides when all end. */
const UNEVEN = 1;

/** Tasks stay in one event loop for shared state, or only take turns there; and what lanes would gain. */
export function* sharingFindings(
  assessment: Assessment,
  { candidate, decision }: Recommendation,
) {
  const { takesTurns, limit, isBusy, noGain, offer: better } = assessment;
  const { shared, probed, sample } = assessment.found;
  const offer = better && { model: nameOf(better.candidate), gain: better.gain };
  if (shared !== undefined) {
    if (offer || (candidate.model === BASELINE && noGain === undefined)) {
      const distinct = probed.done?.equal?.distinct;
      const items = distinct === undefined ? undefined : sample.total ?? undefined;
      yield { kind: "state" as const, ...shared, offer, items, distinct };
    }
    if (isLoop(candidate) && findMuch(sample)) yield { kind: "stampede" as const, ...shared };
    return;
  }
  const atOnce = takesTurns ? 1 : limit?.isOwn ? limit.atOnce : undefined;
  const isLeft = decision === "no gain" || decision === "can't tell";
  if (atOnce !== undefined && (offer || (takesTurns && isLeft))) {
    yield { kind: "turns" as const, offer, atOnce, isSure: takesTurns ? !isBusy : limit!.isSure };
  }
}

/** Findings on what holds tasks up, keeps them from other lanes, or makes some of them wait. */
export function* taskFindings(
  assessment: Assessment,
  chosen: Candidate,
) {
  const { found } = assessment;
  const { sample, machine, horizon, probed } = found;
  const { uncloneable, unserializable, variation } = sample;
  // Tasks that compute nearly all the time can only have been held up by other programs.
  if (blocks(sample) && mostCpuShare(sample) < COMPUTES) {
    const startsPrograms = (sample.programsMs ?? 0) > 0;
    yield { kind: "blocking" as const, share: sample.blockedMs / sample.wallMs, startsPrograms };
  }
  yield* unawaitedFinding(found);
  if (uncloneable !== undefined) yield { kind: "uncloneable" as const, what: uncloneable };
  else if (unserializable !== undefined && isRemote(chosen.model)) {
    yield { kind: "uncloneable" as const, what: unserializable, toThread: true };
  }
  const classLost = classLostOf(found);
  if (classLost !== undefined) yield { kind: "class" as const, what: classLost };
  const { resultLost } = sample;
  if (resultLost !== undefined && (isRemote(chosen.model) || assessment.offer !== undefined)) {
    yield { kind: "class" as const, what: resultLost, ofResult: true };
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
    yield {
      kind: "uneven" as const,
      variation,
      ...(longest && { longest }),
      ...(trend && { trend }),
    };
  }
  yield* teardownFinding(probed);
  if (probed.leavesOpen !== undefined) yield { kind: "open" as const, what: probed.leavesOpen };
}

/** More extra memory than this is worth mentioning, in bytes. */
const MUCH_MEMORY = 200 * (1 << 20);

/** The chosen model's memory; for the plain loop, that of the model with the most tasks in flight. */
function* memoryFinding(assessment: Assessment, chosen: Candidate) {
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
    yield {
      kind: "memory" as const,
      ...figures,
      freeBytes: machine.memoryBytes,
      model: nameOf(widest),
    };
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
function longestOf({ sample, machine, probed, horizon }: Evidence) {
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
) {
  const leftMs = leftOver(found);
  if (leftMs !== undefined) {
    yield { kind: "unawaited" as const, leftMs, tasksMs: found.sample.tasksMs };
  }
}

/** The teardown is slow, or doesn't end. */
export function* teardownFinding(probed: Pick<Probed, "teardownMs">) {
  const graceMs = graceFor(probed);
  if (graceMs === undefined) return;
  const { teardownMs: ms = 0 } = probed;
  yield { kind: "teardown" as const, ms: Number.isFinite(ms) ? ms : null, graceMs };
}
