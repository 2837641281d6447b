/** Runs `auto` once on the items that the recommended model ran in the race, and compares the two. */

import { z } from "zod";
import { plain } from "../../text/plain.ts";
import { messageOf } from "../../timing/failures.ts";
import { limitedTo } from "../../timing/job_items.ts";
import { amount, type Checked, whole } from "../../timing/json_file.ts";
import type { ModelSpec } from "../../timing/spec.ts";
import { median } from "../../timing/statistics.ts";
import { type Candidate, nameOf } from "../prediction/candidate.ts";
import { say } from "../say.ts";
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
    return { text: say("auto.unraced", { name }) };
  }
  const { items, rounds } = runner;
  const likelyMs = median(rounds.map(({ wallMs }) => wallMs));
  const mostMs = leftMs() - PROCESS_MS;
  if (mostMs < ROOM * likelyMs) {
    return { text: say("auto.no time") };
  }
  try {
    const trial = { model: "auto", bounds, job: limitedTo(job, items), round: 0, mostMs } as const;
    const { round, lanes, slots, stopped } = await runTrial(trial, { signal });
    const { wallMs, runMs, failed, checksum } = round;
    if (stopped) return { text: say("auto.stopped", { runMs }), runMs };
    const mostFailed = Math.max(...rounds.map(({ failed }) => failed));
    if (failed > mostFailed) return { text: say("auto.failed", { failed, items }), runMs };
    const isSame = rounds.some((of) => of.checksum === checksum);
    if (!isSame && mostFailed === 0 && !race!.unrepeatable && !race!.otherResults) {
      return { text: say("auto.other", { name }), runMs };
    }
    const timeRatio = wallMs / likelyMs;
    const figures = { lanes, slots: slots!, items, times: timeRatio.toFixed(2) };
    const text = say("auto.settled", figures);
    return { text, lanes, slots: slots!, timeRatio, runMs };
  } catch (error) {
    const why = signal.aborted ? say("auto.interrupted") : plain(messageOf(error));
    return { text: say("auto.broken", { why }) };
  }
}
