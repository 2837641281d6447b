/** Judges a race while it goes on: whether it is decided, and which models may run as well. */

import { BASELINE, isRemote } from "../../models.ts";
import { COMPUTES, GAINED, SURE, TELLS_NOTHING, WAITS } from "../../judge/thresholds.ts";
import { median, quantile, sorted } from "../../timing/statistics.ts";
import type { SharedState } from "../job/shared_state.ts";
import { busyMatters, isCeilingLow, predict } from "../prediction/predict.ts";
import { byChance, mostCpuShare, type Sample } from "../probe/sample.ts";
import { entriesOf, type Entry, recommend, scaledMs } from "./entries.ts";
import type { RaceJudge } from "./trials.ts";
import { mayBeRaced, type Planned, predictedGains, type RacePlan } from "./race_plan.ts";
import type { Race, Runner } from "./runner.ts";
import { asRaced, sameWork } from "./same_work.ts";
import { isNeedless, substitutes } from "./substitutes.ts";

/** An interval whose high end is less than this many times its low end needs no more rounds. */
const NARROW = 1.3;
/** A tenth of the sample's tasks take at least as long as a long one. */
const LONG = 0.9;

export interface PlannedRace extends Planned {
  readonly plan: RacePlan;
  /** State that the tasks share, so that only an event loop may be recommended. */
  readonly shared: SharedState | undefined;
}

/** The race's result so far, among the models that may be recommended. */
function standingOf(runners: readonly Runner[], planned: PlannedRace) {
  const isShared = planned.shared !== undefined;
  const found = entriesOf(runners, planned, isShared);
  // With shared state, lanes can only be offered, and one round is enough for that.
  const isOver = isShared && found.entries.every(({ candidate }) => candidate.model === BASELINE);
  return { ...found, ...recommend(found.entries, found.usualNoise), isOver };
}

function isDecided(runners: readonly Runner[], planned: PlannedRace): boolean {
  const { confidence, gain, decision, isOver } = standingOf(runners, planned);
  return isOver || (confidence >= SURE && decision !== "can't tell" &&
    (gain === null || gain.high / gain.low < NARROW));
}

/** After this many rounds it is known how much they differ. */
const ROUNDS = 2;

/** Whether other programs use the cores that computing tasks need: no round shows an idle machine's gain. */
function isHopeless({ runners }: Race, planned: PlannedRace): boolean {
  const { sample, machine } = planned;
  const often = runners.filter(({ rounds }) => rounds.length >= ROUNDS);
  return often.length > 1 && mostCpuShare(sample) >= COMPUTES &&
    isCeilingLow(machine) && busyMatters(planned);
}

/** Whether more rounds would help a race that can't decide yet or has an impossible gain. */
function isUnclear(race: Race, planned: PlannedRace): boolean {
  const { sample } = planned;
  const { runners, unrepeatable } = race;
  if (unrepeatable || sameWork(asRaced(sample, runners), race)?.same === false) return false;
  const { entries, impossible, gain, decision, isOver } = standingOf(runners, planned);
  if (isOver || (impossible.length === 0 && isHopeless(race, planned))) return false;
  return impossible.length > 0 || decision === "can't tell" || decision === "unmeasured" ||
    isOneUntried(race, sample, entries) || (gain !== null && gain.high / gain.low >= TELLS_NOTHING);
}

/**
 * Whether a model that couldn't be afforded may well be the one that pays: all others failed, or those with
 * slots were slower than the plain loop, which many in flight can be even where few gain.
 */
export function isOneUntried(
  { untried }: Pick<Race, "untried">,
  sample: Sample,
  entries: readonly Entry[],
): boolean {
  const middle = ({ times }: Entry) => median(times.map(({ ms }) => ms));
  const ran = entries.filter(({ eligible, times }) => eligible && times.length > 0);
  const plain = ran.find(({ candidate }) => candidate.model === BASELINE);
  const isSlower = (of: Entry) =>
    plain !== undefined && of.candidate.slots > 1 && mostCpuShare(sample) <= WAITS &&
    middle(of) > GAINED * middle(plain);
  return untried > 0 && ran.every((of) => of === plain || isSlower(of));
}

export function judgeOf(planned: PlannedRace): RaceJudge {
  const { sample, machine, plan, predicted } = planned;
  const scaledBy: RaceJudge["scaledBy"] = (runners) => {
    const job = { ...planned, sample: asRaced(sample, runners) };
    return (runner, round) => scaledMs(job, runner, round);
  };
  // The first task may have been cold.
  const longMs = quantile(sorted(sample.walls.map(({ wallMs }) => wallMs)), LONG);
  const lastMsBy = (runners: readonly Runner[]) => {
    const scaled = scaledBy(runners);
    return (runner: Runner) => scaled(runner, runner.rounds.at(-1)!);
  };
  const allowed = {
    cores: machine.cores,
    taskMs: sample.wallMs,
    waits: sample.cpuShare < (WAITS + COMPUTES) / 2,
    canTravel: sample.uncloneable === undefined,
    predicted: predictedGains(predicted, plan.items),
  };
  return {
    expectedMs: (candidate, items) => predict(sample, candidate, items, machine).runMs,
    byChance: (items) => byChance(sample, items),
    scaledBy,
    isDecided: (runners) => isDecided(runners, planned),
    isUnclear: (race) => isUnclear(race, planned),
    isNeedless: (runner, runners) => isNeedless(runner, runners, lastMsBy(runners), longMs),
    instead: (runners) =>
      substitutes(runners, allowed, lastMsBy(runners)).filter(({ model }) =>
        mayBeRaced(model, planned.models) && !(planned.shared && isRemote(model))
      ),
  };
}
