/**
 * What was found, combined: predictions with measurements, model by model, for the whole job.
 *
 * @module
 */

import { BASELINE, isRemote } from "../models.ts";
import { TOO_SLOW, UNSURE } from "../judge/thresholds.ts";
import { formatPercent } from "../text/format.ts";
import type { Interval } from "../timing/result.ts";
import { median } from "../timing/statistics.ts";
import type { ModelAdvice } from "./advice.ts";
import type { Evidence } from "./evidence.ts";
import { sameWork } from "./findings.ts";
import {
  bySimplicity,
  type Candidate,
  inFlightOf,
  nameOf,
  SEQUENTIAL,
  slotsOf,
} from "./prediction/candidate.ts";
import { computesBeside, inMemory, type Predicted } from "./prediction/choose_candidates.ts";
import { classByShare, classFor, type Classified, type NoGain } from "./prediction/classify.ts";
import { predict, type Prediction, totalMs } from "./prediction/predict.ts";
import type { Runner } from "./race/race.ts";
import {
  type Decision,
  type Entries,
  entriesOf,
  type Entry,
  isShown,
  NO_GAIN,
  recommend,
  type Recommendation,
} from "./race/recommend.ts";
import { Standings } from "./race/standings.ts";

/** Why no model can gain anything: as its class says, or because the plain loop is the only one possible. */
export type JobNoGain =
  | NoGain
  | { readonly why: "not sendable"; readonly what: string }
  | { readonly why: "memory" };

/** With so many times as many in flight as are served at once, some wait for their turn. */
const MORE_THAN_SERVED = 1.2;
/** Gains that differ by no more than this are the same, if the ends of each lie no further apart than this. */
const LEVEL = 1.25;
const KNOWN = 2.5;
/** And what was predicted of one of them is at least so many times as much. */
const FAR_LESS = 1.5;
/** Numbers in flight that are so many times apart are different ones. */
const APART = 2;

/** How sure it is that nothing is to be gained: some of these rest on estimates, some on logic. */
const SURE_BY_REASON: Readonly<Record<JobNoGain["why"], number>> = {
  "one item": 0.99,
  "not sendable": 0.9,
  little: 0.9,
  dealing: 0.9,
  copying: 0.8,
  memory: 0.8,
};

/** What predictions and measurements say together of each model, and which to take. */
export class Assessment {
  readonly #predictions = new Map<string, Prediction>();
  readonly #entries: readonly Entry[];
  readonly #usualNoise: number;
  /** How the models that count stand to each other. */
  readonly #standings: Standings<Entry>;
  /** Gains that can't be. */
  readonly impossible: Entries["impossible"];
  /** How long the plain loop takes, as predicted. */
  readonly sequentialMs: number;

  constructor(readonly found: Evidence) {
    for (const { candidate, prediction } of found.predicted) {
      this.#predictions.set(nameOf(candidate), prediction);
    }
    this.sequentialMs = totalMs(this.prediction(SEQUENTIAL));
    const { sample, machine, horizon } = found;
    const { entries, impossible, usualNoise } = entriesOf(this.runners, sample, machine, horizon);
    this.#usualNoise = usualNoise;
    this.#entries = entries;
    this.impossible = impossible;
    // The table shows also the times of models that are out.
    this.#standings = new Standings(entries.filter(({ times }) => times.length > 0), usualNoise);
  }

  /** What ran in the race. */
  get runners(): readonly Runner[] {
    return this.found.race?.runners ?? [];
  }

  /** Its prediction for the whole job. */
  prediction(candidate: Candidate): Prediction {
    const name = nameOf(candidate);
    const { sample, horizon, machine } = this.found;
    const known = this.#predictions.get(name) ?? predict(sample, candidate, horizon, machine);
    this.#predictions.set(name, known);
    return known;
  }

  /** Its gain, as predicted, with both ends. */
  predictedGain(candidate: Candidate): { gain: number; low: number; high: number } {
    const { startMs, runMs, lowMs, highMs } = this.prediction(candidate);
    return {
      gain: this.sequentialMs / (startMs + runMs),
      low: this.sequentialMs / (startMs + highMs),
      high: this.sequentialMs / (startMs + lowMs),
    };
  }

  /** Whether models were measured, and the plain loop, against which they are held, was not. */
  get plainIsMissing(): boolean {
    return this.runners.some(({ rounds }) => rounds.length > 0) &&
      this.entry(SEQUENTIAL) === undefined;
  }

  /**
   * How many tasks what they wait for serves at once. Told only where event loops with far more in flight
   * gained far less than was predicted of them, and all the same, with several numbers of them or in
   * lanes as well.
   */
  get servedAtOnce(): number | undefined {
    if (computesBeside(this.found.sample)) return undefined;
    const crowds = this.runners.flatMap((runner) => {
      const { candidate, items, out } = runner;
      const gain = this.gain(candidate);
      const counts = out === undefined || out === "slower";
      if (gain === null || !counts || candidate.slots < 2 || this.#isImpossible(candidate)) {
        return [];
      }
      const inFlight = inFlightOf(candidate, items);
      const { low: predicted } = this.predictedGain(candidate);
      return [{ gain, inFlight, predicted, isLoop: candidate.lanes === 1 }];
    });
    const level = Math.max(...crowds.filter((of) => of.isLoop).map(({ gain }) => gain.median));
    const full = crowds.filter(({ inFlight }) => inFlight >= MORE_THAN_SERVED * level);
    const isSame = ({ gain }: typeof full[number]) =>
      LEVEL * gain.median >= level && gain.median <= LEVEL * level && gain.high < KNOWN * gain.low;
    const loops = full.filter(({ isLoop }) => isLoop);
    const inFlight = loops.map((of) => of.inFlight);
    const isSeveral = Math.max(...inFlight) >= APART * Math.min(...inFlight) ||
      full.some((of) => !of.isLoop && isSame(of));
    const isLimited = loops.some(({ gain, predicted }) => predicted > FAR_LESS * gain.median);
    return loops.every(isSame) && isLimited && isSeveral ? Math.round(level) : undefined;
  }

  #isImpossible(candidate: Candidate): boolean {
    return this.impossible.some(({ model }) => model === nameOf(candidate));
  }

  /** Its measured times; undefined if it has none. */
  entry(candidate: Candidate): Entry | undefined {
    return this.#entries.find((entry) =>
      nameOf(entry.candidate) === nameOf(candidate) && entry.times.length > 0
    );
  }

  /** Its gain, as measured; null if it wasn't. */
  gain(candidate: Candidate): Interval | null {
    const [sequential, entry] = [this.entry(SEQUENTIAL), this.entry(candidate)];
    return sequential === undefined || entry === undefined
      ? null
      : this.#standings.ratio(sequential, entry);
  }

  /** The job's class, by its sample. */
  classified(): Classified {
    const { sample, machine, horizon, probed } = this.found;
    // What didn't end may take most of the time.
    return probed.cutOff === undefined
      ? classFor(sample, machine, horizon)
      : { ...classByShare(sample), confidence: 0.5 };
  }

  /** Why no model can gain anything; undefined where one may. */
  get noGain(): JobNoGain | undefined {
    const { sample, machine, predicted, probed } = this.found;
    const { noGain } = this.classified();
    if (noGain !== undefined || probed.cutOff !== undefined || predicted.length > 1) return noGain;
    if (sample.uncloneable !== undefined) return { why: "not sendable", what: sample.uncloneable };
    return inMemory(sample, machine) < 2 ? { why: "memory" } : undefined;
  }

  /**
   * The class, corrected by the race if need be, and a note on it: where the tasks seemed to compute and
   * wait, but slots gained nothing and lanes did, they computed and were kept waiting for a CPU.
   */
  corrected(classified: Classified): { classified: Classified; note?: string } {
    // What the system counted needs no such guess.
    if (classified.bound !== "mixed" || this.found.sample.queuedMs !== undefined) {
      return { classified };
    }
    const gains = (lanes: boolean) =>
      this.runners.filter(({ candidate: { model, slots }, rounds }) =>
        rounds.length > 0 && model !== BASELINE &&
        (isRemote(model) ? lanes && slots === 1 : !lanes)
      ).map(({ candidate }) => this.gain(candidate)?.median ?? NaN).filter(Number.isFinite);
    const [slots, lanes] = [gains(false), gains(true)];
    if (slots.length === 0 || lanes.length === 0) return { classified };
    if (Math.max(...slots) >= 1.08 || Math.max(...lanes) < 1.3) return { classified };
    const share = formatPercent(classified.cpuShare);
    return {
      classified: { ...classified, bound: "cpu", confidence: Math.max(0.7, classified.confidence) },
      note:
        `Only ${share} of the time was seen to be computing, but slots filled no waiting and lanes ` +
        `gained: the rest was spent waiting for a CPU, not for the outside.`,
    };
  }

  /** What to do. */
  recommendation(): Recommendation {
    const { sample, race, backwards, pace, probed } = this.found;
    const plainly = (decision: Decision, confidence: number): Recommendation => ({
      candidate: SEQUENTIAL,
      gain: NO_GAIN,
      confidence,
      best: SEQUENTIAL,
      bestGain: null,
      decision,
    });
    const perSecond = pace?.perSecond ?? null;
    if (pace?.ofPlainLoop) {
      const confidence = perSecond === null ? 0.6 : 0.9;
      const candidate = this.#keeping(perSecond ?? 0);
      return { ...plainly("server's pace", confidence), candidate, gain: null };
    }
    if (probed.cutOff !== undefined) return plainly("can't tell", 0.5);
    if (this.noGain !== undefined) return plainly("no gain", SURE_BY_REASON[this.noGain.why]);
    if (backwards?.orderMatters) return plainly("order matters", 0.95);
    if (this.plainIsMissing) return plainly("can't tell", 0.5);
    const work = sameWork(sample, race);
    if (work !== undefined && !work.same) {
      // What didn't even pay in that race, or wasn't in it, is no advice.
      const paid = ({ candidate }: Predicted) => this.#paid(candidate);
      return { ...this.#predicted(paid), decision: "other work" };
    }
    if (
      this.#entries.some(({ times, eligible, candidate }) =>
        eligible && times.length > 0 && candidate.model !== BASELINE
      ) && this.entry(SEQUENTIAL) !== undefined
    ) {
      const recommended = this.#doubted(recommend(this.#entries, this.#usualNoise));
      if (perSecond === null) return recommended;
      // A server that refuses some may refuse later in a long job what went well in a short race.
      const keeping = this.#keeping(perSecond);
      const { candidate } = recommended;
      return inFlightOf(candidate, Infinity) <= keeping.slots ? recommended : {
        ...recommended,
        candidate: keeping,
        gain: null,
        confidence: Math.min(0.8, recommended.confidence),
        decision: "server's pace",
      };
    }
    if (this.impossible.length > 0) return plainly("can't tell", 0.5);
    // All others were refuted: what is left is the plain loop.
    const others = this.runners.filter(({ candidate }) => candidate.model !== BASELINE);
    if (others.length > 0 && others.every(({ out }) => out !== undefined)) {
      return plainly("no gain", 0.8);
    }
    // What was stopped before it was done refutes no prediction, and confirms none.
    if (others.some(({ stoppedMs }) => stoppedMs !== undefined)) return plainly("can't tell", 0.5);
    return this.#predicted();
  }

  /** As many slots as a server's pace keeps busy, and no more. */
  #keeping(perSecond: number): Candidate {
    const { failed, items, wallMs } = this.found.sample;
    // What is refused at once says nothing of how long an answer takes.
    const answerMs = wallMs * items / Math.max(1, items - failed);
    const slots = Math.floor(perSecond * answerMs / 1000);
    return slots < 2 ? SEQUENTIAL : { model: "limited", lanes: 1, slots };
  }

  /** Beside a gain that can't be no other is sure, and that there is none isn't either. */
  #doubted(of: Recommendation): Recommendation {
    if (this.impossible.length === 0) return of;
    return of.decision === "no gain"
      ? { ...of, decision: "can't tell", confidence: Math.min(UNSURE, of.confidence) }
      : { ...of, confidence: Math.min(UNSURE, of.confidence) };
  }

  /** Whether a model ran without fault and paid, whatever the work was. */
  #paid(candidate: Candidate): boolean {
    const entry = this.entry(candidate);
    return entry?.eligible === true && isShown(entry, this.gain(candidate));
  }

  /** Whether it failed in the race, or one did that has no more in flight. */
  #failed(candidate: Candidate): boolean {
    return this.runners.some(({ candidate: of, items, out }) =>
      nameOf(of) === nameOf(candidate)
        ? out !== undefined
        : (out === "failures" || out === "results") && of.model === candidate.model &&
          inFlightOf(of, items) <= inFlightOf(candidate, items)
    );
  }

  /** The simplest whose prediction comes near the best predicted, if even its worst is a gain. */
  #predicted(among: (of: Predicted) => boolean = () => true): Recommendation {
    const { predicted } = this.found;
    const surely = predicted.filter((of) =>
      of.candidate.model === BASELINE ||
      (this.predictedGain(of.candidate).low > 1 && !this.#failed(of.candidate) && among(of))
    );
    const best = surely.reduce((a, b) => totalMs(b.prediction) < totalMs(a.prediction) ? b : a);
    const chosen = surely.toSorted((a, b) => bySimplicity(a.candidate, b.candidate))
      .find(({ prediction }) => totalMs(prediction) <= TOO_SLOW * totalMs(best.prediction)) ?? best;
    return {
      candidate: chosen.candidate,
      gain: null,
      confidence: 0.5,
      best: best.candidate,
      bestGain: null,
      decision: "unmeasured",
    };
  }

  /** All models that were predicted or raced, the simplest first. */
  models(): ModelAdvice[] {
    const candidates = new Map<string, Candidate>();
    for (const { candidate } of [...this.found.predicted, ...this.runners]) {
      candidates.set(nameOf(candidate), candidate);
    }
    return [...candidates.values()].sort(bySimplicity).map((candidate) => {
      const { gain, low, high } = this.predictedGain(candidate);
      const runner = this.runners.find((of) => nameOf(of.candidate) === nameOf(candidate));
      const entry = this.entry(candidate);
      return {
        model: candidate.model,
        lanes: candidate.lanes,
        slots: slotsOf(candidate),
        name: nameOf(candidate),
        predictedMs: totalMs(this.prediction(candidate)),
        predictedGain: gain,
        predictedGainLow: low,
        predictedGainHigh: high,
        ...(runner !== undefined && entry !== undefined && {
          measured: {
            items: runner.items,
            rounds: runner.rounds.length,
            totalMs: median(entry.times.map(({ ms }) => ms)),
            startMs: median(runner.rounds.map(({ startMs }) => startMs)),
            gain: this.gain(candidate),
            peakRssBytes: median(runner.rounds.map(({ peakRssBytes }) => peakRssBytes)),
            failed: Math.max(...runner.rounds.map(({ failed }) => failed)),
          },
        }),
        ...(this.#isImpossible(candidate)
          ? { out: "impossible" as const }
          : runner?.out !== undefined && { out: runner.out }),
      };
    });
  }

  /** From how many items on a model pays that is recommended for them all. */
  breakEven(candidate: Candidate): number {
    const least = breakEven(this.#timeFor(SEQUENTIAL), this.#timeFor(candidate));
    // What pays for the whole job pays from there on at the latest.
    return Math.min(this.found.horizon, least ?? Infinity);
  }

  /** How long so many items take, with start-up: as measured, where it was. */
  #timeFor(candidate: Candidate): (items: number) => number {
    const { sample, machine, race } = this.found;
    // Beyond some thousand items time grows evenly with their number.
    const predictedMs = (items: number) => {
      const some = Math.min(items, 4096);
      return predict(sample, candidate, some, machine).runMs * items / some;
    };
    const runner = this.runners.find((of) => nameOf(of.candidate) === nameOf(candidate));
    const isJob = sameWork(sample, race)?.same !== false;
    if (runner === undefined || runner.rounds.length === 0 || !isJob) {
      const { startMs } = this.prediction(candidate);
      return (items) => startMs + predictedMs(items);
    }
    const startMs = median(runner.rounds.map((round) => round.startMs));
    const ranMs = median(runner.rounds.map((round) => round.runMs));
    const off = ranMs / Math.max(1e-9, predictedMs(runner.items));
    // What takes longer than predicted serves so many a second; a few items needn't queue for that.
    return off > 1 && candidate.model !== BASELINE
      ? (items) => startMs + Math.max(predictedMs(items), ranMs * items / runner.items)
      : (items) => startMs + off * predictedMs(items);
  }
}

/** More items than this aren't looked at. */
const MOST_ITEMS = 2 ** 40;
/** A model pays once it saves a twentieth. */
const PAYS = 0.95;

/** The least number of items from which a model pays; null if it never does. */
export function breakEven(
  sequentialMs: (items: number) => number,
  modelMs: (items: number) => number,
): number | null {
  const pays = (items: number) => modelMs(items) <= PAYS * sequentialMs(items);
  // One item alone has nothing to run at the same time.
  let above = 2;
  while (!pays(above)) {
    above *= 2;
    if (above > MOST_ITEMS) return null;
  }
  let below = above / 2;
  while (above - below > 1) {
    const between = Math.floor((above + below) / 2);
    if (pays(between)) above = between;
    else below = between;
  }
  return above;
}
