/**
 * A race in words: what was measured, and who was faster.
 *
 * @module
 */

import type { Interval } from "../../timing/result.ts";
import { counted, formatNumber, NO_FIGURE } from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import type { PeersAim, PeersRow } from "./peers_result.ts";

/** What the contests of a family are about. */
const FAMILIES: Readonly<Record<string, string>> = {
  pools: "Handing out tasks: most do nothing, so that the pool alone takes time.",
  io: "Downloading from a server on this machine: the tasks wait.",
  cpu: "Computing exact sums of squares, all results checked.",
  lanes: "Starting a lane, until it takes tasks.",
};

/** What the contests of a family measure; empty for one that isn't known. */
export function familySentence(family: string): string {
  return Object.hasOwn(FAMILIES, family) ? FAMILIES[family]! : "";
}

/** A figure, in thousands or millions where it is large. */
function figureText(value: number): string {
  if (value >= 999_500) return `${formatNumber(value / 1e6)} M`;
  return value >= 9_995 ? `${formatNumber(value / 1e3)} k` : formatNumber(value);
}

/** What a contender did: its median with the least and the greatest, or why there is none. */
export function resultText({ figure, unit, trouble }: PeersRow): string {
  if (trouble !== null) return trouble.kind;
  return figure === null
    ? "not run"
    : `${figureText(figure.median)} ${plain(unit)} (${figureText(figure.low)}–${
      figureText(figure.high)
    })`;
}

/** How many times as fast this library is, whichever figures are better. */
export function speedOf({ ratio, better }: PeersRow): Interval | null {
  if (ratio === null || better === "more") return ratio;
  return { median: 1 / ratio.median, low: 1 / ratio.high, high: 1 / ratio.low };
}

/** This library against a contender. */
export function comparisonText(row: PeersRow): string {
  const speed = speedOf(row);
  if (row.ours || speed === null) return row.ours ? "" : NO_FIGURE;
  const { median, low, high } = speed;
  return `${figureText(median)}× as fast (${figureText(low)}–${figureText(high)})`;
}

/** What is wanted of a row, and whether it is so. */
export function aimText({ aim }: PeersRow): string {
  if (aim === null) return "";
  return `${aimBounds(aim)}: ${aim.met ? "met" : "missed"}${aim.unsure ? ", unsure" : ""}`;
}

function aimBounds({ of, atLeast, atMost }: PeersAim): string {
  const sign = of === "ratio" ? "×" : "";
  return [
    ...(atLeast === undefined ? [] : [`≥ ${figureText(atLeast)}${sign}`]),
    ...(atMost === undefined ? [] : [`≤ ${figureText(atMost)}${sign}`]),
  ].join(", ");
}

/** What all contests come to. */
export function summarySentences(rows: readonly PeersRow[]): string[] {
  const compared = rows.flatMap((row) => {
    const speed = speedOf(row);
    return row.ours || speed === null ? [] : [{ row, speed }];
  });
  if (compared.length === 0) return ["Nothing can be compared: no contender gave a figure."];
  const faster = compared.filter(({ speed }) => speed.low > 1).length;
  const slower = compared.filter(({ speed }) => speed.high < 1);
  const even = compared.length - faster - slower.length;
  const sentences = [
    `Of ${counted(compared.length, "comparison")} this library is faster in ${faster}, slower in ` +
    `${slower.length}, and in ${even} there is no detectable difference.`,
  ];
  if (slower.length > 0) {
    const names = slower.map(({ row, speed }) =>
      `${plain(row.contender)} (${plain(row.contest)}: ${formatNumber(speed.median)}× as fast)`
    );
    sentences.push(`It is slower than ${names.join("; ")}.`);
  }
  return sentences;
}

/** Why contenders gave no figure, one line each. */
export function troubleLines(rows: readonly PeersRow[]): string[] {
  const lines = rows.flatMap(({ contender, trouble }) =>
    trouble === null ? [] : [plain(`${contender}: ${trouble.kind}: ${trouble.reason}`)]
  );
  return [...new Set(lines)];
}
