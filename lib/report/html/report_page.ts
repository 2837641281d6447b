/** One page of everything that was measured: comparisons, advice, scaling, races, switching. */

import { advicePart } from "../advice/advice_part.ts";
import { peersPart } from "../peers/peers_report.ts";
import { byKind, type Files, type Kind, kindOf, type ReportFile } from "../kinds.ts";
import { runPart } from "../running/run_part.ts";
import { sweepPart } from "../scaling/sweep_part.ts";
import { switchPart } from "../switching/switch_page.ts";
import { comparisonPart } from "../comparison/comparison_part.ts";
import { type PagePart, type PartPlace, renderParts } from "./page.ts";
import { sanitized } from "./sanitize.ts";

interface KindOnPage<File> {
  /** What a page of nothing else is called. */
  readonly kicker: string;
  /** Its part; nothing in the first of the files could break a layout, and the other is as it was read. */
  readonly part: (file: File, place: PartPlace, read: File) => PagePart;
}

/** The kinds that share a page; a lesson is one of its own. */
const PARTS: { readonly [K in Exclude<Kind, "lesson">]: KindOnPage<Files[K]> } = {
  comparison: { kicker: "report", part: comparisonPart },
  advice: { kicker: "advice", part: advicePart },
  sweep: { kicker: "sweep", part: sweepPart },
  peers: { kicker: "race", part: peersPart },
  switch: { kicker: "switching", part: switchPart },
  run: { kicker: "run", part: runPart },
};

function onPage(file: ReportFile): KindOnPage<ReportFile> {
  return PARTS[kindOf(file) as keyof typeof PARTS] as KindOnPage<ReportFile>;
}

/** How many things a file found, each of which has a section. */
function findings(file: ReportFile): number {
  return "comparisons" in file ? file.comparisons.length : 1;
}

function sum(files: readonly ReportFile[]): number {
  return files.reduce((sum, file) => sum + findings(file), 0);
}

/**
 * Writes files of any kinds as one HTML page that opens offline, kind by kind. Nothing in it, whatever the
 * files hold, becomes markup, runs, or reaches the network.
 */
export function reportPage(files: readonly ReportFile[]): string {
  const kinds = new Set(files.map(kindOf));
  const alone = sum(files) === 1;
  const sorted = byKind(files);
  const parts = sorted.map((file, i) => {
    const kind = kindOf(file);
    const before = sum(sorted.slice(0, i).filter((other) => kindOf(other) === kind));
    const id = before === 0 ? kind : `${kind}-${before + 1}`;
    return onPage(file).part(sanitized(file), { id, before, alone }, file);
  });
  const kicker = kinds.size === 1 ? onPage(files[0]!).kicker : "report";
  return renderParts(parts, `Lanes ${kicker}`);
}
