/** The kinds of files that `--json` writes: how each is read, and in which formats it is reported. */

import { ADVICE_FORMAT } from "../advice/advice.ts";
import type { Format, Renderers } from "../files/output_files.ts";
import { UsageError } from "../text/option_values.ts";
import { RUN_FORMAT } from "../running/run_result.ts";
import { SWEEP_FORMAT } from "../scaling/sweep_result.ts";
import { SWITCH_FORMAT } from "../switching/switch_result.ts";
import { type FileFormat, readWritten } from "../timing/json_file.ts";
import { RESULT_FORMAT } from "../timing/result.ts";
import { advicePart, adviceReport } from "./advice/advice_report.ts";
import { type Block, startText } from "./document.ts";
import { renderTrace, type Traced, tracedOf } from "./trace.ts";
import { comparisonsOf, LESSON_FORMAT } from "./lesson/lesson_file.ts";
import { lessonPage, lessonReport } from "./lesson/lesson.ts";
import { runPart, runReport, runTraced } from "./running/run_report.ts";
import { sweepCsv, sweepPart, sweepReport } from "./scaling/sweep_report.ts";
import { switchPart, switchReport } from "./switching/switch_report.ts";
import { comparisonPart, renderCsv, resultReport } from "./comparison/comparison_report.ts";
import type { Style } from "./terminal.ts";
import { type PagePart, type PartPlace, renderParts } from "./html/page.ts";
import { sanitized } from "./html/markup.ts";

export interface KindOfFile<File> {
  readonly format: FileFormat<File>;
  readonly name: string;
  readonly report: (file: File) => Block;
  /** Whether the file holds no measurement, as after an interrupt at the start; default false. */
  readonly isEmpty?: (file: File) => boolean;
  /** Its rounds as a table; missing for a kind without rounds. */
  readonly csv?: (files: readonly File[]) => string;
  /** Its tasks with their times; undefined if tasks weren't timed. */
  readonly traced?: (file: File) => readonly Traced[] | undefined;
  /** Its part of a page shared with other files; missing for a kind with a page of its own. */
  readonly page?: {
    readonly kicker: string;
    readonly did: string;
    /** `file` is sanitized, so that its text can't break a layout; `read` is the same file as it was read. */
    readonly part: (file: File, place: PartPlace, read: File) => PagePart;
  };
}

function kindOfFile<File>(kind: KindOfFile<File>): KindOfFile<File> {
  return kind;
}

/** The kinds, in the order in which reports show them. */
const KINDS = {
  comparison: kindOfFile({
    format: RESULT_FORMAT,
    name: "comparisons",
    report: resultReport,
    isEmpty: ({ comparisons }) => comparisons.every(({ models }) => models.length === 0),
    csv: renderCsv,
    traced: tracedOf,
    page: { kicker: "report", did: "compared", part: comparisonPart },
  }),
  advice: kindOfFile({
    format: ADVICE_FORMAT,
    name: "advice",
    report: adviceReport,
    page: { kicker: "advice", did: "advised on", part: advicePart },
  }),
  sweep: kindOfFile({
    format: SWEEP_FORMAT,
    name: "a sweep",
    report: sweepReport,
    isEmpty: ({ points, openLoop }) => points.length + openLoop.length === 0,
    csv: ([sweep]) => sweepCsv(sweep!),
    page: { kicker: "sweep", did: "scaled", part: sweepPart },
  }),
  switch: kindOfFile({
    format: SWITCH_FORMAT,
    name: "experiments on switching",
    report: switchReport,
    page: { kicker: "switching", did: "watched", part: switchPart },
  }),
  run: kindOfFile({
    format: RUN_FORMAT,
    name: "a run",
    report: runReport,
    isEmpty: ({ run }) => run.ended === "interrupted" && run.succeeded + run.failed === 0,
    traced: runTraced,
    page: { kicker: "run", did: "run", part: runPart },
  }),
  lesson: kindOfFile({
    format: LESSON_FORMAT,
    name: "a lesson",
    report: lessonReport,
    isEmpty: (file) =>
      file.awaitCost === undefined &&
      comparisonsOf(file).every(({ models }) => models.length === 0),
  }),
};

export type Kind = keyof typeof KINDS;

type FileOf<Of> = Of extends KindOfFile<infer File> ? File : never;
export type ReportFile = FileOf<typeof KINDS[Kind]>;

const kinds = new Map<string, KindOfFile<ReportFile>>(Object.entries<never>(KINDS as never));

/** Adds a kind that only a script writes; returns a function that gives such files the type of report files. */
export function addKind<File>(kind: KindOfFile<File>): (file: File) => ReportFile {
  kinds.set(kind.format.kind!, kind as never);
  return (file) => file as never;
}

/** The formats by which the files of each kind are read. */
export function fileFormats(): FileFormat<ReportFile>[] {
  return Array.from(kinds.values(), ({ format }) => format);
}

/** The kind of a file; only files of comparisons don't name theirs. */
export function kindNameOf(file: ReportFile): Kind {
  return "kind" in file ? file.kind : "comparison";
}

function of(file: ReportFile): KindOfFile<ReportFile> {
  return kinds.get(kindNameOf(file))!;
}

/** Whether a file holds no measurement. */
export function isEmpty(file: ReportFile): boolean {
  return of(file).isEmpty?.(file) ?? false;
}

export function byKind(files: readonly ReportFile[]): ReportFile[] {
  const names: string[] = [...kinds.keys()];
  return files.toSorted((a, b) => names.indexOf(kindNameOf(a)) - names.indexOf(kindNameOf(b)));
}

export async function readReportFile(path: string): Promise<ReportFile> {
  return await readWritten(path, fileFormats());
}

export function reportText(file: ReportFile, style: Style): string {
  return of(file).report(file).text(style);
}

function tracedIn(file: ReportFile): readonly Traced[] | undefined {
  return of(file).traced?.(file);
}

/** The tasks of a file; among several files their names get its start time, since jobs may be the same. */
function tracedAmong(files: readonly ReportFile[], file: ReportFile): readonly Traced[] {
  const traced = tracedIn(file) ?? [];
  if (files.length === 1) return traced;
  const when = startText(file.environment, "second");
  return traced.map((of) => ({ ...of, name: `${of.name}, ${when}` }));
}

export function reportRenderers(files: readonly ReportFile[]): Required<Renderers> {
  return {
    json: () => files.map((file) => JSON.stringify(file, null, 1)).join("\n") + "\n",
    csv: () => of(files[0]!).csv!(files),
    markdown: () => files.map((file) => `${of(file).report(file).markdown()}\n`).join("\n"),
    trace: () =>
      renderTrace(files.flatMap((file) => tracedAmong(files, file)), {
        ...files[0]!.environment,
        partial: files.some(isPartial) || undefined,
        ...(files.length > 1 && { others: files.slice(1).map(({ environment }) => environment) }),
      }),
    html: () => reportPage(files),
  };
}

/** Whether the run that a file reports was interrupted. */
export function isPartial(file: ReportFile): boolean {
  return "run" in file
    ? file.run.ended === "interrupted"
    : "partial" in file && file.partial === true;
}

/** How many sections the files need: one for each comparison, and one for each other file. */
function findings(files: readonly ReportFile[]): number {
  return files.flatMap<unknown>((file) => "comparisons" in file ? file.comparisons : [file]).length;
}

/** One page that opens offline; no text of a file becomes markup, runs, or reaches the network. */
export function reportPage(files: readonly ReportFile[]): string {
  const [first] = files;
  if (first !== undefined && "language" in first) return lessonPage(first);
  const sorted = byKind(files);
  const parts = sorted.map((file, i) => {
    const kind = kindNameOf(file);
    const before = findings(sorted.slice(0, i).filter((other) => kindNameOf(other) === kind));
    const id = before === 0 ? kind : `${kind}-${before + 1}`;
    const { did, part } = of(file).page!;
    const clean = sanitized(file);
    return {
      ...part(clean, { id, before, alone: findings(files) === 1 }, file),
      did,
      environment: clean.environment,
      partial: isPartial(file),
    };
  });
  const isOfOneKind = new Set(files.map(kindNameOf)).size === 1;
  return renderParts(parts, `Lanes ${isOfOneKind ? of(first!).page!.kicker : "report"}`);
}

export function checkFormats(
  files: readonly ReportFile[],
  { csv, trace, html }: Readonly<Partial<Record<Format, string | undefined>>>,
): void {
  const untraced = files.find((file) => tracedIn(file) === undefined);
  if (trace !== undefined && untraced !== undefined) {
    const remedy = "leave it out, or give files in which tasks were timed";
    throw new UsageError("--trace", trace, `there is no trace of ${of(untraced).name}`, remedy);
  }
  const others = files.filter((file) => kindNameOf(file) !== "comparison").map(of);
  const own = others.find(({ page }) => page === undefined);
  if (html !== undefined && own !== undefined && files.length > 1) {
    throw new UsageError("--html", html, `${own.name} is a page of its own`, "give it alone");
  }
  const [other] = others;
  if (csv === undefined || other === undefined) return;
  const without = others.find(({ csv }) => csv === undefined);
  if (without !== undefined) {
    const problem = `there is no table of rounds of ${without.name}`;
    throw new UsageError("--csv", csv, problem, "use --markdown, or leave it out");
  }
  if (files.length > 1) {
    const problem = `the table of ${other.name} has columns of its own`;
    const remedy = `give ${other.name.replace(/^a /, "one ")} at a time`;
    throw new UsageError("--csv", csv, problem, remedy);
  }
}
