/** The files that reports are made from, and how each kind of them is read. */

import { ADVICE_FORMAT, type AdviceFile } from "../advice/advice.ts";
import { RUN_FORMAT, type RunFile } from "../running/run_result.ts";
import { SWEEP_FORMAT, type SweepResult } from "../scaling/sweep_result.ts";
import { SWITCH_FORMAT, type SwitchFile } from "../switching/switch_result.ts";
import { type FileFormat, parseWritten, readWritten } from "../timing/json_file.ts";
import { RESULT_FORMAT, type ResultFile } from "../timing/result.ts";
import { LESSON_FORMAT, type LessonFile } from "./lesson/lesson_file.ts";
import { PEERS_FORMAT, type PeersFile } from "./peers/peers_file.ts";

export interface Files {
  readonly comparison: ResultFile;
  readonly advice: AdviceFile;
  readonly sweep: SweepResult;
  readonly peers: PeersFile;
  readonly switch: SwitchFile;
  readonly run: RunFile;
  readonly lesson: LessonFile;
}

export type Kind = keyof Files;

/** What `--json` of any script wrote. */
export type ReportFile = Files[Kind];

/** The kinds of files in the order in which they stand in reports. */
const FORMATS: { readonly [K in Kind]: FileFormat<Files[K]> } = {
  comparison: RESULT_FORMAT,
  advice: ADVICE_FORMAT,
  sweep: SWEEP_FORMAT,
  peers: PEERS_FORMAT,
  switch: SWITCH_FORMAT,
  run: RUN_FORMAT,
  lesson: LESSON_FORMAT,
};

const KINDS = Object.keys(FORMATS) as Kind[];

/** Which kind of file it is: comparisons alone don't say. */
export function kindOf(file: ReportFile): Kind {
  return "kind" in file ? file.kind : "comparison";
}

/** The files kind by kind, each kind in the order given. */
export function byKind(files: readonly ReportFile[]): ReportFile[] {
  return files.toSorted((a, b) => KINDS.indexOf(kindOf(a)) - KINDS.indexOf(kindOf(b)));
}

const ALL = Object.values(FORMATS) as FileFormat<ReportFile>[];

/** Reads a file's text, of whichever kind it is. */
export function parseReportFile(text: string, path: string): ReportFile {
  return parseWritten(text, path, ALL);
}

/** Reads a file of whichever kind it is. */
export async function readReportFile(path: string): Promise<ReportFile> {
  return await readWritten(path, ALL);
}
