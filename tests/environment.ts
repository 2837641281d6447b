/** The machine of made-up measurements. */

import type { Environment, ResultFile } from "../lib/timing/result.ts";

/** A machine with two CPUs, for measurements without a seed. */
export const MACHINE: Environment = {
  deno: "2.9.6",
  v8: "14",
  os: "linux",
  arch: "x86_64",
  cpus: 2,
  lanesAvailable: 2,
  startedAt: "2026-01-01T12:00:00Z",
};

/** The same machine, for measurements with a seed. */
export const ENVIRONMENT: ResultFile["environment"] = { ...MACHINE, seed: 1 };
