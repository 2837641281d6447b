/**
 * What a thread may do: what the program may, or less if it was told so. Less can be told only to a
 * Deno that was started with `--unstable-worker-options`; any other ends the program at the attempt.
 *
 * @module
 */

import { LaneStartError } from "../errors.ts";
import { programFlags } from "../program.ts";
import { nearestConfig } from "../project.ts";

const FLAG = "--unstable-worker-options";

/**
 * Makes sure that this program can start threads that may do less than itself.
 *
 * @throws {LaneStartError} If it can't, or if that isn't known.
 */
export function checkNarrowing(said: boolean): void {
  const flags = programFlags();
  if (said || flags?.includes(FLAG) || isConfigured()) return;
  const seen = flags === undefined
    ? "it isn't seen whether this program was, for it may not read its own command line: if it " +
      "was, open workers({ unstableWorkerOptions: true, … })"
    : "start this program with it";
  throw new LaneStartError(
    `Cannot start a thread with permissions of its own: Deno needs ${FLAG} for that; ${seen}, or ` +
      `say "unstable": ["worker-options"] in deno.json`,
  );
}

function isConfigured(): boolean {
  const config = Deno.mainModule === undefined ? undefined : nearestConfig(Deno.mainModule);
  if (config === undefined) return false;
  try {
    const text = Deno.readTextFileSync(config);
    return /"unstable"\s*:\s*\[[^\]]*"worker-options"/.test(text);
  } catch {
    return false;
  }
}
