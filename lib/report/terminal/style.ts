/**
 * How wide a terminal report may be and whether it may use colour, and the colours it uses.
 *
 * @module
 */

import { isDumb } from "../../text/print.ts";

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
  /** What is less important. */
  readonly idle: (text: string) => string;
  /** What got better. */
  readonly good: (text: string) => string;
  /** What failed or got worse. */
  readonly bad: (text: string) => string;
  /** Warnings. */
  readonly warning: (text: string) => string;
}

/** Text without a colour. */
export const uncoloured = (text: string): string => text;

const PLAIN: Palette = {
  heading: uncoloured,
  computing: uncoloured,
  waiting: uncoloured,
  idle: uncoloured,
  good: uncoloured,
  bad: uncoloured,
  warning: uncoloured,
};

// The codes are ECMA-48's. std's colours ask NO_COLOR once more and then leave colour out although
// the style, which already knows of NO_COLOR, asked for it.
function paint(on: number, off: number): (text: string) => string {
  return (text) => text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;
}

const COLOURFUL: Palette = {
  heading: paint(1, 22),
  computing: paint(32, 39),
  waiting: paint(33, 39),
  idle: paint(2, 22),
  good: paint(32, 39),
  bad: paint(31, 39),
  warning: paint(33, 39),
};

/** The colours to draw with. */
export function paletteFor(style: Style): Palette {
  return style.colour ? COLOURFUL : PLAIN;
}

/**
 * The style for standard output: its real width and colour on a terminal; 80 columns without colour
 * in a pipe, so that what is saved or sent reads everywhere.
 */
export function styleOfStdout(): Style {
  if (!Deno.stdout.isTerminal()) return { columns: 80, colour: false };
  let columns = 80;
  try {
    columns = Deno.consoleSize().columns;
  } catch {
    // A terminal that doesn't tell its size gets the usual one.
  }
  return {
    columns: Math.min(160, Math.max(40, columns || 80)),
    colour: !Deno.noColor && !isDumb(),
  };
}
