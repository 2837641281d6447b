/**
 * What stands at the end of a report: on what and when it was measured, and whether it was interrupted.
 */

import { counted, formatNumber } from "../text/format.ts";
import { plain } from "../text/plain.ts";
import type { Environment } from "../timing/result.ts";

export const PARTIAL = "the run was interrupted; this is what was measured until then.";

/** Says when it began; what isn't a date stays as it is. */
export function startText({ startedAt }: Environment): string {
  const started = new Date(startedAt);
  return Number.isNaN(started.getTime())
    ? startedAt
    : `${started.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Says in one line on what and when a result was measured. */
export function environmentLine(environment: Environment): string {
  const { deno, os, arch, cpus, cpuModel, loadAverage, seed } = environment;
  return plain([
    `Deno ${deno}`,
    `${os} ${arch}`,
    `${counted(cpus, "CPU")}${cpuModel === undefined ? "" : ` (${cpuModel})`}`,
    ...(loadAverage?.[0] === undefined ? [] : [`load ${formatNumber(loadAverage[0])}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    startText(environment),
  ].join(", "));
}

/** That line, and what else is to be known of the machine. */
export function environmentLines(environment: Environment): string[] {
  const notes = (environment.notes ?? []).map((note) => `Note: ${plain(note)}`);
  return [environmentLine(environment), ...notes];
}
