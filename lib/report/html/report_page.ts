/**
 * One page of everything that was measured: comparisons, advice, scaling, races.
 *
 * @module
 */

import { advicePart } from "../advice/advice_part.ts";
import { comparisonPart } from "./comparison_part.ts";
import { type PagePart, renderParts } from "./page.ts";
import { peersPart } from "../peers/peers_report.ts";
import { type ReportFile, sortedByKind } from "../report_file.ts";
import { switchPart } from "../switching/switch_page.ts";
import { sweepPart } from "../scaling/sweep_part.ts";

/** The ids of a kind: "advice", "advice-2", "advice-3". */
function idOf(kind: string, i: number): string {
  return i === 0 ? kind : `${kind}-${i + 1}`;
}

/**
 * Writes files of any kinds as one HTML page that opens offline: comparisons first, then advice,
 * scaling, and races. Nothing in it, whatever the files hold, becomes markup, runs, or reaches the network.
 */
export function reportPage(files: readonly ReportFile[]): string {
  const { comparisons, advice, sweeps, races, switches } = sortedByKind(files);
  const found = comparisons.reduce((sum, file) => sum + file.comparisons.length, 0) +
    advice.length + sweeps.length + races.length + switches.length;
  const alone = found === 1;
  let before = 0;
  const parts: PagePart[] = comparisons.map((file) => {
    const part = comparisonPart(file, { before, alone });
    before += file.comparisons.length;
    return part;
  });
  parts.push(...advice.map((file, i) => advicePart(file, { id: idOf("advice", i), alone })));
  parts.push(...sweeps.map((file, i) => sweepPart(file, { id: idOf("sweep", i), alone })));
  parts.push(...races.map((file, i) => peersPart(file, { id: idOf("peers", i), alone })));
  parts.push(...switches.map((file, i) => switchPart(file, { id: idOf("switch", i), alone })));
  if (switches.length === files.length) return renderParts(parts, "Lanes switching");
  return renderParts(
    parts,
    races.length === files.length
      ? "Lanes race"
      : kickerOf(files.length, comparisons.length, advice.length),
  );
}

function kickerOf(all: number, comparisons: number, advice: number): string {
  if (comparisons > 0 || (advice > 0 && advice < all)) return "Lanes report";
  return advice > 0 ? "Lanes advice" : "Lanes sweep";
}
