/**
 * What the labelled jobs are, and what each may do; used by `deno task advise:check`.
 *
 * @module
 */

import type { TrialPermissions } from "../../../lib/timing/spec.ts";

/** A labelled job. */
export interface Label {
  /** Its file beside this one. */
  readonly file: string;
  readonly bound: "io" | "cpu" | "mixed" | "small";
  readonly permissions?: TrialPermissions;
  /** Items to take at most, for a job whose items never end. */
  readonly items?: number;
}

/** The labelled jobs. */
export const LABELS: readonly Label[] = [
  { file: "waiting.ts", bound: "io" },
  { file: "computing.ts", bound: "cpu" },
  { file: "mixed_less.ts", bound: "mixed" },
  { file: "mixed_half.ts", bound: "mixed" },
  { file: "mixed_more.ts", bound: "mixed" },
  { file: "tiny.ts", bound: "small" },
  { file: "huge_payload.ts", bound: "cpu" },
  { file: "memory_heavy.ts", bound: "cpu" },
  { file: "rate_limited.ts", bound: "io", permissions: { net: ["127.0.0.1"] } },
  { file: "uneven.ts", bound: "cpu" },
  { file: "contended_lock.ts", bound: "io", permissions: { read: true, write: true } },
  { file: "blocking.ts", bound: "io" },
  { file: "digests.ts", bound: "cpu" },
  { file: "fine_grained.ts", bound: "cpu" },
  { file: "few_long.ts", bound: "cpu" },
  { file: "big_results.ts", bound: "cpu" },
  { file: "slow_source.ts", bound: "io" },
  { file: "four_at_once.ts", bound: "io", permissions: { net: ["127.0.0.1"] } },
  { file: "uneven_waits.ts", bound: "io" },
  { file: "programs.ts", bound: "io", permissions: { run: ["sleep"] } },
  { file: "short_waits.ts", bound: "io" },
  { file: "endless.ts", bound: "io", items: 400 },
];
