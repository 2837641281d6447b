/**
 * What was found that a reader should know: kinds with their figures. Words are made of them last.
 *
 * @module
 */

import type { Others } from "../timing/meter/reading.ts";
import type { FailureKind } from "../timing/failures.ts";

/** A figure of a finding, or a list of names. */
type Figures<Kind extends string, More extends object = object> =
  & { readonly kind: Kind }
  & Readonly<
    More
  >;

/** Something to mind, with its figures. */
export type Finding =
  /** Models gave other results; `orderMatters` is undefined where that isn't known. */
  | Figures<"results", { models: string[]; orderMatters?: boolean | undefined; loops: boolean }>
  /** The plain loop gives other results once the items run in another order. */
  | Figures<"order", { models: string[] }>
  /** The plain loop doesn't repeat its own results. */
  | Figures<"unrepeatable">
  /** The race wasn't the sampled job: it took `ratio` of the sample's time, or its results differ. */
  | Figures<"other-work", { ratio: number; sameResults: boolean; canReset: boolean }>
  /** A measured gain that can't be. */
  | Figures<"impossible", { model: string; gain: number; most: number; cores: number }>
  /** Other programs used the CPUs. */
  | Figures<
    "busy",
    { available: number; cores: number; ceiling: number; others?: Others | undefined }
  >
  /** Tasks hold up their thread while they wait, for this share of their time. */
  | Figures<"blocking", { share: number }>
  /** What can't be sent to another lane. */
  | Figures<"uncloneable", { what: string }>
  /** Items failed one by one. */
  | Figures<"failures", { failed: number; items: number; first?: FailureKind | undefined }>
  /** A server lets only so many items a second through; null if its pace isn't known. */
  | Figures<
    "rate",
    {
      refused: number;
      items: number;
      perSecond: number | null;
      horizon: number;
      status?: number | undefined;
      retryAfterMs?: number | undefined;
    }
  >
  /** Items fail with so many in flight, and not one by one. */
  | Figures<"refused" | "descriptors" | "late", Failing>
  /** Items fail in other lanes only. */
  | Figures<"lanes", Failing>
  /** A model could not run. */
  | Figures<"broken", { model: string; error: string }>
  /** Each task in flight holds `taskBytes`; `freeBytes` is undefined where it isn't known. */
  | Figures<
    "memory",
    {
      sampleBytes: number;
      taskBytes: number;
      inFlight: number;
      measuredBytes: number | null;
      freeBytes?: number | undefined;
      model: string | null;
    }
  >
  /** Tasks differ in length: the standard deviation over the mean. */
  | Figures<"uneven", { variation: number }>
  /** What was set up in a lane takes long to be taken down; null if it didn't end. */
  | Figures<"teardown", { ms: number | null; graceMs: number }>;

/** How items fail under a model. */
export interface Failing {
  /** The model with the fewest in flight that fails. */
  readonly model: string;
  /** How many it has in flight. */
  readonly inFlight: number;
  /** How many items failed. */
  readonly failed: number;
  /** Of how many. */
  readonly items: number;
  /** Further models under which items fail. */
  readonly others: readonly string[];
  /** Why, the most frequent first. */
  readonly reasons: readonly FailureKind[];
  /** Tasks in flight with which all went well; 1 for one by one. */
  readonly well: number;
  /** Items a second that went through once a server refused; null if not known. */
  readonly perSecond: number | null;
}
