/**
 * What a race against other libraries and programs came to, as its file holds it.
 *
 * @module
 */

import type { Interval, ResultFile } from "../../timing/result.ts";

/** What the project wants of a figure or of a ratio, bounds included. */
export interface PeersAim {
  readonly of: "figure" | "ratio";
  readonly atLeast?: number | undefined;
  readonly atMost?: number | undefined;
  readonly met: boolean;
  /** Whether the interval reaches over a bound. */
  readonly unsure: boolean;
}

/** One contender in one contest. */
export interface PeersRow {
  /** Contests of a kind. */
  readonly family: string;
  /** What is measured. */
  readonly contest: string;
  readonly contender: string;
  /** Whether it is this library, which the others of its contest are compared with. */
  readonly ours: boolean;
  readonly unit: string;
  /** Which figures are better. */
  readonly better: "more" | "less";
  readonly figures: readonly number[];
  readonly figure: Interval | null;
  /** This library's figure over this one's, paired by round. */
  readonly ratio: Interval | null;
  readonly aim: PeersAim | null;
  /** Why there is no figure. */
  readonly trouble: {
    readonly kind: "not installed" | "failed" | "wrong";
    readonly reason: string;
  } | null;
}

/** A race's file. */
export interface PeersFile {
  readonly schemaVersion: 1;
  readonly kind: "peers";
  readonly environment: ResultFile["environment"];
  readonly rounds: number;
  readonly partial?: boolean | undefined;
  readonly rows: readonly PeersRow[];
}
