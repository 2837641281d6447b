/**
 * The files that reports are made from, told apart by their kind.
 *
 * @module
 */

import { RESULT_FORMAT, type ResultFile } from "../timing/result.ts";
import { type FileFormat, parseWritten, readWritten } from "../timing/json_file.ts";
import { PEERS_FORMAT, type PeersFile } from "./peers/peers_file.ts";
import { ADVICE_FORMAT, type AdviceFile } from "../advice/advice.ts";
import { SWITCH_FORMAT, type SwitchFile } from "../switching/switch_result.ts";
import { LESSON_FORMAT, type LessonFile } from "./lesson/lesson_file.ts";
import { SWEEP_FORMAT, type SweepResult } from "../scaling/sweep_result.ts";

/** What `--json` of any script wrote. */
export type ReportFile =
  | ResultFile
  | AdviceFile
  | SweepResult
  | PeersFile
  | SwitchFile
  | LessonFile;

/** Files by kind, each kind in the order given. */
interface SortedFiles {
  /** Those of io and cpu. */
  readonly comparisons: readonly ResultFile[];
  /** Those of advise. */
  readonly advice: readonly AdviceFile[];
  /** Those of sweep. */
  readonly sweeps: readonly SweepResult[];
  /** Those of peers. */
  readonly races: readonly PeersFile[];
  /** Those of switch. */
  readonly switches: readonly SwitchFile[];
  /** Those of lesson. */
  readonly lessons: readonly LessonFile[];
}

const FORMATS: readonly FileFormat<ReportFile>[] = [
  RESULT_FORMAT as FileFormat<ReportFile>,
  ADVICE_FORMAT as FileFormat<ReportFile>,
  SWEEP_FORMAT as FileFormat<ReportFile>,
  PEERS_FORMAT as FileFormat<ReportFile>,
  SWITCH_FORMAT as FileFormat<ReportFile>,
  LESSON_FORMAT as FileFormat<ReportFile>,
];

/**
 * Reads a file's text, of whichever kind it is.
 *
 * @throws {ResultFileError} If it is no JSON, of another version or kind, or has a field that can't be.
 */
export function parseReportFile(text: string, path: string): ReportFile {
  return parseWritten(text, path, FORMATS);
}

/**
 * Reads a file of whichever kind it is.
 *
 * @throws {ResultFileError} If it is missing, too large, truncated, of another version or kind, or
 * inconsistent.
 */
export async function readReportFile(path: string): Promise<ReportFile> {
  return await readWritten(path, FORMATS);
}

/** Sorts files by kind. */
export function sortedByKind(files: readonly ReportFile[]): SortedFiles {
  const comparisons: ResultFile[] = [], advice: AdviceFile[] = [], sweeps: SweepResult[] = [];
  const races: PeersFile[] = [], switches: SwitchFile[] = [], lessons: LessonFile[] = [];
  for (const file of files) {
    if (!("kind" in file)) comparisons.push(file);
    else if (file.kind === "advice") advice.push(file);
    else if (file.kind === "peers") races.push(file);
    else if (file.kind === "switch") switches.push(file);
    else if (file.kind === "lesson") lessons.push(file);
    else sweeps.push(file);
  }
  return { comparisons, advice, sweeps, races, switches, lessons };
}
