/** What is raced against what, as plain data. */

import type { Family } from "./families.ts";
import type { Reading } from "../reading.ts";

export interface Launch {
  /** A path, or a name to be found on the path. */
  readonly program: string;
  readonly args: readonly string[];
}

/** What has to be on the machine for a contender to run. */
export interface Need {
  /** A run that succeeds where it is there; npm packages are downloaded by it. */
  readonly probe: Launch;
  /** How to get it, as half a sentence or a command. */
  readonly get: string;
}

/** What was promised: bounds, both included, of the figure itself or of its ratio to a peer's. */
export interface Aim {
  readonly of: "figure" | "ratio";
  /** The least that keeps the promise; none unless given. */
  readonly atLeast?: number;
  /** The most that keeps it; none unless given. */
  readonly atMost?: number;
}

export interface Contender {
  readonly name: string;
  readonly launch: Launch;
  /** How many results it has to give; undefined if as many as it can in its time. */
  readonly items?: number;
  /** What they have to add up to. */
  readonly sum?: bigint;
  /** How much work that is, in what the contest counts; the results unless told. */
  readonly work?: number;
  /** What it needs that may not be there; nothing unless given. */
  readonly need?: Need;
  /** What was promised of it, or of us against it. */
  readonly aim?: Aim | undefined;
}

/** What a figure counts, and how it comes from what was read. */
interface Unit {
  /** What stands behind the figure, such as `items/s`. */
  readonly label: string;
  readonly better: "more" | "less";
  /** Whether it tells how fast something is, so that contenders are compared by it; true unless told. */
  readonly isSpeed?: boolean;
  /** Makes the figure of so much work, and what was read of it. */
  readonly figure: (work: number, reading: Reading) => number;
}

/** Counts work in a second, such as items. */
export function perSecond(what: string): Unit {
  return { label: `${what}/s`, better: "more", figure: (work, { ms }) => work * 1000 / ms };
}

const less = (label: string, figure: Unit["figure"]): Unit => ({ label, better: "less", figure });

export const TOTAL_MS: Unit = less("ms", (_work, { ms }) => ms);
export const EACH_MS: Unit = less("ms each", (work, { ms }) => ms / work);
export const EACH_US: Unit = less("µs each", (work, { ms }) => ms * 1000 / work);

/** How far repeated runs lie apart. */
export const SPREAD: Unit = {
  ...less("% apart", (_work, { spread }) => 100 * (spread ?? NaN)),
  isSpeed: false,
};

/** One of us, and those that it is measured against. */
export interface Contest {
  readonly family: Family;
  /** What is done, the table's heading. */
  readonly title: string;
  readonly unit: Unit;
  /** The one of us that the others are measured against. */
  readonly ours: Contender;
  readonly peers: readonly Contender[];
  /** The one of them that its fellows are measured against, too. */
  readonly loop?: Contender;
}

export interface Python {
  readonly program: string;
  /** Such as 3.14.0. */
  readonly version: string;
  /** Whether its threads take turns: false where a free-threaded build runs without the lock. */
  readonly gil: boolean;
}

/** What all contests need to know of the machine. */
export interface Machine {
  /** The Python to race against; undefined where there is none. */
  readonly python: Python | undefined;
  /** Every Python that is here, for the contests among its own pools. */
  readonly pythons: readonly Python[];
  /** Where the site is, whose address `/5` is a page that takes 5 ms, and how large its page is. */
  readonly page: { readonly site: string; readonly bytes: number };
}
