/**
 * What the runners of a race took for the whole job, and which of their gains can't be.
 *
 * @module
 */

import { IMPOSSIBLE } from "../../judge/thresholds.ts";
import type { Finding } from "../finding.ts";
import { nameOf } from "../prediction/candidate.ts";
import { possibleGain } from "../prediction/possible_gain.ts";
import type { Machine } from "../prediction/predict.ts";
import type { Sample } from "../probe/sample.ts";
import type { Runner } from "./race_options.ts";
import { type Entry, standingsOf } from "./recommend.ts";
import { BUSY_NOISE, USUAL_NOISE } from "./standings.ts";
import { wasBusy } from "../findings_of.ts";
import { entryOf, scaledMs } from "./scaled.ts";

/** The entries of a race. */
export interface Entries {
  /** One for each runner; a gain that can't be makes it one that doesn't count. */
  readonly entries: readonly Entry[];
  /** What a time is usually off by on this machine at present, on the logarithm. */
  readonly usualNoise: number;
  /** The gains that can't be. */
  readonly impossible: readonly (Finding & { readonly kind: "impossible" })[];
}

/**
 * Scales what runners took to the whole job, and takes out whose gain is above what cores and waiting
 * can give: that says something about the measurement, and nothing about the model.
 */
export function entriesOf(
  runners: readonly Runner[],
  sample: Sample,
  machine: Machine,
  horizon: number,
): Entries {
  const all = runners.map((runner) =>
    entryOf(
      runner,
      (candidate, items, round) => scaledMs(sample, machine, candidate, items, horizon, round),
    )
  );
  const usualNoise = wasBusy(sample, machine) ? BUSY_NOISE : USUAL_NOISE;
  const standings = standingsOf(all, usualNoise);
  const plain = all.find(({ candidate: { model }, eligible, times }) =>
    model === "sequential" && eligible && times.length > 0
  );
  const impossible: (Finding & { kind: "impossible" })[] = [];
  const entries = all.map((entry) => {
    if (plain === undefined || entry === plain || !entry.eligible || entry.times.length === 0) {
      return entry;
    }
    const gain = standings.ratio(plain, entry);
    const most = possibleGain(sample, machine, entry.candidate, horizon);
    if (gain === null || gain.low <= most || gain.median <= IMPOSSIBLE * most) return entry;
    const model = nameOf(entry.candidate);
    impossible.push({ kind: "impossible", model, gain: gain.median, most, cores: machine.cores });
    return { ...entry, eligible: false };
  });
  return { entries, usualNoise, impossible };
}
