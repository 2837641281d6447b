/** Contests as plain data: their families, the contenders, their programs and their aims. */

import type { Reading } from "../reading.ts";

/** The families of contests in the order in which they run, with a sentence on each. */
const SENTENCES = {
  pools: "Handing out tasks: most do nothing, so that the pool alone takes time.",
  io: "Downloading from a server on this machine: the tasks wait.",
  cpu: "Computing exact sums of squares, all results checked.",
  python:
    "Computing by Python's own pools: under a GIL only one thread runs Python code at a time.",
  lanes: "Starting: a lane until it takes tasks, a program until its first result.",
  run: "Running a job to its end: what it costs to keep a journal of it.",
  growth: "The same with 1, 10 and 100 times as many items: whether cost grows faster than work.",
  load:
    "Downloading as much as goes: clients of every kind, the fetch that ours is built on, and wrk for what the server gives.",
};

export type Family = keyof typeof SENTENCES;

export const FAMILIES = Object.keys(SENTENCES) as Family[];

/** This family takes longer than all others together, so it runs only if it is named. */
export const LONG_FAMILY: Family = "load";

/** The family's sentence, or "" if it is unknown, as a file of another version may name one. */
export function familySentence(family: string): string {
  return Object.hasOwn(SENTENCES, family) ? SENTENCES[family as Family] : "";
}

export interface Launch {
  /** A path, or a name to look up in PATH. */
  readonly program: string;
  readonly args: readonly string[];
}

/** A program or package that a contender needs on the machine. */
export interface Need {
  /** A run that succeeds if the machine has it; it also downloads an npm package. */
  readonly probe: Launch;
  /** How to get it: half a sentence or a command. */
  readonly get: string;
}

/** The project's aim: bounds, both included, for the figure itself or for its ratio to a peer's. */
export interface Aim {
  readonly of: "figure" | "ratio";
  /** The lower bound; none if undefined. */
  readonly atLeast?: number;
  /** The upper bound; none if undefined. */
  readonly atMost?: number;
}

export interface Contender {
  readonly name: string;
  readonly launch: Launch;
  /** How many results the contender must give; undefined if as many as it can in its time. */
  readonly items?: number;
  /** The sum that its results must have. */
  readonly sum?: bigint;
  /** How much work the results are, in the contest's unit; the number of results if undefined. */
  readonly work?: number;
  /** A program or package that the contender needs and the machine may lack; undefined if none. */
  readonly need?: Need;
  /** The aim for the contender's figure, or for this library's figure against it. */
  readonly aim?: Aim | undefined;
}

/** The unit of a figure, and how it is computed from a reading. */
interface Unit {
  /** The text after the figure, such as `items/s`. */
  readonly label: string;
  readonly better: "more" | "less";
  /** Whether the figure is a speed, so that contenders are compared by it; true if undefined. */
  readonly isSpeed?: boolean;
  /** Computes the figure from the amount of work and the reading. */
  readonly figure: (work: number, reading: Reading) => number;
}

/** A unit of work per second, such as items. */
export function perSecond(what: string): Unit {
  return { label: `${what}/s`, better: "more", figure: (work, { ms }) => work * 1000 / ms };
}

const less = (label: string, figure: Unit["figure"]): Unit => ({ label, better: "less", figure });

export const TOTAL_MS: Unit = less("ms", (_work, { ms }) => ms);
export const EACH_MS: Unit = less("ms each", (work, { ms }) => ms / work);
export const EACH_US: Unit = less("µs each", (work, { ms }) => ms * 1000 / work);

/** The spread of repeated runs. */
export const SPREAD: Unit = {
  ...less("% apart", (_work, { spread }) => 100 * (spread ?? NaN)),
  isSpeed: false,
};

/** One contender of this library, and those that it is compared with. */
export interface Contest {
  readonly family: Family;
  /** The contenders' work; the heading of the table. */
  readonly title: string;
  readonly unit: Unit;
  /** This library's contender, which the others are compared with. */
  readonly ours: Contender;
  readonly peers: readonly Contender[];
  /** The plain loop that the other peers are compared with, too. */
  readonly loop?: Contender;
}

export interface Python {
  readonly program: string;
  /** The version, such as 3.14.0. */
  readonly version: string;
  /** Whether it has a GIL; false for a free-threaded build that runs without one. */
  readonly gil: boolean;
}

/** Facts about the machine that the contests need. */
export interface Machine {
  /** The Python to race against; undefined if there is none. */
  readonly python: Python | undefined;
  /** Every Python found, for the contests among Python's own pools. */
  readonly pythons: readonly Python[];
  /** The site's address and the size of its page; its path `/5` is the page after 5 ms. */
  readonly page: { readonly site: string; readonly bytes: number };
}
