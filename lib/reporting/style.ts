/**
 * How wide a terminal report may be and whether it may use colour, and the colours it uses.
 *
 * @module
 */

import { bold, dim, green, red, setColorEnabled, yellow } from "@std/fmt/colors";

/** What a terminal report is drawn for. */
export interface Style {
  /** Terminal columns that a line may take. */
  readonly columns: number;
  /** Whether to colour it. */
  readonly colour: boolean;
}

/** What each colour is used for. */
export interface Palette {
  /** Titles and names. */
  readonly heading: (text: string) => string;
  /** A lane that computes. */
  readonly computing: (text: string) => string;
  /** A task that waits. */
  readonly waiting: (text: string) => string;
  /** What is of less weight. */
  readonly idle: (text: string) => string;
  /** What got better. */
  readonly good: (text: string) => string;
  /** What failed or got worse. */
  readonly bad: (text: string) => string;
  /** What to mind. */
  readonly warning: (text: string) => string;
}

const same = (text: string) => text;

const PLAIN: Palette = {
  heading: same,
  computing: same,
  waiting: same,
  idle: same,
  good: same,
  bad: same,
  warning: same,
};

/**
 * The colours to draw with.
 *
 * @param style Whether colour was asked for.
 * @returns Functions that colour text, or leave it as it is.
 *
 * @example
 * ```ts
 * import { paletteFor } from "./style.ts";
 *
 * console.log(paletteFor({ columns: 80, colour: false }).bad("3 failed")); // "3 failed"
 * ```
 */
export function paletteFor(style: Style): Palette {
  if (!style.colour) return PLAIN;
  // The style is the one who decides; std would look at NO_COLOR once more.
  setColorEnabled(true);
  return {
    heading: bold,
    computing: green,
    waiting: yellow,
    idle: dim,
    good: green,
    bad: red,
    warning: yellow,
  };
}

/**
 * The style for standard output: its real width and colour on a terminal; 80 columns without colour
 * in a pipe, so that what is saved or sent reads everywhere.
 *
 * @returns The style; never below 40 or above 160 columns.
 *
 * @example
 * ```ts
 * import { styleOfStdout } from "./style.ts";
 *
 * console.log(styleOfStdout().columns >= 40); // true
 * ```
 */
export function styleOfStdout(): Style {
  if (!Deno.stdout.isTerminal()) return { columns: 80, colour: false };
  let columns = 80;
  try {
    columns = Deno.consoleSize().columns;
  } catch {
    // A terminal that doesn't tell its size gets the usual one.
  }
  return { columns: Math.min(160, Math.max(40, columns || 80)), colour: !Deno.noColor };
}
