/** Warnings about a comparison's figures, and what a reader can do about them. */

import { AS_GOOD, LEAST_THREAD_MS } from "../judge/thresholds.ts";
import { BASELINE, ranInOneLoop } from "../models.ts";
import { formatDuration, formatPercent } from "../text/format.ts";
import { isBusy, type Others, othersWords } from "./meter/meter.ts";
import { type Comparison, isOfCores, type ModelResult, type Round } from "./result.ts";
import { median, outliers } from "./statistics.ts";
import { measuredCpuShare } from "./verdict.ts";

/** Fewer rounds than this can't tell noise from a difference. */
const FEW_ROUNDS = 3;

/** Below this CPU share, tasks mostly wait. */
const WAITING = 0.5;
/** From this CPU share on, an event loop has no idle time left. */
const BUSY = 0.9;

const CEILING_PASSED =
  "A model gained more than the ceiling: that was measured too low, or the sequential baseline is " +
  "too slow (its code was compiled less well, or was still cold; try --warmup), or tasks also wait.";

/** CPU time on the event loop's thread; that of the whole process where it is too short to be told apart. */
function loopMs({ cpuMs, runCpuMs = cpuMs, loopCpuMs }: Round): number {
  return loopCpuMs === undefined || runCpuMs < LEAST_THREAD_MS ? runCpuMs : loopCpuMs;
}

/** Names models under which waiting tasks reached the limit of their one event loop. */
export function eventLoopWarnings(models: readonly ModelResult[]): string[] {
  const sequential = models.find(({ model }) => model === BASELINE);
  // Tasks that compute keep the CPU busy under every model: that is no bottleneck.
  if (sequential !== undefined && measuredCpuShare(sequential) >= WAITING) return [];
  return models.flatMap((of) => {
    const { model, rounds } = of;
    if (model === BASELINE || !ranInOneLoop(of)) return [];
    // The share of the whole time: while queueing for a core, the event loop wasn't the limit.
    const share = median(rounds.map((round) => loopMs(round) / round.runMs));
    if (share < BUSY) return [];
    const busy = formatPercent(Math.min(1, share));
    return [
      `Under ${model} the measuring process was busy ${busy} of the time: its one event loop was ` +
      `the limit, so more slots gain nothing; more lanes may.`,
    ];
  });
}

export function outlierWarnings(models: readonly ModelResult[]): string[] {
  return models.flatMap(({ model, rounds, wallMs }) =>
    outliers(rounds.map((round) => round.wallMs)).map((index) => {
      const { round, wallMs: took } = rounds[index]!;
      const [long, usual] = [took, wallMs.median].map(formatDuration);
      return `${model}, round ${round + 1}, took ${long} where the median is ${usual}: an ` +
        `outlier, kept in all figures. Another program may have interfered; more rounds lessen its ` +
        `weight.`;
    })
  );
}

/** Whether lanes gained more on this machine's cores than its ceiling. */
export function passesCeiling(
  models: readonly ModelResult[],
  ceiling: Comparison["ceiling"],
): boolean {
  return ceiling !== null &&
    models.some(({ lanes, speedup, ...of }) =>
      isOfCores(of) && lanes > 1 && lanes <= ceiling.lanes &&
      speedup !== null && speedup.low > 1 && speedup.median > AS_GOOD * ceiling.speedup
    );
}

/** Names devices other than this machine's cores, or that only seem to be. */
export function deviceWarnings(models: readonly Pick<ModelResult, "model" | "device">[]): string[] {
  return models.flatMap(({ model, device }) =>
    device === undefined ? [] : [
      `${model} ran on ${device.name}` +
      (device.software
        ? ": that is software, which computes on this machine's own cores, and no graphics card."
        : "."),
    ]
  );
}

/** Says what other programs used, if that was so much that figures may be wrong. */
export function busyWarnings(others: Others | undefined): string[] {
  return others !== undefined && isBusy(others)
    ? [
      `${othersWords(others)}: lanes that compute gain less than on an idle machine, and times ` +
      `differ more from round to round. End them and run again for figures that hold.`,
    ]
    : [];
}

function fewRoundsWarnings(models: readonly ModelResult[]): string[] {
  const fewest = Math.min(...models.map(({ rounds }) => rounds.length));
  if (fewest >= FEW_ROUNDS) return [];
  const told = fewest === 1
    ? "1 round tells nothing about noise: a factor of 2 either way is assumed"
    : `${fewest} rounds tell little about noise, so the intervals are wide`;
  return [`${told}; use --rounds 3 or more.`];
}

export function warningsOf(
  models: readonly ModelResult[],
  ceiling: Comparison["ceiling"],
  others?: Others,
): string[] {
  return [
    ...fewRoundsWarnings(models),
    ...deviceWarnings(models),
    ...busyWarnings(others),
    ...(passesCeiling(models, ceiling) ? [CEILING_PASSED] : []),
    ...eventLoopWarnings(models),
    ...outlierWarnings(models),
  ];
}
