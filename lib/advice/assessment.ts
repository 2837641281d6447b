/** Combines predictions and measurements, model by model, for the whole job, and recommends a model. */

import { BASELINE, isRemote, needsServer } from "../models.ts";
import {
  AS_GOOD,
  COMPUTES,
  FAR_LESS,
  GAINED,
  SURE_CLASS,
  TOO_SLOW,
  UNSURE,
} from "../judge/thresholds.ts";
import type { Interval } from "../timing/result.ts";
import { median } from "../timing/statistics.ts";
import {
  busyMatters,
  classByShare,
  classFor,
  type Classified,
  type NoGain,
  predict,
  type Prediction,
  totalMs,
  wasBusy,
} from "./prediction/predict.ts";
import {
  bySimplicity,
  type Candidate,
  eventLoop,
  inFlightOf,
  isLoop as runsInLoop,
  keepingSlots,
  type ModelAdvice,
  nameOf,
  SEQUENTIAL,
  sizeOf,
} from "./prediction/candidate.ts";
import {
  answerMs,
  computesBeside,
  heldByPrograms,
  heldMs,
  leftOver,
  mostCpuShare,
  sparesLater,
} from "./probe/sample.ts";
import { isOfServer } from "./race/failing.ts";
import { type Entries, entriesOf, type Entry, isShown } from "./race/entries.ts";
import { recommend, type Recommendation, staysPlain } from "./race/recommend.ts";
import { inMemory, type Predicted } from "./race/race_plan.ts";
import { isOneUntried } from "./race/race_judge.ts";
import { didTheWork, type Runner, runnerOf } from "./race/runner.ts";
import { classLostOf, sameWork } from "./race/same_work.ts";
import { Standings } from "../timing/standings.ts";
import { type Evidence } from "./evidence.ts";

/** Why no model can gain anything: because of the job's class, or because only the plain loop is possible. */
export type JobNoGain =
  | NoGain
  | { readonly why: "not sendable"; readonly what: string }
  | { readonly why: "memory" };

/** Confidences without an interval: seen, measured once, tried on a part of the job, and unknown. */
const SEEN = 0.95;
const MEASURED_ONCE = 0.9;
const OF_A_PART = 0.8;
const NOT_KNOWN = 0.5;

/** With this many times as many tasks in flight as are served at once, some wait for their turn. */
const MORE_THAN_SERVED = 1.2;
/** Gains within this factor are equal, if the ends of each interval lie within the factor KNOWN. */
const LEVEL = 1.25;
const KNOWN = 2.5;
/** Numbers in flight that differ by this factor count as different ones. */
const APART = 2;

const PAYS = 0.95;
/** Peaks of memory differ by so many bytes from run to run. */
const LITTLE_MEMORY = 16 * (1 << 20);

export class Assessment {
  readonly #entries: Entries;
  /** How the models compare: those that are eligible, and all that ran. */
  readonly #standings: Standings<Entry>;
  readonly #standingsOfAll: Standings<Entry>;
  readonly sequentialMs: number;

  constructor(readonly found: Evidence) {
    this.sequentialMs = totalMs(this.prediction(SEQUENTIAL));
    this.#entries = this.#entriesOf(false);
    const { entries, usualNoise } = this.#entries;
    const ran = entries.filter(({ times }) => times.length > 0);
    this.#standings = new Standings(ran.filter(({ eligible }) => eligible), usualNoise);
    this.#standingsOfAll = new Standings(ran, usualNoise);
  }

  get runners(): readonly Runner[] {
    return this.found.race?.runners ?? [];
  }

  get impossible(): Entries["impossible"] {
    return this.#entries.impossible;
  }

  prediction(candidate: Candidate): Prediction {
    const { sample, horizon, machine, predicted, pace } = this.found;
    const found = predicted.find((of) => nameOf(of.candidate) === nameOf(candidate))?.prediction ??
      predict(sample, candidate, horizon, machine);
    // Refused items take little time, but the server's pace decides how long all items take.
    const leastMs = pace?.ofPlainLoop && pace.perSecond ? 1000 * horizon / pace.perSecond : 0;
    const [runMs, lowMs, highMs] = [found.runMs, found.lowMs, found.highMs]
      .map((ms) => Math.max(ms, leastMs)) as [number, number, number];
    return { ...found, runMs, lowMs, highMs };
  }

  predictedGain(candidate: Candidate): Interval {
    const { startMs, runMs, lowMs, highMs } = this.prediction(candidate);
    return {
      median: this.sequentialMs / (startMs + runMs),
      low: this.sequentialMs / (startMs + highMs),
      high: this.sequentialMs / (startMs + lowMs),
    };
  }

  /** Whether there was a race in which the plain loop, the base of all comparisons, wasn't measured. */
  get plainIsMissing(): boolean {
    return this.#entry(SEQUENTIAL) === undefined && this.runners.length > 0;
  }

  #isImpossible(candidate: Candidate): boolean {
    return this.impossible.some(({ model }) => model === nameOf(candidate));
  }

  #entry(candidate: Candidate): Entry | undefined {
    return this.#entries.entries.find((entry) =>
      nameOf(entry.candidate) === nameOf(candidate) && entry.times.length > 0
    );
  }

  gain(candidate: Candidate): Interval | null {
    const [plain, entry] = [this.#entry(SEQUENTIAL), this.#entry(candidate)];
    if (!plain || !entry) return null;
    const counts = plain.eligible && entry.eligible;
    return (counts ? this.#standings : this.#standingsOfAll).ratio(plain, entry);
  }

  classified(): Classified {
    const { sample, machine, horizon, probed } = this.found;
    // The task that was cut off, or the work left over, may take most of the time.
    return probed.cutOff === undefined && leftOver(this.found) === undefined
      ? classFor(sample, machine, horizon)
      : { ...classByShare(sample), confidence: NOT_KNOWN };
  }

  /** Why no model can gain anything; undefined if one may. */
  get noGain(): JobNoGain | undefined {
    const { sample, machine, predicted, probed } = this.found;
    const { noGain } = this.classified();
    if (noGain !== undefined || probed.cutOff !== undefined || predicted.length > 1) return noGain;
    const what = sample.uncloneable ?? sample.unserializable;
    if (what !== undefined) return { why: "not sendable", what };
    return inMemory(sample, machine) < 2 ? { why: "memory" } : undefined;
  }

  recommendation(): Recommendation {
    const { backwards, pace, probed } = this.found;
    if (pace?.ofPlainLoop) {
      const { perSecond } = pace;
      const confidence = perSecond === null ? UNSURE : MEASURED_ONCE;
      const candidate = this.#keeping(perSecond ?? 0);
      return { ...staysPlain("server's pace", confidence), candidate };
    }
    if (probed.cutOff !== undefined || leftOver(this.found) !== undefined) {
      return staysPlain("can't tell", NOT_KNOWN);
    }
    const { noGain } = this;
    if (noGain !== undefined) {
      const { bound, confidence } = this.classified();
      const sure = noGain.why === "one item" ? SEEN : OF_A_PART;
      return staysPlain("no gain", bound === "small" ? confidence : sure);
    }
    if (backwards?.orderMatters || backwards?.rewritten) {
      return staysPlain("order matters", SEEN);
    }
    if (this.plainIsMissing) return staysPlain("can't tell", NOT_KNOWN);
    return this.#ofModels();
  }

  /** The recommendation, where the job itself doesn't decide it. */
  #ofModels(): Recommendation {
    const { sample, race, pace } = this.found;
    const perSecond = pace?.perSecond ?? null;
    const work = sameWork(sample, race);
    if (work?.same === false) {
      const paid = this.#predicted(({ candidate }) =>
        work.failing === undefined && this.#paid(candidate)
      );
      return { ...paid, decision: "other work" };
    }
    const others = this.runners.filter(({ candidate }) => candidate.model !== BASELINE);
    const isRaced = this.#entries.entries.some(({ times, eligible, candidate }) =>
      eligible && times.length > 0 && candidate.model !== BASELINE
    );
    // A gain that only lanes could have isn't taken while tasks share state.
    const areLanes = others.length > 0 &&
      others.every(({ candidate }) => isRemote(candidate.model));
    if (this.sharesState && areLanes) return staysPlain("no gain", OF_A_PART);
    if (isRaced) {
      const free = this.#ofRace();
      if (!this.sharesState || !isRemote(free.candidate.model)) return this.#keptTo(free);
      const kept = this.#ofRace(this.#entriesOf(true));
      // A small gain that is open in one loop isn't the reason why the lanes' gain isn't taken.
      const isOpen = kept.decision === "can't tell";
      return this.#keptTo(isOpen ? { ...kept, decision: "no gain" } : kept);
    }
    if (perSecond !== null) {
      const candidate = this.#keeping(perSecond);
      return { ...staysPlain("server's pace", OF_A_PART), candidate };
    }
    const isUntried = (race?.untried ?? 0) > 0 && others.some(({ out }) => out === "failures");
    if (this.impossible.length > 0 || isUntried) return staysPlain("can't tell", NOT_KNOWN);
    // All others were ruled out, if only by results with fewer in flight, so the plain loop remains. Only their
    // times may have been disturbed.
    const isRefuted = ({ candidate, out }: Runner) =>
      out !== undefined || this.#entry(candidate) !== undefined;
    if (others.length > 0 && others.every(isRefuted)) {
      const refuted = staysPlain("no gain", OF_A_PART);
      return others.some(({ out }) => out === "slower") ? this.#doubted(refuted) : refuted;
    }
    // A model that was stopped early neither refutes nor confirms its prediction.
    return others.some(({ stops }) => stops !== undefined)
      ? staysPlain("can't tell", NOT_KNOWN)
      : this.#predicted();
  }

  #ofRace({ entries, usualNoise } = this.#entries): Recommendation {
    return this.#doubted(recommend(entries, usualNoise, (of) => this.gain(of)));
  }

  #entriesOf(inOneLoop: boolean): Entries {
    return entriesOf(this.runners, this.found, inOneLoop);
  }

  /**
   * Whether tasks share something on one event loop that each lane would have for itself. If there is a
   * setup(), tasks most likely take turns with what it makes for each lane, and share nothing.
   */
  get sharesState(): boolean {
    const { shared, probed } = this.found;
    return shared !== undefined ||
      (!probed.exports.hooks.includes("setup") && (this.takesTurns || this.limit?.isOwn === true));
  }

  /** A lane model that gained more than the recommended one, at the price of separate state in each lane. */
  get offer(): Recommendation | undefined {
    const { candidate, decision } = this.recommendation();
    const isOfRace = this.runners.length > 0 && (decision === "gain" || decision === "no gain");
    if (!isOfRace || !this.sharesState || isRemote(candidate.model)) return undefined;
    const free = this.#ofRace();
    return isRemote(free.candidate.model) ? free : undefined;
  }

  /** Whether a server may refuse part of the whole job, because the race never asked for so many items. */
  mayBeRefused(candidate: Candidate): boolean {
    const { horizon, sample, backwards, options: { job } } = this.found;
    const mayAsk = backwards?.usesNetwork ?? job.permissions?.net !== undefined;
    return mayAsk && mostCpuShare(sample) < COMPUTES &&
      (runnerOf(this.runners, candidate)?.items ?? 0) < horizon;
  }

  /** Lowers the confidence or the slots, because a server may refuse later what went well in a short race. */
  #keptTo(recommended: Recommendation): Recommendation {
    const { candidate, confidence, decision } = recommended;
    const most = this.mayBeRefused(candidate) ? OF_A_PART : 1;
    if (decision === "gain") {
      recommended = { ...recommended, confidence: Math.min(most, confidence) };
    }
    const perSecond = this.found.pace?.perSecond ?? null;
    const keeping = this.#keeping(perSecond ?? Infinity);
    if (inFlightOf(recommended.candidate, Infinity) <= keeping.slots) return recommended;
    const sure = Math.min(OF_A_PART, recommended.confidence);
    const kept = { candidate: keeping, gain: null, confidence: sure } as const;
    return { ...recommended, ...kept, decision: "server's pace" };
  }

  /** The model with just as many slots as a server's pace keeps busy. */
  #keeping(perSecond: number): Candidate {
    const slots = keepingSlots(perSecond, answerMs(this.found.sample));
    return slots < 2 ? SEQUENTIAL : eventLoop(slots);
  }

  get isUntried(): boolean {
    const { race, sample } = this.found;
    return race !== undefined && isOneUntried(race, sample, this.#entries.entries);
  }

  /** An impossible gain puts all answers in doubt; a busy machine or an untried model does so to "no gain". */
  #doubted(of: Recommendation): Recommendation {
    const isNone = of.decision === "no gain";
    const isOpen = isNone && (this.isUntried || busyMatters(this.found));
    if (this.impossible.length === 0 && !isOpen) return of;
    const decision = isNone ? "can't tell" : of.decision;
    return { ...of, decision, confidence: Math.min(UNSURE, of.confidence) };
  }

  #paid(candidate: Candidate): boolean {
    const entry = this.#entry(candidate);
    return entry?.eligible === true && isShown(entry, this.gain(candidate));
  }

  #failed(candidate: Candidate): boolean {
    return this.runners.some(({ candidate: of, items, out, failures, lastedMs }) =>
      nameOf(of) === nameOf(candidate)
        ? out !== undefined
        : (out === "failures" || out === "results") && !needsServer(of.model) &&
          (isRemote(of.model) === isRemote(candidate.model) || isOfServer(failures, lastedMs)) &&
          inFlightOf(of, items) <= inFlightOf(candidate, items)
    );
  }

  /** Predicts the simplest model close to the best one, among those whose worst prediction is still a gain. */
  #predicted(among: (of: Predicted) => boolean = () => true): Recommendation {
    // Predictions count shared work once, but each lane would have to do it again.
    const mayTravel = classLostOf(this.found) === undefined && !sparesLater(this.found) &&
      !this.sharesState;
    // On a busy machine, computing that is held up may look like waiting.
    const isKnown = !busyMatters(this.found) || this.classified().confidence >= SURE_CLASS;
    const surely = this.found.predicted.filter((of) =>
      of.candidate.model === BASELINE ||
      (isKnown && this.predictedGain(of.candidate).low > 1 && !this.#failed(of.candidate) &&
        among(of) &&
        // Only a race shows how fast other machines are.
        !needsServer(of.candidate.model) && (mayTravel || !isRemote(of.candidate.model)))
    );
    const best = Math.min(...surely.map(({ prediction }) => totalMs(prediction)));
    const chosen = surely.toSorted((a, b) => bySimplicity(a.candidate, b.candidate))
      .find(({ prediction }) => totalMs(prediction) <= TOO_SLOW * best);
    return { ...staysPlain("unmeasured", NOT_KNOWN), candidate: chosen?.candidate ?? SEQUENTIAL };
  }

  /** The model without lanes that is predicted to gain for sure; undefined if there is none. */
  get gainsInLoop(): Candidate | undefined {
    const { candidate } = this.#predicted((of) => runsInLoop(of.candidate));
    return candidate.model === BASELINE ? undefined : candidate;
  }

  /** The predicted gain of the recommended model, limited by the pace that it keeps to. */
  gainAtPace({ candidate, decision }: Recommendation): number {
    const { median } = this.predictedGain(candidate);
    const { pace, horizon } = this.found;
    const isLimited = decision === "server's pace" && pace?.ofPlainLoop === false;
    return isLimited && pace.perSecond !== null
      ? Math.min(median, this.sequentialMs * pace.perSecond / (1000 * horizon))
      : median;
  }

  get isBusy(): boolean {
    return wasBusy(this.found.sample, this.found.machine);
  }

  /**
   * How many tasks one event loop lets run at once, though it had time for more. If lanes gained more, the
   * limit may be in the tasks' own module, one in each lane; this is sure if several numbers in flight gained
   * the same. If nothing gained more, whatever the tasks wait for serves no more at once.
   */
  get limit(): { atOnce: number; isOwn: boolean; isSure: boolean } | undefined {
    const { sample } = this.found;
    if (computesBeside(sample)) return undefined;
    const crowds = this.runners.filter(didTheWork).flatMap(({ candidate, items }) => {
      const gain = this.gain(candidate);
      return gain === null || candidate.slots < 2 || this.#isImpossible(candidate)
        ? []
        : [{ candidate, gain, inFlight: inFlightOf(candidate, items) }];
    });
    const loops = crowds.filter(({ candidate }) => runsInLoop(candidate));
    const lanes = crowds.filter((of) => !loops.includes(of));
    const level = Math.max(0, ...loops.map(({ gain }) => gain.median));
    const isFull = (of: typeof crowds[number]) => of.inFlight >= MORE_THAN_SERVED * level;
    const full = loops.filter(isFull);
    const isLess = full.some(({ candidate, gain }) =>
      this.predictedGain(candidate).low > FAR_LESS * gain.median
    );
    if (!isLess) return undefined;
    const isSame = ({ gain }: typeof crowds[number]) =>
      LEVEL * gain.median >= level && gain.median <= LEVEL * level && gain.high < KNOWN * gain.low;
    const numbers = full.map(({ inFlight }) => inFlight);
    const isLevel = full.every(isSame) &&
      (Math.max(...numbers) >= APART * Math.min(...numbers) ||
        lanes.some((of) => isFull(of) && isSame(of)));
    const atOnce = Math.max(1, Math.round(level));
    if (lanes.every(({ gain }) => gain.median <= AS_GOOD * level)) {
      return isLevel && !this.isBusy ? { atOnce, isOwn: false, isSure: true } : undefined;
    }
    // An event loop that is busy is itself the limit.
    if (2 * level * heldMs(sample) >= sample.wallMs) return undefined;
    const isSure = isLevel && !this.isBusy && lanes.some(({ gain }) => gain.low > level);
    return { atOnce, isOwn: true, isSure };
  }

  /** Whether waiting tasks only take turns on one event loop, so that slots gain nothing against prediction. */
  get takesTurns(): boolean {
    const loops = this.runners.filter((of) => runsInLoop(of.candidate) && didTheWork(of));
    return loops.length > 0 && loops.every(({ candidate, rounds, useless }) => {
      // A stopped model took far longer than the plain loop.
      const isStopped = rounds.length === 0 && useless !== undefined;
      const gained = isStopped ? 0 : this.gain(candidate)?.median ?? Infinity;
      return gained < GAINED && this.predictedGain(candidate).low > FAR_LESS * gained;
    });
  }

  models(): ModelAdvice[] {
    const all = [...this.found.predicted, ...this.runners].map(({ candidate }) => candidate);
    const candidates = new Map(all.map((candidate) => [nameOf(candidate), candidate]));
    return [...candidates.values()].sort(bySimplicity).map((candidate) => {
      const { median: predictedGain, low, high } = this.predictedGain(candidate);
      const runner = runnerOf(this.runners, candidate);
      const entry = this.#entry(candidate);
      const isStopped = entry === undefined && runner?.useless !== undefined;
      const out = this.#isImpossible(candidate)
        ? "impossible"
        : runner?.out ?? (isStopped ? "slower" : undefined);
      return {
        ...sizeOf(candidate),
        predictedMs: totalMs(this.prediction(candidate)),
        predictedGain,
        predictedGainLow: low,
        predictedGainHigh: high,
        ...(runner && entry && { measured: this.#measured(runner, entry, out) }),
        ...(out && { out }),
      };
    });
  }

  #measured(
    { candidate, items, rounds }: Runner,
    { times }: Entry,
    out: ModelAdvice["out"],
  ): ModelAdvice["measured"] {
    return {
      items,
      rounds: rounds.length,
      totalMs: median(times.map(({ ms }) => ms)),
      startMs: median(rounds.map(({ startMs }) => startMs)),
      gain: didTheWork({ out }) ? this.gain(candidate) : null,
      peakRssBytes: median(rounds.map(({ peakRssBytes }) => peakRssBytes)),
      failed: Math.max(...rounds.map(({ failed }) => failed)),
    };
  }

  /** Memory that a model was measured to need beyond the plain loop's, in bytes; null if unknown. */
  moreBytes(candidate: Candidate): number | null {
    const { sample } = this.found;
    const [own, plain] = [candidate, SEQUENTIAL].map((of) => runnerOf(this.runners, of));
    // These peaks don't include the memory of programs that tasks run.
    if (!own?.rounds.length || !plain?.rounds.length || heldByPrograms(sample) > 0) return null;
    const [ownBytes = 0, plainBytes = 0] = [own, plain].map(({ rounds }) =>
      median(rounds.map(({ peakRssBytes }) => peakRssBytes))
    );
    // What tasks leave behind grows with their number, and a faster model may have run more of them.
    const leftBytes = (sample.memoryBytes - (sample.taskBytes ?? 0)) / sample.items;
    const grownBytes = leftBytes * Math.max(0, own.items - plain.items);
    const moreBytes = Math.max(0, ownBytes - plainBytes);
    return grownBytes > LITTLE_MEMORY && moreBytes < 2 * grownBytes ? null : moreBytes;
  }

  /** From how many items on a model makes up for its start, as measured on the sampled job. */
  breakEven(candidate: Candidate): number {
    const { horizon, sample, race } = this.found;
    const isMeasured = sameWork(sample, race)?.same !== false;
    const timesOf = (of: Candidate) => {
      const [entry, runner] = [this.#entry(of), runnerOf(this.runners, of)];
      if (!isMeasured || !entry || !runner) {
        const { startMs, runMs } = this.prediction(of);
        return { startMs, itemMs: runMs / horizon };
      }
      const startMs = median(runner.rounds.map((round) => round.startMs));
      return { startMs, itemMs: (median(entry.times.map(({ ms }) => ms)) - startMs) / horizon };
    };
    const [plain, own] = [timesOf(SEQUENTIAL), timesOf(candidate)];
    // Set-up that the plain loop needs too isn't the model's cost.
    const startMs = own.startMs - PAYS * plain.startMs;
    const savedMs = PAYS * plain.itemMs - own.itemMs;
    // One item alone has nothing to run beside it; and a model that pays for all items pays at `horizon`.
    return Math.min(horizon, savedMs <= 0 ? Infinity : Math.max(2, Math.ceil(startMs / savedMs)));
  }
}
