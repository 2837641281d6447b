/** Runs a job to its end, writes its files and prints its summary. */

import { missingFlag, permissionNeeded } from "../advice/job/job_permissions.ts";
import { loadJob } from "../advice/job/load_job.ts";
import { sharedBy, sharedWords } from "../advice/job/shared_state.ts";
import { MOST_LOAD_MS } from "../dispatch/map_options.ts";
import { LiveServer } from "../report/live/live_server.ts";
import { jobModule } from "../files/named_files.ts";
import { standardInput, STDIN, whileReading } from "../files/user_files.ts";
import { type AutoBounds, otherMachine } from "../auto_options.ts";
import { isFixed } from "../models.ts";
import { UsageError } from "../text/option_values.ts";
import { runReport } from "../report/running/run_report.ts";
import { styleOfStdout } from "../report/terminal.ts";
import { countItems, ItemLines } from "../running/item_lines.ts";
import { checkFailures, Journal, openAlone, writeFailures } from "../running/journal.ts";
import { RecordError, type RecordFile, RemovedError } from "../running/record_file.ts";
import { KnownItems } from "../running/known_items.ts";
import { type Ended, runJob, type RunJobHost, RunState } from "../running/run_job.ts";
import { HELD_MS } from "../running/run_message.ts";
import { stderrOutput, WIPED } from "../progress/progress.ts";
import { RunProgress } from "../running/run_progress.ts";
import type { RunFile, RunResult } from "../running/run_result.ts";
import type { RunOptionValues, TypedFile } from "../running/run_options.ts";
import { wholeSeconds } from "../text/format.ts";
import { plain, shellWord } from "../text/plain.ts";
import { print, printError } from "../text/print.ts";
import { describeMachine, proxyNotes } from "../timing/environment.ts";
import type { JobSpec } from "../timing/spec.ts";
import type { LanePermissions } from "../lanes/permissions.ts";
import { writeReports } from "./result_files.ts";

interface RunRequest {
  readonly typed: string;
  readonly permissions: LanePermissions;
  readonly options: RunOptionValues;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

export function resumeCommand(args: readonly string[], further: "--resume" | "--retry-failed") {
  const goesOn = args.includes(further) ||
    (further === "--resume" && args.includes("--retry-failed"));
  return ["deno task run", ...[...args, ...(goesOn ? [] : [further])].map(shellWord)].join(" ");
}

async function writeOut(lines: string): Promise<void> {
  if (lines === "") return;
  // A progress line on the same terminal is wiped first and drawn again below the results.
  const wipes = Deno.stdout.isTerminal() && stderrOutput().isTerminal;
  try {
    for (let rest = new TextEncoder().encode(wipes ? WIPED + lines : lines); rest.length > 0;) {
      rest = rest.subarray(await Deno.stdout.write(rest));
    }
  } catch (cause) {
    throw RecordError.unwritten("standard output", cause);
  }
}

/** Opens the file of items or standard input; the items of a file are counted before anything runs. */
async function openItems(from: NonNullable<RunOptionValues["from"]>) {
  if (from.path === STDIN) {
    return {
      lines: new ItemLines(from.typed, standardInput().readable, from.format),
      total: undefined,
    };
  }
  const isFile = (await Deno.stat(from.path)).isFile;
  const total = isFile ? await countItems(from.typed, from.path, from.format) : undefined;
  if (total === 0) {
    throw new UsageError("--from", from.typed, "no item in it", "write one on each line");
  }
  const { readable } = await Deno.open(from.path);
  return { lines: new ItemLines(from.typed, readable, from.format), total };
}

/** Opens the file of failures, after writing those of earlier runs to it. */
async function openFailed(
  { failed, out, sync }: RunOptionValues,
  journal: Journal | undefined,
): Promise<RecordFile | undefined> {
  if (failed === undefined) return undefined;
  if (journal !== undefined && out !== undefined) {
    await checkFailures(failed.path, failed.typed);
    await writeFailures(out.path, failed.path, journal.known);
  }
  return await openAlone("--failed", failed, sync);
}

/** Writes the failures anew from the journal: earlier ones may have succeeded since, or the file was lost. */
async function renewFailed(
  { failed, out }: RunOptionValues,
  file: RecordFile,
  known: KnownItems,
): Promise<void> {
  // Something else may stand in its place.
  if (await file.isRemoved()) await checkFailures(failed!.path, failed!.typed);
  await writeFailures(out!.path, file.path, known);
}

/** The error that the end of a run means: a UsageError if another option helps; undefined if all went well. */
function problemOf(ended: Ended, { typed, options }: RunRequest): Error | undefined {
  switch (ended.type) {
    case "changed": {
      const problem = `the list isn't the one that it was written from: ${ended.problem}`;
      const remedy = "name another file, or add --changed match to go by the items themselves";
      return new UsageError("--out", options.out!.typed, problem, remedy);
    }
    case "denied":
      return permissionNeeded(`item ${ended.index}`, { ...ended, name: "NotCapable" }, typed);
    case "broken": {
      const { where, name, message } = ended;
      const what = name === "Error" ? message : `${name}: ${message}`;
      return (missingFlag(message) && permissionNeeded(`its ${where}`, ended, typed)) ??
        new Error(`Cannot run the job: ${where} failed: ${what}`);
    }
    case "died":
      return new Error(
        `The job's process ended (${ended.message}); ` +
          (ended.began
            ? "a task returns or throws, it never exits: under --model processes such an item fails alone"
            : "loading it, prepare and items return or throw, they never exit"),
      );
    case "held":
      return new Error(
        `A task or the list of items held the job's event loop for ${
          wholeSeconds(HELD_MS)
        } longer than ` +
          `--timeout, and was ended; under --model processes such a task fails alone`,
      );
    case "done":
      return ended.unclosed === undefined
        ? undefined
        : new Error(`The job ran, but closing it failed: ${ended.unclosed}`);
  }
}

/** The bounds of a model that finds its own size; tasks that share state are kept in one event loop. */
async function boundsOf(
  typed: string,
  { export: name, model: { model, bounds } }: RunOptionValues,
): Promise<AutoBounds | undefined> {
  if (isFixed(model) || bounds?.stay !== undefined) return bounds;
  const module = await jobModule(typed).catch(() => "");
  const shared = await sharedBy({ module, export: name });
  if (shared === undefined) return bounds;
  const because = `${sharedWords(shared)}; --model workers gives them lanes all the same`;
  return { ...bounds, stay: { because } };
}

/** How the job's process ended, what went wrong, and how long the run took in milliseconds. */
interface Followed {
  readonly ended?: Ended;
  readonly problem: Error | undefined;
  readonly wallMs: number;
}

/** Runs a job while a progress line, and a page if there is one, show how far it is; never rejects. */
async function followed(
  request: RunRequest,
  job: JobSpec,
  bounds: AutoBounds | undefined,
  live: LiveServer | undefined,
  host: Pick<RunJobHost, "known" | "state" | "write" | "feed">,
): Promise<Followed> {
  const { options, signal } = request;
  const { state } = host;
  if (live !== undefined) printError(`run: watch it at ${live.url}`);
  const startMs = performance.now();
  const progress = new RunProgress(plain(job.name), state);
  const onAbort = () => progress.print("run: finishes what runs; Ctrl-C once more ends at once\n");
  signal.addEventListener("abort", onAbort);
  try {
    const spec = { ...options, ...options.model, bounds, job, fed: options.from !== undefined };
    const ended = await runJob(spec, {
      ...host,
      signal,
      onPrint: (text) => progress.print(text),
      onPulse: live &&
        ((lanes) => live.pulse({ ...progress.pulse(), ...lanes, reasons: state.reasons })),
    });
    return { ended, problem: problemOf(ended, request), wallMs: performance.now() - startMs };
  } catch (error) {
    return { problem: error as Error, wallMs: performance.now() - startMs };
  } finally {
    signal.removeEventListener("abort", onAbort);
    progress.end();
  }
}

/** Prints notes on proxies, on advice from another machine, and on a torn line, before anything runs. */
function sayBefore({ model: { start } }: RunOptionValues, journal: Journal | undefined): void {
  for (const note of proxyNotes()) printError(`run: ${note}`);
  const elsewhere = start && otherMachine(start.environment);
  if (elsewhere !== undefined) {
    const where = plain(elsewhere);
    printError(`run: --start was advised on another machine (${where}): it is only a first guess`);
  }
  if (journal !== undefined && journal.cutBytes > 0) {
    const what = `a torn line of ${journal.cutBytes} bytes`;
    printError(`run: cut off ${what}, whose item counts as not done`);
  }
}

export async function runToEnd(request: RunRequest): Promise<number> {
  const { typed, permissions, options, signal } = request;
  const { from, out, model: { model } } = options;
  const ownItems = from === undefined;
  const [{ job }, bounds] = await Promise.all([
    loadJob({
      ...{ typed, export: options.export, permissions, model, ownItems },
      ...{ guardMs: MOST_LOAD_MS, signal },
    }),
    boundsOf(typed, options),
  ]);
  const listed = from === undefined ? undefined : await whileReading(() => openItems(from));
  await using lines = listed?.lines;
  await using journal = out && await Journal.open({
    ...out,
    job: { module: job.task.module, export: job.task.export },
    ...{ sync: options.sync, resume: options.resume },
  });
  const known = journal?.known ?? new KnownItems();
  await using failed = await openFailed(options, journal);
  const state = new RunState({ ...known.counts }, options.run);
  state.total = listed?.total === undefined
    ? undefined
    : Math.min(listed.total, options.limit ?? Infinity);
  sayBefore(options, journal);
  const environment = await describeMachine();
  await using live = options.live ? new LiveServer(job.name) : undefined;
  const found = await followed(request, job, bounds, live, {
    known,
    state,
    write: async (results, failures) => {
      await (journal === undefined ? writeOut(results) : journal.add(results, failures));
      await failed?.add(failures).catch((error) => {
        // The journal has them too, and at the end they are written from there.
        if (journal === undefined) throw error;
      });
    },
    feed: lines && (() => lines.next()),
  });
  return await concluded(request, found, { job, state, known, journal, failed, environment });
}

/** Removes the files of a run without any outcome, else completes and reports them; returns the exit code. */
async function concluded(
  request: RunRequest,
  { ended, wallMs, ...found }: Followed,
  { job, state, known, journal, failed, environment }: {
    readonly job: JobSpec;
    readonly state: RunState;
    readonly known: KnownItems;
    readonly journal: Journal | undefined;
    readonly failed: RecordFile | undefined;
    readonly environment: RunFile["environment"];
  },
): Promise<number> {
  const { typed, options } = request;
  const { from, out, model: { model } } = options;
  let { problem } = found;
  const isDone = ended?.type === "done" && ended.end === "done";
  const isEmpty = state.succeeded + state.failed + known.counts.done + known.counts.failed === 0;
  // What a file refused may be in it all the same.
  const mayHoldSome = journal !== undefined && problem instanceof RecordError;
  const cameToNothing = isEmpty && !mayHoldSome &&
    (problem !== undefined || !isDone || from === undefined);
  if (cameToNothing) {
    await journal?.discard();
    await failed?.discard();
    if (problem !== undefined) throw problem;
    const empty = "its items are empty";
    if (isDone) throw new UsageError("module", typed, empty, "give it at least one");
  }
  // A file to which nothing was added since may be gone as well.
  if (!cameToNothing) {
    await (journal ?? failed)?.checkThere().catch((removed) => problem ??= removed);
  }
  // Nothing ran, so the reason is all that there is to report.
  if (problem instanceof UsageError && state.succeeded + state.failed === 0) throw problem;
  if (journal !== undefined && failed !== undefined && !cameToNothing) {
    await renewFailed(options, failed, known)
      .catch((cause) => problem ??= RecordError.unwritten("--failed", cause));
  }
  const gone = ended?.type === "done" ? ended.gone : { done: 0, failed: 0 };
  const goneInAll = gone.done + gone.failed;
  // Once a run is done, the length of any list is known.
  const total = isDone && options.run.rest
    ? Math.min(state.settled - goneInAll, options.limit ?? Infinity)
    : state.total ?? null;
  const summary = summaryOf(ended, problem, state, {
    job: { name: job.name, ...job.task },
    model,
    failedInAll: journal?.hadFailures ? known.counts.failed - gone.failed : state.failed,
    ...{ total, gone: goneInAll, wallMs },
  });
  const removed = problem instanceof RemovedError ? problem.path : undefined;
  const written = cameToNothing
    ? []
    : [out, options.failed].filter((file) => file !== undefined).filter(({ path }) =>
      path !== removed
    );
  const file: RunFile = { schemaVersion: 1, kind: "run", environment, run: summary };
  return await report(file, problem, request, written, isDone);
}

function summaryOf(
  ended: Ended | undefined,
  problem: Error | undefined,
  state: RunState,
  rest: Pick<RunResult, "job" | "model" | "failedInAll" | "total" | "gone" | "wallMs">,
): RunResult {
  const done = ended?.type === "done" ? ended : undefined;
  const end = done?.end === "finished" ? "interrupted" : done?.end;
  const { lanes, slots, before, succeeded, failed, reasons } = state;
  return {
    ...{ ...rest, lanes, slots, before, succeeded, failed, reasons },
    ended: problem === undefined && end !== undefined ? end : "failed",
    ...(problem && { problem: problem.message }),
    slowest: [...done?.slowest ?? []],
    ...(done?.auto && { auto: done.auto }),
    ...(done?.timeline && { timeline: done.timeline }),
  };
}

/** Prints and writes the summary, and prints the command that goes on; returns the exit code. */
async function report(
  file: RunFile,
  problem: Error | undefined,
  { options: { out, files: wanted, halt }, args }: RunRequest,
  files: readonly TypedFile[],
  isDone: boolean,
): Promise<number> {
  const { run } = file;
  // Without --out, the results are on standard output, so the summary goes to stderr.
  const say = out === undefined ? printError : print;
  const written = await writeReports([file], wanted);
  const style = styleOfStdout();
  say(runReport(file).text(out === undefined ? { ...style, colour: false } : style));
  const lines = [...files.map(({ path }) => `Wrote ${path}`), ...written.lines];
  if (lines.length > 0) say(`\n${lines.join("\n")}`);
  for (const error of written.errors) printError(`run: ${error}`);
  if (problem !== undefined && !(problem instanceof UsageError)) {
    printError(`run: ${plain(problem.message)}`);
  }
  if (run.ended === "halted") {
    const limit = "items" in halt! ? halt.items : `${Number((halt!.share * 100).toPrecision(6))}%`;
    const of = `${run.failed} of ${run.succeeded + run.failed}`;
    printError(`run: halted: ${of} items failed (--halt ${limit})`);
  }
  if (out !== undefined && !isDone) {
    printError(`run: go on with: ${resumeCommand(args, "--resume")}`);
  } else if (out !== undefined && run.failedInAll > 0) {
    printError(`run: try those that failed again with: ${resumeCommand(args, "--retry-failed")}`);
  }
  if (problem instanceof UsageError) throw problem;
  return run.ended !== "done" || run.failedInAll > 0 || written.errors.length > 0 ? 1 : 0;
}
