/** The width, the colours and the sentences of a report in a terminal. */

import { attempt } from "../lanes/attempt.ts";
import { plain, wrap } from "../text/plain.ts";
import { isDumb } from "../text/print.ts";

export interface Style {
  readonly columns: number;
  readonly colour: boolean;
  /** Explanations that reports above have given already, if several are printed. */
  readonly explained?: Set<string>;
}

// The codes are ECMA-48's. std's colours aren't used: they check NO_COLOR again, and would drop colour
// that a style, which respects NO_COLOR already, asks for.
const BOLD = [1, 22], DIM = [2, 22], RED = [31, 39], GREEN = [32, 39], YELLOW = [33, 39];

const TONES = {
  heading: BOLD,
  computing: GREEN,
  waiting: YELLOW,
  idle: DIM,
  good: GREEN,
  bad: RED,
  warning: YELLOW,
} as const;

export type Tone = keyof typeof TONES;

export type Paint = (text: string) => string;

export function paletteFor({ colour }: Pick<Style, "colour">): Readonly<Record<Tone, Paint>> {
  const paint = ([on, off]: readonly number[]): Paint => (text) =>
    colour && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  const paints = Object.entries(TONES).map(([tone, codes]) => [tone, paint(codes)]);
  return Object.fromEntries(paints) as Record<Tone, Paint>;
}

/** Writes sentences below each other, each wrapped to the terminal and without control sequences. */
export function sentences(texts: readonly string[], style: Style, tone?: Tone, indent = "  ") {
  const lines = texts.flatMap((text) => wrap(plain(text), style.columns, indent).split("\n"));
  return (tone === undefined ? lines : lines.map(paletteFor(style)[tone])).join("\n");
}

/** The terminal's own width and colour; in a pipe 80 columns without colour. */
export function styleOfStdout(): Style {
  if (!Deno.stdout.isTerminal()) return { columns: 80, colour: false };
  // A terminal that doesn't tell its size is taken to have 80 columns.
  const columns = attempt(() => Deno.consoleSize().columns) || 80;
  return {
    columns: Math.min(160, Math.max(40, columns)),
    colour: !Deno.noColor && !isDumb(),
  };
}
