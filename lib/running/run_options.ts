/** Reads the options of `deno task run` and checks them against each other. */

import type { AdviceFile } from "../advice/advice.ts";
import {
  boundsFor,
  type RawBounds,
  type RawServerOptions,
  refuseSize,
  serverFor,
} from "../children/model_arguments.ts";
import type { Rate } from "../dispatch/map_options.ts";
import {
  checkOutputFiles,
  type Format,
  namedFiles,
  type OutputFiles,
} from "../files/output_files.ts";
import { inputPath, STDIN, userPath } from "../files/user_files.ts";
import { attempt } from "../lanes/attempt.ts";
import { isFixed, type Model, MODEL_TABLE, MODELS, takes } from "../models.ts";
import {
  duration,
  given,
  LANE_LIMIT,
  MOST_SLOTS,
  needs,
  nonNegativeInteger,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
  shareOption,
  UsageError,
} from "../text/option_values.ts";
import { inputFile, jobModule, outputFile, requireDistinct } from "../files/named_files.ts";
import type { ModelSpec } from "../timing/spec.ts";
import type { LineFormat } from "./item_lines.ts";
import { journalPath } from "./journal.ts";
import { type SyncPolicy } from "./record_file.ts";
import type { Budget, RunSpec } from "./run_message.ts";

export type RawRunOptions =
  & RawServerOptions
  & RawBounds
  & Readonly<Partial<Record<Named | Exclude<Format, "csv">, string>>>
  & { readonly [Flag in "resume" | "retryFailed" | "live"]?: true };

type Named =
  | ("export" | "from" | "lines" | "items" | "model" | "lanes" | "slots" | "advice" | "start")
  | ("out" | "failed" | "order" | "changed" | "fsync")
  | ("retries" | "timeout" | "halt" | "rate" | "perHost");

export interface TypedFile {
  readonly typed: string;
  readonly path: string;
}

export interface RunOptionValues extends Omit<RunSpec, "job" | "fed" | keyof ModelSpec> {
  readonly export: string;
  readonly model: ModelSpec;
  /** The file that items come from, if not from the module; `-` for standard input. */
  readonly from: (TypedFile & { readonly format: LineFormat }) | undefined;
  readonly out: TypedFile | undefined;
  readonly failed: TypedFile | undefined;
  readonly files: OutputFiles;
  readonly resume: boolean;
  readonly sync: SyncPolicy;
}

const MOST_RETRIES = 1000;
const DEFAULT_MODEL = "auto" satisfies Model;
/** The model that is used if only a size is given. */
const SIZED_MODEL = { lanes: "workers", slots: "limited" } satisfies Record<string, Model>;
const DEFAULT_SYNC = "10s";
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const;
const RATE = /^([^/]+)\/(s|m|h)$/;
/** The shortest span that a rate counts starts in, in milliseconds; starts due within it may come together. */
const LEAST_SPAN_MS = 100;

/** Reads a rate such as `20/s` and spreads it evenly: two starts in each 100 ms, not 20 at once. */
export function readRate(option: string, text: string): Rate {
  const [, count = "", unit] = RATE.exec(text) ?? [];
  const many = attempt(() => nonNegativeNumber(option, count, { max: Infinity }));
  if (many === undefined) {
    throw new UsageError(option, text, "not a rate", "give one such as 20/s, 100/m or 5000/h");
  }
  const eachMs = UNIT_MS[unit as keyof typeof UNIT_MS] / many;
  if (eachMs > UNIT_MS.h) {
    throw new UsageError(option, text, "too slow", "give 1/h or more");
  }
  const limit = Math.max(1, Math.ceil(LEAST_SPAN_MS / eachMs));
  if (limit > Number.MAX_SAFE_INTEGER || eachMs < 1e-6) {
    throw new UsageError(option, text, "too fast", "leave it out");
  }
  return { limit, perMs: limit * eachMs };
}

/** Reads an error budget: a number of items, or a share of those that settled. */
function budgetOf(text: string): Budget {
  if (!/[%.]/.test(text)) return { items: positiveInteger("--halt", text) };
  const value = shareOption("--halt", text);
  if (value === 0) {
    throw new UsageError("--halt", text, "too small", "give 1 or more, or 1% or more");
  }
  return { share: value };
}

const retriesOf = (text: string) => nonNegativeInteger("--retries", text, { max: MOST_RETRIES });

function syncOf(text: string): SyncPolicy {
  if (text === "always" || text === "end") return text;
  const everyMs = attempt(() => duration("--fsync", text, { min: 1 }));
  if (everyMs !== undefined) return { everyMs };
  throw new UsageError("--fsync", text, "unknown", "give always, end, or a time such as 5s");
}

async function adviceOf(
  option: "--advice" | "--start",
  typed: string | undefined,
  module: string,
): Promise<AdviceFile | undefined> {
  if (typed === undefined) return undefined;
  const [{ ADVICE_FORMAT }, { readWritten, ResultFileError }] = await Promise.all([
    import("../advice/advice.ts"),
    import("../timing/json_file.ts"),
  ]);
  const remedy = "give a file that deno task advise wrote with --json";
  const file = await readWritten<AdviceFile>(inputPath(typed), [ADVICE_FORMAT]).catch((cause) => {
    if (!(cause instanceof ResultFileError)) throw cause;
    throw new UsageError(option, typed, cause.problem, remedy, { cause });
  });
  const { job } = file.advice;
  const adviced = await jobModule(job.module).catch(() => undefined);
  if (adviced !== await jobModule(module)) {
    const problem = `it is advice on ${job.module}`;
    throw new UsageError(option, typed, problem, "ask for advice on this job");
  }
  return file;
}

function modelOf(raw: RawRunOptions): ModelSpec {
  const model = raw.model !== undefined
    ? oneOf("--model", raw.model, MODELS)
    : raw.lanes !== undefined
    ? SIZED_MODEL.lanes
    : raw.slots !== undefined
    ? SIZED_MODEL.slots
    : DEFAULT_MODEL;
  for (const size of ["lanes", "slots"] as const) {
    const value = raw[size];
    if (value === undefined || takes(model, size)) continue;
    if (!isFixed(model)) refuseSize(size, value);
    const { lanes, slots } = MODEL_TABLE[model];
    const has = size === "lanes"
      ? `${lanes.io} lane`
      : slots === Infinity
      ? "all slots"
      : `${slots} slot`;
    throw new UsageError(`--${size}`, value, `${model} always has ${has}`, "leave it out");
  }
  const lanes = given(raw.lanes, (text) => positiveInteger("--lanes", text, { max: LANE_LIMIT }));
  const slots = given(raw.slots, (text) => positiveInteger("--slots", text, { max: MOST_SLOTS }));
  return { model, ...(lanes && { lanes }), ...(slots && { slots }) };
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Checks a file that the run writes: a regular file or none yet, and no link to a missing file. */
async function fileOf(option: string, typed: string | undefined): Promise<TypedFile | undefined> {
  if (typed === undefined) return undefined;
  const path = await outputFile(option, userPath(typed));
  const info = await Deno.stat(path).catch(() => undefined);
  if (info !== undefined && !info.isFile) {
    throw new UsageError(option, typed, "no file", "name a file, or leave it out to print");
  }
  for (const written of option === "--out" ? [path, journalPath(path)] : [path]) {
    if (await isThere(written) || !await Deno.lstat(written).then(() => true, () => false)) {
      continue;
    }
    const which = written === path ? "" : `its journal ${journalPath(typed)} is `;
    const problem = `${which}a link to a file that isn't there`;
    throw new UsageError(option, typed, problem, "name a file itself");
  }
  return { typed, path };
}

async function fromOf({ from, lines }: RawRunOptions): Promise<RunOptionValues["from"]> {
  needs(from !== undefined, "--lines", lines, "--from");
  if (from === undefined) return undefined;
  const format = lines === undefined
    ? (/\.(jsonl|ndjson)$/i.test(from) ? "json" : "text")
    : oneOf("--lines", lines, ["text", "json"]);
  const path = inputPath(from);
  if (path !== STDIN) await inputFile("--from", path);
  return { typed: from, path, format };
}

/** The files that a run writes; throws a UsageError if one is named twice or is also read. */
async function writtenBy(
  raw: RawRunOptions,
  from: RunOptionValues["from"],
  resume: boolean,
): Promise<Pick<RunOptionValues, "out" | "failed" | "files">> {
  const out = await fileOf("--out", raw.out);
  if (out !== undefined && raw.retryFailed && !raw.resume && !await isThere(out.path)) {
    const remedy = "name the file of a run that was ended, or add --resume to begin";
    throw new UsageError("--out", out.typed, "it isn't there, so nothing of it failed", remedy);
  }
  const failed = await fileOf("--failed", raw.failed);
  const goesOn = resume && out !== undefined && await isThere(out.path);
  if (failed !== undefined && !goesOn && await isThere(failed.path)) {
    const remedy = resume
      ? "name another file: --out isn't there, so this run begins"
      : out === undefined
      ? "name another file"
      : "name another file, or add --resume to go on with its run";
    throw new UsageError("--failed", failed.typed, "it exists", remedy);
  }
  const { json, html, markdown, trace } = raw;
  const files = await checkOutputFiles({ json, html, markdown, trace });
  const named = (option: string, path: string | undefined) =>
    path === undefined ? [] : [{ option, path }];
  await requireDistinct([
    ...named("--out", out?.path),
    ...named("--out's journal", out && journalPath(out.path)),
    ...named("--failed", failed?.path),
    ...namedFiles(files),
  ], [
    ...named("--advice", given(raw.advice, inputPath)),
    ...named("--start", given(raw.start, inputPath)),
    ...named("--from", from?.path),
  ]);
  return { out, failed, files };
}

export async function readRunOptions(module: string, raw: RawRunOptions): Promise<RunOptionValues> {
  const advice = await adviceOf("--advice", raw.advice, module);
  for (const name of ["model", "lanes", "slots"] as const) {
    const value = raw[name];
    if (advice === undefined || value === undefined) continue;
    const remedy = "leave one of the two out";
    throw new UsageError(`--${name}`, value, "--advice says which model is used", remedy);
  }
  const model = advice === undefined ? modelOf(raw) : sizedAs(advice.advice.recommended);
  needs(!isFixed(model.model), "--start", raw.start, "--model auto");
  const start = await adviceOf("--start", raw.start, module);
  needs(raw.out !== undefined, "--resume", raw.resume, "--out");
  needs(raw.out !== undefined, "--retry-failed", raw.retryFailed, "--out");
  needs(raw.out !== undefined, "--fsync", raw.fsync, "--out");
  const resume = raw.resume === true || raw.retryFailed === true;
  needs(resume, "--changed", raw.changed, "--resume");
  const from = await fromOf(raw);
  const { out, failed, files } = await writtenBy(raw, from, resume);
  const advised = (advice ?? start)?.advice;
  const recommended = advised?.recommended;
  const server = await serverFor("--model", raw.model, [model.model], raw);
  const bounds = boundsFor("--model", [model.model], raw);
  return {
    export: raw.export ?? advised?.job.export ?? "default",
    model: {
      ...model,
      ...(server && { server }),
      ...(start && { start: startOf(start) }),
      ...(bounds && { bounds }),
    },
    rate: given(raw.rate, (text) => readRate("--rate", text)) ?? recommended?.rate,
    perHost: given(raw.perHost, (text) => positiveInteger("--per-host", text, { max: MOST_SLOTS })),
    live: raw.live === true,
    halt: given(raw.halt, budgetOf),
    limit: given(raw.items, (text) => positiveInteger("--items", text)),
    run: { rest: !raw.retryFailed || raw.resume === true, failed: raw.retryFailed === true },
    changed: oneOf("--changed", raw.changed ?? "refuse", ["refuse", "match"]),
    journaled: out !== undefined,
    order: oneOf("--order", raw.order ?? "completion", ["input", "completion"]),
    retries: given(raw.retries, retriesOf) ?? recommended?.retries ?? 0,
    timeoutMs: given(raw.timeout, (text) => duration("--timeout", text, { min: 1 })),
    from,
    out,
    failed,
    files,
    record: raw.html !== undefined || raw.trace !== undefined,
    resume,
    sync: syncOf(raw.fsync ?? DEFAULT_SYNC),
  };
}

/** The recommended model with its recommended sizes, where the model takes sizes. */
function sizedAs({ model, lanes, slots }: AdviceFile["advice"]["recommended"]): ModelSpec {
  return {
    model,
    ...(takes(model, "lanes") && { lanes }),
    ...(takes(model, "slots") && slots !== null && { slots }),
  };
}

function startOf({ environment, advice: { recommended } }: AdviceFile): ModelSpec["start"] {
  return { environment, advice: { recommended } };
}
