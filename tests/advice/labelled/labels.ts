/** The labelled jobs, and the advice that each may get; used by `deno task advise:check`. */

import type { Finding } from "../../../lib/advice/findings/findings.ts";
import type { Model } from "../../../lib/models.ts";
import type { LanePermissions } from "../../../lib/lanes/permissions.ts";

export interface Label {
  /** The job's file in this folder. */
  readonly file: string;
  readonly bound: "io" | "cpu" | "mixed" | "small";
  readonly permissions?: LanePermissions;
  /** The most items to take, for a job whose items never end. */
  readonly items?: number;
  /** The models of which one has to be recommended; any if undefined. */
  readonly models?: readonly Model[];
  /** A hazard that has to be reported. */
  readonly hazard?: Finding["kind"];
  /** A hazard that may be reported instead, as when a slow machine asks a server for less one by one. */
  readonly orHazard?: Finding["kind"];
  /** A hazard that must not be reported. */
  readonly noHazard?: Finding["kind"];
  /** A file or folder beside the job that its tasks leave behind. */
  readonly leaves?: string;
  /** Whether no model can be called the best afterwards, because the trials fail or don't do the job. */
  readonly incomparable?: boolean;
}

/** The models on one event loop. */
const LOOP: readonly Model[] = ["sequential", "concurrent", "limited"];
/** The models among them that have slots. */
const SLOTS: readonly Model[] = ["concurrent", "limited"];
const NET: LanePermissions = { net: ["127.0.0.1"] };
const FILES: LanePermissions = { read: true, write: true };

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
  { file: "contended_lock.ts", bound: "io", permissions: FILES, hazard: "turns" },
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
  // Jobs whose items differ.
  { file: "growing.ts", bound: "cpu", noHazard: "impossible" },
  { file: "falling.ts", bound: "cpu", noHazard: "impossible" },
  { file: "two_kinds.ts", bound: "mixed" },
  { file: "heavy_tail.ts", bound: "io" },
  { file: "keeps_results.ts", bound: "cpu", models: ["sequential"], hazard: "state" },
  // Items in flight request the same value that one-by-one items find in the cache.
  { file: "fetched_once.ts", bound: "io", models: SLOTS, hazard: "stampede" },
  // Work that isn't awaited is not measured by any model.
  {
    file: "unawaited.ts",
    bound: "cpu",
    models: ["sequential"],
    hazard: "unawaited",
    incomparable: true,
  },
  { file: "counts_only.ts", bound: "cpu", models: ["workers", "processes"], noHazard: "state" },
  {
    file: "made_on_first_use.ts",
    bound: "cpu",
    models: ["workers", "processes"],
    noHazard: "state",
  },
  { file: "keeps_last.ts", bound: "cpu", models: ["sequential"], hazard: "state" },
  // The module's own limit must hold: lanes, each with its own limit, are faster but don't do the same job.
  { file: "own_limit.ts", bound: "io", models: SLOTS, incomparable: true },
  // A run that fails isn't fast.
  {
    file: "token_bucket.ts",
    bound: "io",
    permissions: NET,
    models: ["sequential"],
    hazard: "rate",
    orHazard: "refused",
    incomparable: true,
  },
  // Few slots gain, though many are slower than the plain loop.
  { file: "waits_when_refused.ts", bound: "io", permissions: NET, models: SLOTS },
  {
    file: "one_query_each.ts",
    bound: "io",
    models: ["workers", "processes"],
    hazard: "refused",
  },
  { file: "few_connections.ts", bound: "io", permissions: NET, hazard: "refused" },
  {
    file: "shuts_out.ts",
    bound: "io",
    permissions: { ...NET, ...FILES },
    models: SLOTS,
    hazard: "refused",
    leaves: "shuts_out.tmp",
    // A model that is measured afterwards is still shut out because of the one before.
    incomparable: true,
  },
  { file: "state_elsewhere.ts", bound: "cpu", models: LOOP, hazard: "lanes" },
  { file: "methods_lost.ts", bound: "cpu", models: LOOP, hazard: "lanes" },
  { file: "fails_sometimes.ts", bound: "io", hazard: "failures", incomparable: true },
  // Jobs whose results depend on how tasks run.
  { file: "error_values.ts", bound: "io", hazard: "results", incomparable: true },
  {
    file: "numbering.ts",
    bound: "io",
    models: ["sequential"],
    hazard: "order",
    incomparable: true,
  },
  {
    file: "running_total.ts",
    bound: "cpu",
    models: ["sequential"],
    hazard: "order",
    incomparable: true,
  },
  {
    file: "linked.ts",
    bound: "io",
    models: ["sequential"],
    hazard: "order",
    incomparable: true,
  },
  {
    file: "shared_accounts.ts",
    bound: "io",
    models: ["sequential"],
    hazard: "order",
    incomparable: true,
  },
  {
    file: "chained_pages.ts",
    bound: "io",
    models: ["sequential"],
    hazard: "order",
    incomparable: true,
  },
  {
    file: "adds_lines.ts",
    bound: "io",
    permissions: FILES,
    models: SLOTS,
    hazard: "written",
    leaves: "adds_lines.tmp",
  },
  {
    file: "changes_a_row.ts",
    bound: "io",
    permissions: FILES,
    models: SLOTS,
    hazard: "database",
    leaves: "changes_a_row.tmp",
  },
  { file: "by_place.ts", bound: "io", models: SLOTS, noHazard: "failures" },
  { file: "numbered_items.ts", bound: "io", models: SLOTS, noHazard: "unrepeatable" },
  // Jobs that compute outside the event loop.
  { file: "programs_compute.ts", bound: "cpu", permissions: { run: ["sh"] }, models: SLOTS },
  { file: "derived_keys.ts", bound: "cpu", models: SLOTS },
  { file: "own_threads.ts", bound: "cpu" },
  {
    file: "waits_for_programs.ts",
    bound: "io",
    permissions: { run: ["sleep"] },
    models: ["workers", "processes"],
    hazard: "blocking",
  },
  // A job whose race does other work than the sample, and one whose race does the same.
  {
    file: "written_once.ts",
    bound: "cpu",
    permissions: FILES,
    hazard: "other-work",
    leaves: "written_once.tmp",
    incomparable: true,
  },
  {
    file: "written_again.ts",
    bound: "cpu",
    permissions: FILES,
    noHazard: "other-work",
    leaves: "written_again.tmp",
  },
  // Jobs that give little evidence.
  { file: "three_items.ts", bound: "cpu" },
  { file: "one_item.ts", bound: "cpu", models: ["sequential"] },
  { file: "random_waits.ts", bound: "io", models: SLOTS },
  { file: "from_a_set.ts", bound: "io", models: SLOTS },
  { file: "holds_memory.ts", bound: "io", hazard: "memory" },
  {
    file: "programs_hold_memory.ts",
    bound: "cpu",
    permissions: { run: ["dd"] },
    hazard: "memory",
  },
];
