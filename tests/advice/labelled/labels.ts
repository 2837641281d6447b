/** What the labelled jobs are, and what each may do; used by `deno task advise:check`. */

import type { Finding } from "../../../lib/advice/findings/findings.ts";
import type { Model } from "../../../lib/models.ts";
import type { LanePermissions } from "../../../lib/lanes/permissions.ts";

/** A labelled job. */
export interface Label {
  /** Its file beside this one. */
  readonly file: string;
  readonly bound: "io" | "cpu" | "mixed" | "small";
  readonly permissions?: LanePermissions;
  /** Items to take at most, for a job whose items never end. */
  readonly items?: number;
  /** Models of which one has to be recommended; any unless given. */
  readonly models?: readonly Model[];
  /** A hazard that has to be named. */
  readonly hazard?: Finding["kind"];
  /** Another that may be named in its place, as where a slow machine asks a server one by one for less. */
  readonly orHazard?: Finding["kind"];
  /** A hazard that would be wrong. */
  readonly noHazard?: Finding["kind"];
  /** A file or folder beside the job that its tasks leave behind. */
  readonly leaves?: string;
  /** Why no model can be called the best afterwards: what is measured isn't the job, or fails. */
  readonly incomparable?: boolean;
}

/** The models of one event loop. */
const LOOP: readonly Model[] = ["sequential", "concurrent", "limited"];
/** Those of them that have slots. */
const SLOTS: readonly Model[] = ["concurrent", "limited"];
const NET: LanePermissions = { net: ["127.0.0.1"] };
const FILES: LanePermissions = { read: true, write: true };

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
  // Items that differ.
  { file: "growing.ts", bound: "cpu", noHazard: "impossible" },
  { file: "falling.ts", bound: "cpu", noHazard: "impossible" },
  { file: "two_kinds.ts", bound: "mixed" },
  { file: "heavy_tail.ts", bound: "io" },
  { file: "keeps_results.ts", bound: "cpu", models: ["sequential"], hazard: "state" },
  // Many in flight ask for what one by one was there already.
  { file: "fetched_once.ts", bound: "io", models: SLOTS, hazard: "stampede" },
  // What isn't waited for is measured nowhere.
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
  // What its own module limits is kept to: lanes, each with a limit of its own, are faster and aren't the job.
  { file: "own_limit.ts", bound: "io", models: SLOTS, incomparable: true },
  // Failures are no speed.
  {
    file: "token_bucket.ts",
    bound: "io",
    permissions: NET,
    models: ["sequential"],
    hazard: "rate",
    orHazard: "refused",
    incomparable: true,
  },
  // Few slots gain where many are slower than the plain loop.
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
    // Whoever is measured afterwards is shut out by whoever went before.
    incomparable: true,
  },
  { file: "state_elsewhere.ts", bound: "cpu", models: LOOP, hazard: "lanes" },
  { file: "methods_lost.ts", bound: "cpu", models: LOOP, hazard: "lanes" },
  { file: "fails_sometimes.ts", bound: "io", hazard: "failures", incomparable: true },
  // Results that depend on how tasks run.
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
  // Computing that isn't on the event loop.
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
  // A race that isn't the job, and one that is.
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
  // Little to go by.
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
