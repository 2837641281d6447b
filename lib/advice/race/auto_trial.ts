/** Runs `auto` once on the items that the recommended model ran in the race, and compares the two. */

import { z } from "zod";
import { counted, formatDuration } from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { messageOf } from "../../timing/failures.ts";
import { limitedTo } from "../../timing/job_items.ts";
import { amount, type Checked, whole } from "../../timing/json_file.ts";
import type { ModelSpec } from "../../timing/spec.ts";
import { median } from "../../timing/statistics.ts";
import { type Candidate, nameOf } from "../prediction/candidate.ts";
import type { RaceOptions } from "./trials.ts";
import { type Race, runnerOf } from "./runner.ts";

export const autoSchema = z.object({
  /** The lanes and slots that auto settled on and its time ratio, or why that isn't known, in a sentence. */
  text: z.string(),
  lanes: whole.optional(),
  slots: whole.optional(),
  /** The time of auto over the recommended model's, both with start-up. */
  timeRatio: amount.optional(),
  /** How long auto's tasks ran, in milliseconds; undefined if none did. */
  runMs: amount.optional(),
});
export type AutoFound = Checked<typeof autoSchema>;

/** The trial needs ROOM times the recommended model's time, and PROCESS_MS for its process. */
const ROOM = 2;
const PROCESS_MS = 300;

/** Runs auto if there is time, and reports what it settled on and how it compares, or why it can't. */
export async function tryAuto(
  race: Race | undefined,
  candidate: Candidate,
  { job, bounds, leftMs, runTrial, signal }:
    & Pick<RaceOptions, "job" | "leftMs" | "runTrial" | "signal">
    & Pick<ModelSpec, "bounds">,
): Promise<AutoFound> {
  const name = nameOf(candidate);
  const runner = runnerOf(race?.runners, candidate);
  if (runner === undefined || runner.rounds.length === 0) {
    return {
      text: `auto wasn't run: ${name} wasn't raced, so there is no time to hold it against.`,
    };
  }
  const { items, rounds } = runner;
  const likelyMs = median(rounds.map(({ wallMs }) => wallMs));
  const mostMs = leftMs() - PROCESS_MS;
  if (mostMs < ROOM * likelyMs) {
    return { text: "auto wasn't run: the budget was spent; a larger --budget leaves time for it." };
  }
  try {
    const trial = { model: "auto", bounds, job: limitedTo(job, items), round: 0, mostMs } as const;
    const { round, lanes, slots, stopped } = await runTrial(trial, { signal });
    const { wallMs, runMs, failed, checksum } = round;
    const of = counted(items, "item");
    if (stopped) return { text: `auto was stopped after ${formatDuration(runMs)}.`, runMs };
    const mostFailed = Math.max(...rounds.map(({ failed }) => failed));
    if (failed > mostFailed) return { text: `auto failed with ${failed} of ${of}.`, runMs };
    const isSame = rounds.some((of) => of.checksum === checksum);
    if (!isSame && mostFailed === 0 && !race!.unrepeatable && !race!.otherResults) {
      return { text: `auto gave other results than ${name}.`, runMs };
    }
    const timeRatio = wallMs / likelyMs;
    const size = `${counted(lanes, "lane")} × ${counted(slots!, "slot")}`;
    const text =
      `auto settled on ${size}, ${timeRatio.toFixed(2)} of the recommended model's time ` +
      `(one run of ${of}).`;
    return { text, lanes, slots: slots!, timeRatio, runMs };
  } catch (error) {
    const why = signal.aborted ? "there was no time left" : plain(messageOf(error));
    return { text: `auto couldn't be run: ${why}.` };
  }
}
