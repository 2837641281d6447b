/** Holds a kernel's results against its function's before anything is measured. */

import { JobError, type Probed } from "../advice/probe/probe.ts";
import { sampleOf } from "../advice/probe/sample.ts";
import type { Model } from "../models.ts";
import type { JobSpec, TrialRunner } from "../timing/spec.ts";
import { limited } from "./swept_job.ts";

/** Of how many of the sample's items results are compared: of all that were kept. */
export function countCompared({ done }: Pick<Probed, "done">): number {
  return done?.kept ?? 0;
}

/**
 * Runs the sample's items as the model does. Resolves to how many there were.
 *
 * @throws {JobError} If the kernel gives, or fails, anything else than the function did.
 */
export async function compareKernel(
  job: JobSpec,
  model: Model,
  probed: Probed,
  { runTrial, signal }: { readonly runTrial: TrialRunner; readonly signal: AbortSignal },
): Promise<number> {
  const count = countCompared(probed);
  const expected = probed.checksums.get(count);
  if (count === 0 || expected === undefined) return 0;
  const { round } = await runTrial({ model, job: limited(job, count), round: 0 }, { signal });
  if (round.checksum === expected) return count;
  const { failed } = sampleOf(probed);
  const [example] = Object.values(round.examples ?? {});
  throw new JobError(
    `Cannot sweep the job under ${model}: its kernel gives other results than its function for the ` +
      `${count} items that were compared` +
      (round.failed === failed
        ? ""
        : ` (${round.failed} failed on the kernel, ${failed} in the function` +
          `${example === undefined ? "" : `, such as ${example}`})`) +
      "; make them the same, bit by bit",
  );
}
