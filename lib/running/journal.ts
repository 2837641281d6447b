/**
 * The record of a run, by which a run that was stopped at any moment can be resumed.
 *
 * The results are their own record: each line names its item by index and digest. The file
 * `<out>.journal` beside them names the job and has a line for each item that failed. Lines are only
 * appended, so the files can't contradict each other: an item is done if its result is there, whatever
 * else was written. A line torn by the end of the program is cut off, as if it had not been written.
 */

import { basename } from "node:path";
import { linesOf } from "../children/parent.ts";
import { makeWhole, statOrUndefined } from "../files/user_files.ts";
import { attempt } from "../lanes/attempt.ts";
import type { Task } from "../lanes/task.ts";
import { UsageError } from "../text/option_values.ts";
import { digestIn, type Known, KnownItems, MOST_KNOWN_ITEMS } from "./known_items.ts";
import { RecordFile, type SyncPolicy } from "./record_file.ts";

type JobIdentity = Pick<Task, "module" | "export">;

interface Header extends JobIdentity {
  readonly kind: string;
  readonly version: number;
}

const KIND = "lanes run journal";
const VERSION = 1;
const RECORD = /^\{"index":(\d{1,9}),"digest":"([0-9a-z]{1,11})",/;
const RECORDS = new RegExp(RECORD, "gm");

export interface JournalOptions {
  readonly path: string;
  /** The path as it was typed, for errors. */
  readonly typed: string;
  readonly job: JobIdentity;
  readonly sync: SyncPolicy;
  readonly resume: boolean;
}

function refuse(typed: string, problem: string, remedy: string): never {
  throw new UsageError("--out", typed, problem, remedy);
}

export function journalPath(out: string): string {
  return `${out}.journal`;
}

/** Opens and locks a file; throws a UsageError if another run is writing it. */
export async function openAlone(
  option: string,
  { path, typed }: Pick<JournalOptions, "path" | "typed">,
  sync: SyncPolicy,
): Promise<RecordFile> {
  while (true) {
    const file = await RecordFile.open(path, sync);
    const isLocked = await file.lock();
    if (isLocked && !await file.isRemoved()) return file;
    await file[Symbol.asyncDispose]();
    // A run that came to nothing has removed its file since it was opened here, so it is made anew.
    if (isLocked) continue;
    const remedy = "wait for its end, or name another file";
    throw new UsageError(option, typed, "another run is writing it", remedy);
  }
}

/** The results' file and its journal, open and locked. */
export class Journal implements AsyncDisposable {
  readonly hadFailures: boolean;

  private constructor(
    private readonly results: RecordFile,
    private readonly failures: RecordFile,
    /** Items known from earlier runs; kept up to date only if some had failed, since they may succeed now. */
    readonly known: KnownItems,
    /** How many bytes of torn lines were cut off. */
    readonly cutBytes: number,
  ) {
    this.hadFailures = known.counts.failed > 0;
  }

  /** Throws a UsageError if the files are another job's, in use, there without `resume`, damaged, or newer. */
  static async open(options: JournalOptions): Promise<Journal> {
    const { path, typed, job, sync, resume } = options;
    // The journal is looked for first, since another run that begins now creates its journal last.
    const hasJournal = await statOrUndefined(journalPath(path)) !== undefined;
    const hasResults = await statOrUndefined(path) !== undefined;
    if (!resume && (hasResults || hasJournal)) {
      const which = hasResults ? "it exists" : `its journal ${journalPath(typed)} exists`;
      refuse(typed, which, "add --resume to go on with it, or name another file");
    }
    if (hasJournal && !hasResults) {
      refuse(
        typed,
        "its journal is there, but it isn't",
        `remove ${journalPath(typed)} to begin anew`,
      );
    }
    const results = await openAlone("--out", { path, typed }, sync);
    let failures: RecordFile | undefined;
    try {
      failures = await RecordFile.open(journalPath(path), sync);
      const { known, cutBytes } = await readBoth(results, failures, job, typed);
      return new Journal(results, failures, known, cutBytes);
    } catch (error) {
      // Removed while they are locked, and only if they are no other run's.
      const isMade = !hasJournal && (results.isEmpty || failures?.isEmpty);
      if (failures !== undefined && isMade) await Deno.remove(failures.path);
      if (!hasResults && results.isEmpty) await Deno.remove(results.path);
      await failures?.[Symbol.asyncDispose]();
      await results[Symbol.asyncDispose]();
      throw error;
    }
  }

  async add(results: string, failures: string): Promise<void> {
    await this.results.add(results);
    await this.failures.add(failures);
    if (!this.hadFailures) return;
    for (const [lines, state] of [[results, "done"], [failures, "failed"]] as const) {
      for (const [, index, digest] of lines.matchAll(RECORDS)) {
        this.known.add(Number(index), digestIn(digest!), state);
      }
    }
  }

  /** @throws {RemovedError} If one of the files is no longer at its path. */
  async checkThere(): Promise<void> {
    await this.results.checkThere();
    await this.failures.checkThere();
  }

  async discard(): Promise<void> {
    await this.results.discard();
    await this.failures.discard();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.results[Symbol.asyncDispose]();
    await this.failures[Symbol.asyncDispose]();
  }
}

/** Whether two addresses mean one module, through links too; of a file that is gone only the name counts. */
async function isSame(earlier: string | undefined, module: string): Promise<boolean> {
  if (earlier === module) return true;
  const [from, to] = [earlier ?? "", module].map((address) => URL.parse(address));
  if (from?.protocol !== "file:" || to?.protocol !== "file:") return false;
  try {
    return await Deno.realPath(from) === await Deno.realPath(to);
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound;
    return isGone && basename(from.pathname) === basename(to.pathname);
  }
}

/** Reads both files, cuts off torn lines, and writes the header if it is missing. */
async function readBoth(
  results: RecordFile,
  failures: RecordFile,
  job: JobIdentity,
  typed: string,
): Promise<{ known: KnownItems; cutBytes: number }> {
  const known = new KnownItems();
  const header = `${JSON.stringify({ kind: KIND, version: VERSION, ...job })}\n`;
  const { text, whole } = await failures.firstLine();
  if (!whole && header.startsWith(text)) {
    // The header is written first, so without a whole one there can be no results.
    if (await results.eachLine(() => {}) > 0) {
      const remedy = "name another file; these results can't be gone on with";
      const which = journalPath(typed);
      const problem = text === ""
        ? `it isn't empty, and has no journal ${which}`
        : `the first line of its journal ${which} is torn`;
      refuse(typed, problem, remedy);
    }
    await failures.cutTo(0);
    await failures.add(header);
    // Without it, results that are safe couldn't be gone on with.
    await failures.makeSafe();
    return { known, cutBytes: text.length };
  }
  await checkHeader(text, job, typed);
  const cutBytes = await readRecords(results, known, "done", typed) +
    await readRecords(failures, known, "failed", typed);
  return { known, cutBytes };
}

async function checkHeader(text: string, job: JobIdentity, typed: string): Promise<void> {
  const header: Partial<Header> | null | undefined = attempt(() => JSON.parse(text));
  if (header?.kind !== KIND) {
    refuse(typed, `${journalPath(typed)} beside it is no journal`, "name another file");
  }
  if (header.version !== VERSION) {
    const newer = `its journal has version ${header.version}, and this program knows ${VERSION}`;
    refuse(typed, newer, "go on with the version that wrote it, or name another file");
  }
  if (header.export !== job.export || !await isSame(header.module, job.module)) {
    const name = header.export === "default" ? "" : `, export ${header.export}`;
    refuse(typed, `it holds results of another job, ${header.module}${name}`, "name another file");
  }
}

/** Adds the items of a file to the known ones and cuts off a torn line; returns how many bytes it had. */
async function readRecords(
  file: RecordFile,
  known: KnownItems,
  state: Known,
  typed: string,
): Promise<number> {
  let line = 0;
  let whole = 0;
  const size = await file.eachLine((head, last, end) => {
    line++;
    whole = end;
    const where = `line ${line}${
      state === "failed" ? ` of its journal ${journalPath(typed)}` : ""
    }`;
    if (last === "\r") {
      refuse(typed, `${where} ends with CRLF`, "write its lines with LF alone, as with dos2unix");
    }
    if (state === "failed" && line === 1) return;
    const [, number, text] = RECORD.exec(head) ?? [];
    const index = Number(number);
    if (last !== "}" || !(index < MOST_KNOWN_ITEMS)) {
      refuse(typed, `${where} is damaged`, "remove that line; its item then counts as not done");
    }
    const digest = digestIn(text!);
    if (state === "done" && known.stateOf(index, digest) === "done") {
      refuse(typed, `${where} is a second result of item ${index}`, "remove one of the two");
    }
    known.add(index, digest, state);
  });
  await file.cutTo(whole);
  return size - whole;
}

/** The last failure line of each item that hasn't succeeded since. */
async function* standing(out: string, known: KnownItems): AsyncGenerator<string> {
  const last = new Map<string, number>();
  for (const collecting of [true, false]) {
    let number = 0;
    for await (const line of linesOf((await Deno.open(journalPath(out))).readable)) {
      number++;
      const [begin, index, digest] = RECORD.exec(line) ?? [];
      if (begin === undefined) continue;
      if (known.stateOf(Number(index), digestIn(digest!)) === "done") continue;
      if (collecting) last.set(begin, number);
      else if (last.get(begin) === number) yield `${line}\n`;
    }
  }
}

/** How a line of the `--failed` file begins; a line of results begins alike but goes on with `"value":`. */
const FAILURE_LINE = /^\{"index":\d+,"digest":"\w+",(?!"value":)/;

/** Throws a UsageError if a file holds anything but failures, so that it isn't overwritten. */
export async function checkFailures(path: string, typed: string): Promise<void> {
  if (await statOrUndefined(path) === undefined) return;
  await using file = await openAlone("--failed", { path, typed }, "end");
  const { text, whole } = await file.firstLine();
  if ((text === "" && !whole) || FAILURE_LINE.test(text)) return;
  throw new UsageError("--failed", typed, "it holds something else", "name another file");
}

/** About how many characters are written at a time. */
const WRITTEN_CHARACTERS = 1 << 16;

/** Writes the failures of items that haven't succeeded since to a file, whole or not at all. */
export async function writeFailures(out: string, path: string, known: KnownItems): Promise<void> {
  await makeWhole(path, async (beside) => {
    await using file = await RecordFile.open(beside, "end");
    let lines = "";
    for await (const line of standing(out, known)) {
      lines += line;
      if (lines.length < WRITTEN_CHARACTERS) continue;
      await file.add(lines);
      lines = "";
    }
    await file.add(lines);
  });
}
