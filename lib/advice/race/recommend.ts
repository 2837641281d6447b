/**
 * From a race to a recommendation: what its rounds come to for the whole job, which gains can't be, and
 * the simplest model that surely pays and isn't detectably worse than the best.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import {
  AS_GOOD,
  IMPOSSIBLE,
  SURE_OF_NONE,
  TELLS_NOTHING,
  TOO_SLOW,
  WAITS,
} from "../../judge/thresholds.ts";
import type { Interval, Round } from "../../timing/result.ts";
import { type Finding, wasBusy } from "../findings.ts";
import {
  bySimplicity,
  type Candidate,
  inFlightOf,
  nameOf,
  SEQUENTIAL,
} from "../prediction/candidate.ts";
import type { Machine } from "../prediction/machine.ts";
import { cpuShareOf, LESS, predict } from "../prediction/predict.ts";
import { blocks, type Sample } from "../probe/sample.ts";
import type { Runner } from "./race.ts";
import { BUSY_NOISE, Standings, USUAL_NOISE } from "./standings.ts";
import { QUEUEING } from "./substitutes.ts";

/** One model's times for the whole job, by round. */
export interface Entry {
  /** The model and its size. */
  readonly candidate: Candidate;
  /** Round number and time in milliseconds. */
  readonly times: readonly { readonly round: number; readonly ms: number }[];
  /** Whether it ran without failures of its own, gave the same results, and wasn't clearly slower. */
  readonly eligible: boolean;
  /** How many tasks it had in flight at once; default 1. */
  readonly inFlight?: number;
  /** So many times its gain may be too great for reasons that its rounds don't show; default 1. */
  readonly doubt?: number;
  /** A greater gain than this has other causes than the model. */
  readonly credible?: number;
}

/** Whether a gain is one, after all that speaks against it. */
export function isShown({ doubt = 1, credible = Infinity }: Entry, gain: Interval | null): boolean {
  return gain !== null && gain.low * Math.min(1, credible / gain.median) > doubt;
}

/**
 * What a round comes to for `horizon` items, in milliseconds: its start-up as it is, and its work in
 * proportion to what is predicted for the two numbers of items. So long items and saturation are
 * accounted for, and what the prediction is off by cancels out.
 */
export function scaledMs(
  sample: Sample,
  machine: Machine,
  candidate: Candidate,
  items: number,
  horizon: number,
  round: Pick<Round, "startMs" | "runMs">,
): number {
  if (items === horizon) return round.startMs + round.runMs;
  const wanted = predict(sample, candidate, horizon, machine).runMs;
  const ran = predict(sample, candidate, items, machine).runMs;
  return round.startMs + round.runMs * wanted / Math.max(1e-9, ran);
}

/** With many tasks in flight a thread sleeps less: it spares up to so many times the measured cost of waking, */
const WAKING = 2;
/** and up to this share of what tasks computed one by one. */
const MOST_WAKING = 0.8;

/**
 * The greatest gain against the plain loop that isn't an error of measurement: not above the tasks in
 * flight, not above what the cores can compute at once, and on one event loop not above what its thread
 * is free for.
 */
export function possibleGain(
  sample: Pick<Sample, "cpuShare" | "cpuMs" | "loopMs" | "blockedMs" | "wallMs" | "wakeMs">,
  { cores, ceiling }: Pick<Machine, "cores" | "ceiling">,
  candidate: Candidate,
  items: number,
): number {
  const { cpuShare, cpuMs, loopMs, blockedMs, wallMs, wakeMs } = sample;
  const waking = Math.min(MOST_WAKING, WAKING * wakeMs / Math.max(1e-9, cpuMs));
  // What a task that waits computes with many in flight can't be told from one by one.
  const computing = cpuShare * (1 - waking) * LESS ** (1 - cpuShare);
  const byCores = Math.max(cores, ceiling) / Math.max(1e-9, computing);
  const onLoop = cpuMs > 0 ? computing * loopMs / cpuMs : 0;
  // A short hold may be a neighbour on the CPU.
  const held = onLoop + (blocks(sample) ? blockedMs / wallMs : 0);
  const byLoop = candidate.lanes > 1 ? Infinity : 1 / Math.max(1e-9, held);
  return Math.max(1, Math.min(inFlightOf(candidate, items), byCores, byLoop));
}

/** Those whose times count. */
function ranOf(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ times, eligible }) => eligible && times.length > 0);
}

/** How the models that count stand to each other. */
function standingsOf(entries: readonly Entry[], usualNoise?: number): Standings<Entry> {
  return new Standings(ranOf(entries), usualNoise);
}

/** The entries of a race. */
export interface Entries {
  /** One for each runner; a gain that can't be makes it one that doesn't count. */
  readonly entries: readonly Entry[];
  /** What a time is usually off by on this machine at present, on the logarithm. */
  readonly usualNoise: number;
  /** The gains that can't be. */
  readonly impossible: readonly (Finding & { readonly kind: "impossible" })[];
}

/** A model's gain on the very items that it was raced with, and what is possible on these. */
interface Raced {
  readonly gain: number;
  readonly most: number;
  /** What would be possible if no more could be computed at once than independent processes did. */
  readonly mostMeanwhile: number;
}

/** Holds a runner's gain against what is possible; null if it shares no round with the plain loop. */
function racedOf(
  plain: Runner,
  { candidate, items, rounds }: Runner,
  sample: Sample,
  machine: Machine,
): Raced | null {
  const series = (of: Candidate, ran: number, its: readonly Round[]) => ({
    times: its.map((round) => ({
      round: round.round,
      ms: scaledMs(sample, machine, of, ran, items, round),
    })),
  });
  const slow = series(plain.candidate, plain.items, plain.rounds);
  const fast = series(candidate, items, rounds);
  const gain = new Standings([slow, fast]).ratio(slow, fast);
  if (gain === null) return null;
  // The first few items may compute less than the others, and wait more.
  const these = { ...sample, cpuShare: cpuShareOf(sample, items) };
  const { ceiling } = machine;
  return {
    gain: gain.median,
    most: possibleGain(these, machine, candidate, items),
    mostMeanwhile: possibleGain(these, { cores: ceiling, ceiling }, candidate, items),
  };
}

/**
 * Scales what runners took to the whole job. A gain above what cores and waiting can give says something
 * about the measurement, and nothing about the model: such an entry doesn't count. The plain loop that it
 * was held against was slower than need be, perhaps, so the gains of all others are in doubt;
 * and so are those of lanes on a busy machine, by as much as they exceed what independent processes gained.
 */
export function entriesOf(
  runners: readonly Runner[],
  sample: Sample,
  machine: Machine,
  horizon: number,
): Entries {
  const busy = wasBusy(sample, machine);
  const contended = busy && sample.cpuShare > WAITS;
  const plain = runners.find(({ candidate: { model }, out, rounds }) =>
    model === BASELINE && out === undefined && rounds.length > 0
  );
  const held = new Map(
    runners.map((runner) => [
      runner,
      plain === undefined || runner === plain || runner.out !== undefined ||
        runner.rounds.length === 0
        ? null
        : racedOf(plain, runner, sample, machine),
    ]),
  );
  const excessOf = (raced: Raced | null | undefined) => raced ? raced.gain / raced.most : 0;
  const excess = Math.max(...[...held.values()].map(excessOf), 0);
  const impossible: (Finding & { kind: "impossible" })[] = [];
  const entries = runners.map((runner): Entry => {
    const { candidate, items, rounds, out } = runner;
    const raced = held.get(runner);
    const isImpossible = excessOf(raced) > IMPOSSIBLE;
    if (raced && isImpossible) {
      const { gain, most } = raced;
      const model = nameOf(candidate);
      impossible.push({ kind: "impossible", model, gain, most, cores: machine.cores });
    }
    return {
      candidate,
      times: rounds.map((round) => ({
        round: round.round,
        ms: scaledMs(sample, machine, candidate, items, horizon, round),
      })),
      eligible: out === undefined && !isImpossible,
      inFlight: inFlightOf(candidate, items),
      // What is off by so much for one may be off by as much again for another.
      ...(excess > IMPOSSIBLE && { doubt: excess ** 2 }),
      ...(contended && raced && candidate.lanes > 1 && {
        credible: IMPOSSIBLE * raced.mostMeanwhile,
      }),
    };
  });
  return { entries, usualNoise: busy ? BUSY_NOISE : USUAL_NOISE, impossible };
}

/**
 * How it was decided: a gain was shown; none above a tenth can be; it can't be told from so few or so
 * noisy rounds; or nothing was measured.
 */
export type Decision =
  | "gain"
  | "no gain"
  | "can't tell"
  | "unmeasured"
  /** A server's limit decides, whatever the model. */
  | "server's pace"
  /** A task's result depends on those before it. */
  | "order matters"
  /** The race wasn't the sampled job, so its times don't count. */
  | "other work";

/** What is recommended, and why. */
export interface Recommendation {
  /** The model and its size. */
  readonly candidate: Candidate;
  /** Against sequential; null if that or the model wasn't measured. */
  readonly gain: Interval | null;
  /** 0 to 1. */
  readonly confidence: number;
  /** The fastest model measured. */
  readonly best: Candidate;
  /** What the fastest model gained, as far as that is known. */
  readonly bestGain: Interval | null;
  /** How it was decided. */
  readonly decision: Decision;
}

/** The plain loop against itself. */
export const NO_GAIN: Interval = { median: 1, low: 1, high: 1 };

/**
 * The simplest first. But an event loop on which most tasks only queue for what serves a few of them
 * comes behind one that has just these few in flight: it is as fast, and asks less of what it waits for.
 */
function inOrder(entries: readonly Entry[], gainOf: (entry: Entry) => number): Entry[] {
  const simplest = entries.toSorted((a, b) => bySimplicity(a.candidate, b.candidate));
  const loops = simplest.filter(({ candidate }) => candidate.lanes === 1);
  const queues = (entry: Entry) => (entry.inFlight ?? 1) >= QUEUEING * gainOf(entry);
  return [
    ...loops.filter((entry) => !queues(entry)),
    ...loops.filter(queues),
    ...simplest.filter((entry) => !loops.includes(entry)),
  ];
}

function rounded(confidence: number): number {
  // Certainty is never whole.
  return Math.round(Math.min(0.99, confidence) * 100) / 100;
}

/** The plain loop, where nothing is shown to beat it. */
function staysPlain(
  standings: Standings<Entry>,
  plain: Entry,
  others: readonly Entry[],
  doubtful?: Entry,
): Recommendation {
  if (others.length === 0) {
    return {
      candidate: SEQUENTIAL,
      gain: NO_GAIN,
      confidence: 0.7,
      best: SEQUENTIAL,
      bestGain: NO_GAIN,
      decision: "no gain",
    };
  }
  const best = doubtful ??
    others.reduce((a, b) => standings.timeMs(b) < standings.timeMs(a) ? b : a);
  const bestGain = standings.ratio(plain, best);
  const sure = Math.min(...others.map((of) => 1 - standings.sureAbove(plain, of, TOO_SLOW)));
  // A model that might gain a tenth after all hasn't been shown not to pay.
  const open = bestGain === null || sure < SURE_OF_NONE ||
    (!isShown(best, bestGain) && bestGain.median >= TOO_SLOW) ||
    (bestGain.low <= 1 && bestGain.high > TOO_SLOW && bestGain.high / bestGain.low > TELLS_NOTHING);
  return {
    candidate: SEQUENTIAL,
    gain: NO_GAIN,
    confidence: rounded(sure),
    best: best.candidate,
    bestGain,
    decision: open ? "can't tell" : "no gain",
  };
}

/**
 * Recommends a model: the simplest whose gain over the plain loop is shown, and whose time is as good
 * as the best one's. A gain is shown if its interval leaves out 1 and its doubt, whatever was predicted. The
 * confidence is the least of those that it beats each simpler model, and that no other beats it by a tenth.
 */
export function recommend(entries: readonly Entry[], usualNoise?: number): Recommendation {
  const ran = ranOf(entries);
  const standings = standingsOf(entries, usualNoise);
  const plain = ran.find(({ candidate }) => candidate.model === BASELINE);
  const others = ran.filter((entry) => entry !== plain);
  if (plain === undefined) {
    return {
      candidate: SEQUENTIAL,
      gain: null,
      confidence: 0.5,
      best: SEQUENTIAL,
      bestGain: null,
      decision: "unmeasured",
    };
  }
  const gainOf = (entry: Entry) => standings.ratio(plain, entry)?.median ?? 0;
  const paying = others.filter((entry) => isShown(entry, standings.ratio(plain, entry)));
  const best = paying.toSorted((a, b) => gainOf(b) - gainOf(a))[0];
  if (best === undefined || gainOf(best) <= AS_GOOD) return staysPlain(standings, plain, others);
  const order = [plain, ...inOrder(others, gainOf)];
  const chosen = order.slice(1).find((entry) => {
    const behind = gainOf(best) / gainOf(entry);
    return behind <= AS_GOOD ||
      (behind <= TOO_SLOW && (standings.ratio(entry, best)?.low ?? 1) <= 1);
  }) ?? best;
  // If a simpler one is as good but isn't shown to pay, the best one was only lucky.
  if (!paying.includes(chosen)) return staysPlain(standings, plain, others, chosen);
  const sure = ran.filter((entry) => entry !== chosen).map((entry) =>
    order.indexOf(entry) < order.indexOf(chosen)
      ? standings.sureAbove(entry, chosen, 1)
      : 1 - standings.sureAbove(chosen, entry, TOO_SLOW)
  );
  return {
    candidate: chosen.candidate,
    gain: standings.ratio(plain, chosen),
    confidence: rounded(Math.min(...sure)),
    best: best.candidate,
    bestGain: standings.ratio(plain, best),
    decision: "gain",
  };
}
