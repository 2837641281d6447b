/**
 * Puts what was found together: class, models, recommendation, surprises, hazards, code.
 *
 * @module
 */

import { formatDuration, formatPercent, formatRatio } from "../reporting/format.ts";
import type { Interval } from "../timing/result.ts";
import { median } from "../timing/statistics.ts";
import type { Advice, ModelAdvice, Surprise } from "./advice.ts";
import { breakEven } from "./break_even.ts";
import { bySimplicity, type Candidate, nameOf, SEQUENTIAL } from "./candidate.ts";
import { classFor, type Classified } from "./classify.ts";
import type { Findings } from "./findings.ts";
import { hazardsOf } from "./hazards.ts";
import { predict, type Prediction, totalMs } from "./predict.ts";
import type { Runner } from "./race.ts";
import { type Entry, ratioOf, recommend, type Recommendation } from "./recommend.ts";
import { entryOf, scaledMs } from "./scaled.ts";
import { snippetFor } from "./snippet.ts";

/** A measured gain this far from the predicted one is a surprise. */
const SURPRISE = 1.25;
/** A prediction whose ends are this far apart is unsure, as is one of fewer items. */
const WIDE = 2.5;
const FEW_ITEMS = 5;

const slotsOf = ({ slots }: Candidate) => Number.isFinite(slots) ? slots : null;

class Composer {
  readonly #predictions = new Map<string, Prediction>();
  readonly #entries: readonly Entry[];
  readonly sequentialMs: number;

  constructor(readonly found: Findings) {
    for (const { candidate, prediction } of found.predicted) {
      this.#predictions.set(nameOf(candidate), prediction);
    }
    this.sequentialMs = totalMs(this.prediction(SEQUENTIAL));
    const scale = (candidate: Candidate, items: number, round: Runner["rounds"][number]) =>
      scaledMs(found.sample, found.machine, candidate, items, found.horizon, round);
    this.#entries = this.runners.map((runner) => entryOf(runner, scale));
  }

  get runners(): readonly Runner[] {
    return this.found.race?.runners ?? [];
  }

  prediction(candidate: Candidate): Prediction {
    const name = nameOf(candidate);
    const { sample, horizon, machine } = this.found;
    const known = this.#predictions.get(name) ?? predict(sample, candidate, horizon, machine);
    this.#predictions.set(name, known);
    return known;
  }

  predictedGain(candidate: Candidate): { gain: number; low: number; high: number } {
    const { startMs, runMs, lowMs, highMs } = this.prediction(candidate);
    return {
      gain: this.sequentialMs / (startMs + runMs),
      low: this.sequentialMs / (startMs + highMs),
      high: this.sequentialMs / (startMs + lowMs),
    };
  }

  entry(candidate: Candidate): Entry | undefined {
    return this.#entries.find((entry) =>
      nameOf(entry.candidate) === nameOf(candidate) && entry.times.length > 0
    );
  }

  gain(candidate: Candidate): Interval | null {
    const [sequential, entry] = [this.entry(SEQUENTIAL), this.entry(candidate)];
    return sequential === undefined || entry === undefined
      ? null
      : ratioOf(sequential, entry, this.found.options.seed);
  }

  classified(): Classified {
    const { sample, machine, horizon } = this.found;
    return classFor(sample, machine, horizon);
  }

  /** A share in between, where slots filled no wait but lanes gained, was computing held up by others. */
  corrected(classified: Classified): { classified: Classified; note?: string } {
    if (classified.bound !== "mixed") return { classified };
    const gains = (lanes: boolean) =>
      this.runners.filter(({ candidate: { model, slots }, rounds }) =>
        rounds.length > 0 && model !== "sequential" &&
        (model === "workers" || model === "processes" ? lanes && slots === 1 : !lanes)
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

  recommendation(bound: Classified["bound"]): Recommendation {
    if (bound === "small") {
      const best = recommend(this.#entries, this.found.options.seed).best;
      return { candidate: SEQUENTIAL, gain: { median: 1, low: 1, high: 1 }, confidence: 0.9, best };
    }
    if (
      this.#entries.some(({ times, eligible, candidate }) =>
        eligible && times.length > 0 && candidate.model !== "sequential"
      ) && this.entry(SEQUENTIAL) !== undefined
    ) {
      return recommend(this.#entries, this.found.options.seed);
    }
    if (this.runners.some(({ out }) => out !== undefined)) {
      // All others were refuted: what is left is the plain loop.
      return {
        candidate: SEQUENTIAL,
        gain: { median: 1, low: 1, high: 1 },
        confidence: 0.8,
        best: SEQUENTIAL,
      };
    }
    // Nothing was raced: the simplest whose prediction comes near the best predicted.
    const best = this.found.predicted.reduce((a, b) =>
      totalMs(b.prediction) < totalMs(a.prediction) ? b : a
    );
    const chosen = this.found.predicted.toSorted((a, b) => bySimplicity(a.candidate, b.candidate))
      .find(({ prediction }) => totalMs(prediction) <= 1.1 * totalMs(best.prediction)) ?? best;
    return { candidate: chosen.candidate, gain: null, confidence: 0.5, best: best.candidate };
  }

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
        ...(runner?.out !== undefined && { out: runner.out }),
      };
    });
  }

  /** How many items from which on the model pays, by what was measured. */
  breakEven(candidate: Candidate): number | null {
    const { sample, machine } = this.found;
    const runner = this.runners.find((of) => nameOf(of.candidate) === nameOf(candidate));
    const rounds = runner?.rounds ?? [];
    const correction = rounds.length === 0 || runner === undefined
      ? 1
      : median(rounds.map(({ runMs }) => runMs)) /
        Math.max(1e-9, predict(sample, candidate, runner.items, machine).runMs);
    const startMs = rounds.length === 0
      ? this.prediction(candidate).startMs
      : median(rounds.map((round) => round.startMs));
    // Within a factor of a million times are exact enough; beyond, they are linear.
    const runMs = (of: Candidate, items: number) => {
      const some = Math.min(items, 4096);
      return predict(sample, of, some, machine).runMs * items / some;
    };
    return breakEven(
      (items) => runMs(SEQUENTIAL, items),
      (items) => startMs + correction * runMs(candidate, items),
    );
  }
}

function surprisesOf(models: readonly ModelAdvice[], waits: boolean): Surprise[] {
  return models.flatMap(({ name, model, slots, measured, predictedGain, out }) => {
    const gain = measured?.gain?.median;
    if (gain === undefined || model === "sequential" || out === "failures") return [];
    const off = gain / predictedGain;
    if (off <= SURPRISE && off >= 1 / SURPRISE) return [];
    const why = off > 1
      ? "the sample one by one was slower than need be (cold code, or other programs)"
      : waits && slots !== 1
      ? "what the tasks wait for doesn't serve so many at once, or they wait for each other"
      : waits
      ? "the tasks wait for each other, or for something that serves one at a time"
      : "the tasks get in each other's way (memory, caches, a lock), or others used the CPUs";
    return [{
      name,
      predictedGain,
      measuredGain: gain,
      text:
        `${name}: ${formatRatio(predictedGain)} predicted, ${formatRatio(gain)} measured; most ` +
        `likely ${why}.`,
    }];
  });
}

function reasonOf(
  composer: Composer,
  { candidate, gain }: Recommendation,
  bound: Classified["bound"],
): string {
  const { horizon } = composer.found;
  const sequential = formatDuration(composer.sequentialMs);
  if (bound === "small") {
    return `Leave it sequential: ${horizon} item${
      horizon === 1 ? "" : "s"
    } take ${sequential} in ` +
      `all, and starting lanes alone takes ${
        formatDuration(composer.found.machine.startMs.workers)
      }.`;
  }
  if (candidate.model === "sequential") {
    return `Leave it sequential: no model that gives the same results is detectably faster than the ` +
      `plain loop.`;
  }
  const what = candidate.model === "workers" || candidate.model === "processes"
    ? candidate.slots > 1
      ? "The tasks compute and wait: lanes do the computing at the same time, slots fill the waits."
      : bound === "io"
      ? "Slots on one lane gained less than lanes."
      : "The tasks compute: only more lanes help."
    : "The tasks wait: slots on one lane fill the waits, and that is enough.";
  return gain === null
    ? `${what} Predicted, not measured.`
    : `${what} No simpler model comes near it.`;
}

/** Why the prediction may be off, as far as the sample itself can tell. */
function unsureOf(composer: Composer, candidate: Candidate): string | undefined {
  const { sample, probed } = composer.found;
  if (probed.cutOff !== undefined) return "the sample was cut off";
  if (sample.items < FEW_ITEMS) return `there were only ${sample.items} items to go by`;
  const { low, high } = composer.predictedGain(candidate);
  if (high / low <= WIDE) return undefined;
  return sample.variation > 0.5
    ? `the tasks are uneven: the gain is between ${formatRatio(low)} and ${formatRatio(high)}`
    : `tasks may queue for the event loop: the gain is between ${formatRatio(low)} and ${
      formatRatio(high)
    }`;
}

/**
 * Puts advice together from what was found.
 *
 * @param found The findings.
 * @returns The advice.
 *
 * @example
 * ```ts
 * import { composeAdvice } from "./compose_advice.ts";
 *
 * console.log(composeAdvice.length); // 1
 * ```
 */
export function composeAdvice(found: Findings): Advice {
  const composer = new Composer(found);
  const { options, sample, machine, race, probed } = found;
  const { classified, note } = composer.corrected(composer.classified());
  const recommendation = composer.recommendation(classified.bound);
  const { candidate } = recommendation;
  const models = composer.models();
  const memoryOf = (of: Candidate) =>
    models.find(({ name }) => name === nameOf(of))?.measured?.peakRssBytes;
  const [own, plain] = [memoryOf(candidate), memoryOf(SEQUENTIAL)];
  const memoryBytes = own === undefined || plain === undefined ? null : own - plain;
  const { code, flags } = snippetFor({
    module: options.job.task.module,
    export: options.job.task.export,
    itemsAreMade: probed.exports.items === "function",
    setup: probed.exports.setup,
    teardown: probed.exports.teardown,
    permissions: options.job.permissions ?? {},
    library: options.library,
  }, candidate);
  const tasksMs = sample.tasksMs + (race?.costMs ?? 0);
  const { walls: _walls, ...figures } = sample;
  const unsure = unsureOf(composer, candidate);
  return {
    job: {
      title: options.job.name,
      module: options.job.task.module,
      export: options.job.task.export,
      total: found.total,
    },
    horizon: found.horizon,
    bound: classified.bound,
    cpuShare: classified.cpuShare,
    classConfidence: classified.confidence,
    ...(note !== undefined && { classNote: note }),
    sample: figures,
    machine,
    models,
    ...(unsure !== undefined && { unsure }),
    surprises: surprisesOf(models, sample.cpuShare < 0.5),
    recommended: {
      model: candidate.model,
      lanes: candidate.lanes,
      slots: slotsOf(candidate),
      name: nameOf(candidate),
      chunk: "auto",
      gain: recommendation.gain,
      predictedGain: composer.predictedGain(candidate).gain,
      confidence: recommendation.confidence,
      memoryBytes: candidate.model === "sequential" ? 0 : memoryBytes,
      breakEven: candidate.model === "sequential" ? null : composer.breakEven(candidate),
      reason: reasonOf(composer, recommendation, classified.bound),
    },
    code,
    flags,
    hazards: hazardsOf(sample, race, candidate, memoryBytes ?? 0),
    ...(found.missing !== undefined && { partial: found.missing }),
    cost: {
      tasksMs,
      sequentialRuns: tasksMs / sample.tasksMs,
      timesRun: 1 + (race?.trials ?? 0),
    },
  };
}
