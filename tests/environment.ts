/** The machine on which made-up measurements were made. */

import type { Environment, ResultFile } from "../lib/timing/result.ts";

/** Two CPUs, on a New Year's noon, where nothing was drawn. */
export const MACHINE: Environment = {
  deno: "2.9.6",
  v8: "14",
  os: "linux",
  arch: "x86_64",
  cpus: 2,
  lanesAvailable: 2,
  startedAt: "2026-01-01T12:00:00Z",
};

/** The same, where something was. */
export const ENVIRONMENT: ResultFile["environment"] = { ...MACHINE, seed: 1 };
