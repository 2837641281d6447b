/**
 * On what and when a result was measured, in a line.
 *
 * @module
 */

import { formatNumber } from "../text/format.ts";
import { plain } from "../text/plain.ts";
import type { ResultFile } from "../timing/result.ts";

/** Says in one line on what and when a result was measured. */
export function environmentLine(environment: ResultFile["environment"]): string {
  const { deno, os, arch, cpus, cpuModel, loadAverage, seed, startedAt } = environment;
  const started = new Date(startedAt);
  const when = Number.isNaN(started.getTime())
    ? startedAt
    : `${started.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return plain([
    `Deno ${deno}`,
    `${os} ${arch}`,
    `${cpus} CPU${cpus === 1 ? "" : "s"}${cpuModel === undefined ? "" : ` (${cpuModel})`}`,
    ...(loadAverage?.[0] === undefined ? [] : [`load ${formatNumber(loadAverage[0])}`]),
    `seed ${seed}`,
    when,
  ].join(", "));
}
