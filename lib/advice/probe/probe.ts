/**
 * Runs a sample of a job one after the other in a fresh process and takes down what each task took.
 *
 * @module
 */

import { type ChildOptions, MeasuringChild, trialFlags } from "../../children/measuring_child.ts";
import { UsageError } from "../../options.ts";
import type { Meter } from "../../timing/meter/meter.ts";
import { type Load, loadBetween, type Reading } from "../../timing/meter/reading.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { spreadOrder } from "../../timing/job_items.ts";
import { missingFlag } from "../job/job_permissions.ts";
import type {
  Exports,
  ItemsKind,
  ProbeCommand,
  ProbeDone,
  ProbeMessage,
  ProbeOrder,
  Stretch,
  Thrown,
} from "./probe_message.ts";

/** A job can't be measured, because of what its tasks do. */
export class JobError extends Error {
  /** Always `"JobError"`. */
  override name = "JobError";
}

/** Which sample is taken. */
export interface ProbeOptions {
  /** How the person named the module, for errors. */
  readonly typed: string;
  /** Items at most. */
  readonly limit: number;
  /** How long the tasks are to run together, in milliseconds. */
  readonly targetMs: number;
  /** How long the probe may take with everything, in milliseconds. */
  readonly guardMs: number;
  /** The option that gives it longer, for errors; default `--budget`. */
  readonly guardOption?: string;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Tells waiting from queueing for a core; without one that is estimated. */
  readonly meter?: Meter;
  /** Whether to stop after loading. */
  readonly dry?: boolean;
}

/** What a probe found. */
export interface Probed {
  /** What the job's module exports. */
  readonly exports: Exports;
  /** What its tasks took, in the order of items. */
  readonly stretches: readonly Stretch[];
  /** The first few items that failed. */
  readonly failures: readonly (Thrown & { readonly index: number })[];
  /** Undefined if the sample was cut off, or `dry`. */
  readonly done: ProbeDone | undefined;
  /** Why the sample was cut off, in half a sentence. */
  readonly cutOff: string | undefined;
  /** Checksums of the first results, by how many they are. */
  readonly checksums: ReadonlyMap<number, string>;
  /** What the system knows of the process while the sample ran; undefined where it doesn't tell. */
  readonly load?: Load | undefined;
  /** How many items are taken in the order of timing/job_items.ts; undefined for those that aren't. */
  readonly spread?: number | undefined;
  /** How many items the job has, where its input tells. */
  readonly total?: number | undefined;
  /** What loading the module and setting it up took, in milliseconds. */
  readonly laneMs?: number;
  /** What taking down took, in milliseconds; Infinity if it didn't end in time. */
  readonly teardownMs?: number;
  /** Whether what `prepare` gave is to be disposed. */
  readonly isDisposable?: boolean;
}

/** Probes a job. A test's own answers at once. */
export type Prober = (
  job: JobSpec,
  options: ProbeOptions,
  /** Chooses of how many first results checksums are needed, once the sample is known. */
  chooseChecksums: (probed: Probed) => Promise<readonly number[]> | readonly number[],
) => Promise<Probed>;

function permissionNeeded(
  where: string,
  error: Thrown,
  { typed }: ProbeOptions,
): UsageError | undefined {
  const messages = [error.message, ...error.causes];
  const denied = error.name === "NotCapable" ||
    error.causes.some((cause) => cause.startsWith("NotCapable"));
  if (!denied) return undefined;
  const missing = messages.map(missingFlag).find((flag) => flag !== undefined);
  return missing === undefined
    ? new UsageError("module", typed, `${where} lacks a permission (${messages[0]})`, "allow it")
    : new UsageError("module", typed, `${where} needs ${missing.wanted}`, `add ${missing.flag}`);
}

function describe({ name, message }: Thrown): string {
  return name === "Error" ? message || "an error without a message" : `${name}: ${message}`;
}

function checkExports(exports: Exports, job: JobSpec, { typed }: ProbeOptions): void {
  const wanted = job.task.export;
  if (exports.task !== "function") {
    const others = exports.functions.filter((name) =>
      !["items", "prepare", "setup", "teardown", "reset"].includes(name)
    );
    const remedy = others.length > 0
      ? `name one of its functions with --export: ${others.join(", ")}`
      : exports.task.endsWith("generator function")
      ? "write a function that returns its result"
      : wanted === "default"
      ? "write export default function (item) { … }"
      : "export it";
    const missing = exports.task === "undefined";
    const problem = missing
      ? `it has no ${wanted === "default" ? "default export" : `export ${JSON.stringify(wanted)}`}`
      : `its ${wanted} export is no function but ${exports.task}`;
    throw new UsageError("module", typed, problem, remedy);
  }
  if (exports.wrongHook !== undefined) {
    throw new UsageError(
      "module",
      typed,
      `its export ${JSON.stringify(exports.wrongHook)} is no function that can be called`,
      `write export function ${exports.wrongHook}() { … }, or give it another name`,
    );
  }
  if (job.items.kind === "module") checkItems(exports.items, typed);
}

/** What is wrong with items that can't be taken, and what to do. */
const REFUSED: Readonly<Partial<Record<ItemsKind, readonly [string, string]>>> = {
  missing: [
    `it exports no "items"`,
    "export const items = […], an async iterable, or a function that returns one",
  ],
  "not iterable": [
    `its export "items" can't be iterated`,
    "export const items = […], an async iterable, or a function that returns one",
  ],
  string: [
    `its export "items" is a string, of which each character would be an item`,
    "write items = [text], or [...text] if that is meant",
  ],
  empty: ["its items are empty", "give it at least one; two or more are needed to gain anything"],
};

function checkItems(kind: ItemsKind, typed: string): void {
  const [problem, remedy] = REFUSED[kind] ?? [];
  if (problem !== undefined) throw new UsageError("module", typed, problem, remedy!);
}

/** In which order a job's items are taken. */
function spreadOf({ items }: JobSpec): Pick<ProbeOrder, "spread" | "first"> {
  if (items.kind === "values" || !items.spread) return {};
  return { spread: true, ...(items.first !== undefined && { first: items.first }) };
}

/** Starts a fresh process, which may do what the job's permissions say, and tells it what to run. */
export async function startProbe(
  job: JobSpec,
  wanted: Omit<ProbeOrder, "module" | "export" | "spread" | "first">,
  signal: AbortSignal,
  { flags = [], env = {} }: Pick<ChildOptions, "flags" | "env"> = {},
): Promise<MeasuringChild> {
  const { module, export: name } = job.task;
  const order: ProbeOrder = { module, export: name, ...wanted, ...spreadOf(job) };
  return new MeasuringChild({
    entry: new URL("./probe_main.ts", import.meta.url),
    flags: [...await trialFlags(job, "sequential"), ...flags],
    env,
    order,
    signal,
  });
}

/** Of items that may be the one that runs, so many are named. */
const MOST_NAMED = 8;

/** The item that runs; of tiny ones that run together it isn't known which one it is. */
function itemNamed(indices: readonly number[]): string {
  const [index] = indices;
  if (indices.length === 1) return `item ${index}`;
  const follow = indices.every((of, place) => of === index! + place);
  if (follow) return `one of ${indices.length} items from item ${index} on`;
  const named = indices.slice(0, MOST_NAMED).join(", ");
  return `one of ${indices.length} items (${named}${indices.length > MOST_NAMED ? ", …" : ""})`;
}

function place(phase: string, item: string): string {
  if (phase === "item") return `making ${item}`;
  return phase === "tasks" ? item : phase === "load" ? "loading it" : `its ${phase}`;
}

function stuck(phase: string, item: string, guardMs: number): string {
  const limit = `within ${(guardMs / 1000).toFixed(1)} s`;
  switch (phase) {
    case "load":
      return `the module did not load ${limit}`;
    case "prepare":
    case "setup":
    case "teardown":
      return `its ${phase} did not end ${limit}`;
    case "items":
      return `its items did not open ${limit}`;
    case "item":
      return `${item} did not arrive ${limit}`;
    default:
      return `${item} did not settle ${limit}`;
  }
}

/** How long the sample waits for a teardown, in milliseconds. */
const TEARDOWN_MS = 5_000;

/** A teardown that takes longer than this is slow: an executor gives it 250 ms unless told. */
const SLOW_TEARDOWN_MS = 150;
/** Lanes are closed at the same time, perhaps on a busy machine: they get so many times as long. */
const AMPLE = 3;

/** The grace time that a job's teardown needs; undefined if the usual one is enough. */
export function graceFor({ teardownMs = 0 }: Pick<Probed, "teardownMs">): number | undefined {
  if (teardownMs <= SLOW_TEARDOWN_MS) return undefined;
  if (teardownMs === Infinity) return TEARDOWN_MS;
  return 100 * Math.ceil(AMPLE * teardownMs / 100);
}

/** Has the process take down what was set up, and waits for it. */
async function takenDown(
  child: MeasuringChild,
  options: ProbeOptions,
): Promise<Pick<Probed, "teardownMs">> {
  await child.send({ finish: true } satisfies ProbeCommand);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), TEARDOWN_MS);
  });
  try {
    while (true) {
      const message = await Promise.race([late, child.next() as Promise<ProbeMessage | undefined>]);
      options.signal?.throwIfAborted();
      if (message === "late") {
        child.stop();
        return { teardownMs: Infinity };
      }
      if (message === undefined) {
        throw new JobError(
          `Cannot run the job: its teardown ended the whole process (${await child.howItEnded()})`,
        );
      }
      if (message.type === "broken") throw brokenBy(message, options);
      if (message.type === "finished") return { teardownMs: message.teardownMs };
    }
  } finally {
    clearTimeout(timer);
  }
}

/** What the job's module threw outside its tasks. */
function brokenBy(
  message: Extract<ProbeMessage, { readonly type: "broken" }>,
  options: ProbeOptions,
  exports?: Exports,
): Error {
  const early = /^(items|making item)/.test(message.where) && exports?.setup && !exports.prepare
    ? "; items are made before setup() runs, and where it may not: make what they need in prepare()"
    : "";
  const where = message.where === "the module" ? "loading it" : `its ${message.where}`;
  return permissionNeeded(where, message.error, options) ?? new JobError(
    `Cannot run the job: ${message.where} failed: ${describe(message.error)}${early}`,
  );
}

/**
 * Runs a job's sample in a fresh process. Throws a UsageError if the module lacks an export or a
 * permission, or has no items; a JobError if it can't be loaded, fails at every item, ends its process,
 * or never settles.
 */
export const probe: Prober = async (job, options, chooseChecksums): Promise<Probed> => {
  const { signal, guardMs, guardOption = "--budget", limit, targetMs, meter, dry = false } =
    options;
  const guard = new AbortController();
  const timer = setTimeout(() => guard.abort(), guardMs);
  const stretches: Stretch[] = [];
  const failures: (Thrown & { index: number })[] = [];
  const checksums = new Map<number, string>();
  const readings: (Reading | undefined)[] = [];
  let exports: Exports | undefined;
  let phase = "load";
  let places: readonly number[] = [];
  let spread: number | undefined;
  let total: number | undefined;
  let at = 0;
  /** How many items may be the one that is running. */
  let together = 1;
  let lane: Pick<Probed, "laneMs" | "isDisposable"> = {};
  try {
    const either = signal ? AbortSignal.any([signal, guard.signal]) : guard.signal;
    const metered = meter !== undefined;
    await using child = await startProbe(job, { dry, limit, targetMs, metered }, either);
    while (true) {
      const message = await child.next() as ProbeMessage | undefined;
      signal?.throwIfAborted();
      if (message === undefined) {
        const ran = stretches.reduce((sum, { count }) => sum + count, 0);
        const indices = Array.from(
          { length: together },
          (_, place) => places[ran + at + place] ?? ran + at + place,
        );
        const found = {
          exports: exports!,
          stretches,
          failures,
          done: undefined,
          checksums,
          spread,
          total,
          ...lane,
        };
        if (guard.signal.aborted) {
          const item = phase === "item" && ran === 0 ? "its first item" : itemNamed(indices);
          const why = stuck(phase, item, guardMs);
          if (ran === 0) {
            throw new JobError(
              `Cannot run the job: ${why}; if it needs longer, raise ${guardOption}`,
            );
          }
          return { ...found, cutOff: why };
        }
        throw new JobError(
          `Cannot run the job: ${place(phase, itemNamed(indices))} ended the whole ` +
            `process (${await child.howItEnded()}); a task returns or throws, it never exits`,
        );
      }
      switch (message.type) {
        case "loaded":
          checkExports(exports = message.exports, job, options);
          if (dry) {
            return { exports, stretches, failures, done: undefined, cutOff: undefined, checksums };
          }
          break;
        case "phase":
          phase = message.phase;
          at = message.at ?? 0;
          together = message.together ?? 1;
          if (message.spread !== undefined) places = spreadOrder(spread = message.spread);
          total ??= message.total;
          break;
        case "ready":
          lane = { laneMs: message.laneMs, isDisposable: message.isDisposable };
          break;
        case "refused":
          checkItems(message.items, options.typed);
          break;
        case "generator":
          throw new UsageError(
            "module",
            options.typed,
            `its task gives a generator for item ${message.index}, whose body nobody runs`,
            "return its result, such as a list of what it yields",
          );
        case "meter":
          readings.push(await meter?.read(child.pid));
          await child.send({});
          break;
        case "stretches":
          stretches.push(...message.stretches);
          failures.push(...message.failures);
          [at, together] = [0, 1];
          break;
        case "broken":
          throw brokenBy(message, options, exports);
        case "done": {
          if (message.items === 0) checkItems("empty", options.typed);
          const denied = failures.map((failure) =>
            permissionNeeded(`item ${failure.index}`, failure, options)
          ).find((error) => error !== undefined);
          if (denied !== undefined) throw denied;
          if (message.failed === message.items) {
            throw new JobError(
              `Cannot run the job: every item fails, the first with ${describe(failures[0]!)}; ` +
                `mend the task first`,
            );
          }
          clearTimeout(timer);
          const [first, last] = readings;
          const load = first && last && loadBetween(first, last);
          const probed = {
            exports: exports!,
            stretches,
            failures,
            done: message,
            checksums,
            load,
            spread,
            total,
            ...lane,
          };
          const counts = await chooseChecksums({ ...probed, cutOff: undefined });
          for (const count of new Set(counts)) {
            if (count > message.kept) continue;
            await child.send({ checksum: count });
            const answer = await child.next() as ProbeMessage | undefined;
            if (answer?.type === "checksum") checksums.set(count, answer.checksum);
          }
          return { ...probed, cutOff: undefined, ...await takenDown(child, options) };
        }
      }
    }
  } finally {
    clearTimeout(timer);
  }
};
