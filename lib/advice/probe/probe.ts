/** Runs a sample one by one in a fresh process, and collects what each task took. */

import { createHash } from "node:crypto";
import { MeasuringChild } from "../../children/measuring_child.ts";
import { trialFlags } from "../../children/trial_flags.ts";
import { BASELINE, type Model, needsKernel } from "../../models.ts";
import { UsageError } from "../../text/option_values.ts";
import { checksumOfDigests } from "../../timing/checksum.ts";
import { type Load, loadBetween, type Meter } from "../../timing/meter/meter.ts";
import type { Reading } from "../../timing/meter/meter_main.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { spreadOrder } from "../../timing/job_items.ts";
import { kernelName } from "../../lanes/task.ts";
import { isRefusal } from "../../tasks/http_signs.ts";
import { permissionNeeded } from "../job/job_permissions.ts";
import {
  type Exports,
  type FailedItem,
  HOOKS,
  type ItemsKind,
  type ProbeDone,
  type ProbeMessage,
  type ProbeOrder,
  type Stretch,
  type Thrown,
} from "./probe_message.ts";

export class JobError extends Error {
  override name = "JobError";
}

export interface ProbeOptions {
  /** The module as the person named it, for errors. */
  readonly typed: string;
  readonly limit: number;
  readonly targetMs: number;
  readonly guardMs: number;
  /** The time limit of one task in milliseconds, where it differs from the whole sample's. */
  readonly taskMs?: number;
  readonly guardOption?: string;
  readonly signal?: AbortSignal;
  readonly meter?: Meter;
  readonly dry?: boolean;
  readonly shares?: boolean;
  /** The model that the job is for, if one was chosen. */
  readonly model?: Model | undefined;
}

export interface Probed {
  readonly exports: Exports;
  /** What the tasks took, in the order in which they ran. */
  readonly stretches: readonly Stretch[];
  /** The first few items that failed. */
  readonly failures: readonly FailedItem[];
  /** Undefined if the sample was cut off, or `dry`. */
  readonly done: ProbeDone | undefined;
  readonly cutOff: string | undefined;
  /** Digests of the first results, which must be equal from run to run, in the order in which they ran. */
  readonly digests?: readonly string[];
  /** The process's load while the sample ran; undefined if the system doesn't tell. */
  readonly load?: Load | undefined;
  /** How many items were taken in the order of timing/job_items.ts; undefined if they weren't. */
  readonly spread?: number | undefined;
  readonly total?: number | undefined;
  readonly loadMs?: number | undefined;
  readonly laneMs?: number | undefined;
  /** How long the teardown took, in milliseconds; Infinity if it didn't end in time. */
  readonly teardownMs?: number | undefined;
  readonly isDisposable?: boolean | undefined;
  /** What it left open once all was closed, which kept its process from ending. */
  readonly leavesOpen?: string | undefined;
}

/** Probes a job; a test's own returns at once. */
export type Prober = (job: JobSpec, options: ProbeOptions) => Promise<Probed>;

/** Runs a job's sample. Throws a UsageError if the module lacks something, a JobError if it can't be run. */
export const probe: Prober = async (job, options) => {
  const { limit, targetMs, meter, dry = false, shares } = options;
  const wanted = { dry, limit, targetMs, metered: meter !== undefined, shares };
  await using child = await startProbe(job, wanted, options);
  return await new Probing(job, options, child).probed();
};

/** Starts a fresh process with the job's permissions, and sends it its order. */
export async function startProbe(
  job: JobSpec,
  wanted: Omit<ProbeOrder, "module" | "export" | "spread" | "first">,
  { guardMs, signal }: Pick<ProbeOptions, "guardMs" | "signal">,
  flags: readonly string[] = [],
): Promise<MeasuringChild<ProbeMessage>> {
  const { module, export: name } = job.task;
  const { order: listOrder, first } = job.items.kind === "module" ? job.items : {};
  const spread = listOrder === "spread";
  const order: ProbeOrder = { module, export: name, ...wanted, spread, first };
  return new MeasuringChild({
    entry: new URL("./probe_main.ts", import.meta.url),
    order,
    flags: [...await trialFlags(job, { model: BASELINE }), ...flags],
    signal,
    guardMs,
  });
}

/** The least guard for a task, in milliseconds; the measuring between two tasks takes a part of it. */
const LEAST_TASK_MS = 1_000;
const TEARDOWN_MS = 5_000;
/** Hooks that may leave something to take down. */
const TAKING_DOWN: ReadonlySet<string> = new Set(["prepare", "setup", "teardown"]);

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Collects the messages of a probe's process. */
class Probing {
  readonly #stretches: Stretch[] = [];
  readonly #failures: FailedItem[] = [];
  readonly #found: Mutable<Omit<Probed, "exports">> & { exports?: Exports } = {
    stretches: this.#stretches,
    failures: this.#failures,
    done: undefined,
    cutOff: undefined,
  };
  readonly #readings: (Reading | undefined)[] = [];
  #phase = "load";
  #mayTakeMs: number;
  /** How many of the items that run together have ended, and how many may be running. */
  #at = 0;
  #together = 1;

  constructor(
    readonly job: JobSpec,
    readonly options: ProbeOptions,
    readonly child: MeasuringChild<ProbeMessage>,
  ) {
    this.#mayTakeMs = options.guardMs;
  }

  async probed(): Promise<Probed> {
    const { signal, dry } = this.options;
    let message: ProbeMessage | undefined;
    do {
      message = await this.child.next();
      // A complete sample is kept even if the signal aborts.
      if (this.#found.done === undefined) signal?.throwIfAborted();
      await (message === undefined ? this.#end() : this.#take(message));
    } while (message !== undefined && message.type !== "finished" && !dry);
    return this.#found as Probed;
  }

  /** Handles that the process sends nothing more. */
  async #end(): Promise<void> {
    const { done, exports } = this.#found;
    if (done === undefined) this.#found.cutOff = await this.#cutOff();
    else if (this.child.isLate) {
      // Without a hook to take down, only other programs can have delayed the process.
      const takesDown = exports!.hooks.some((hook) => TAKING_DOWN.has(hook));
      this.#found.teardownMs = takesDown ? Infinity : 0;
    } else if (!this.options.signal?.aborted) {
      const how = await this.child.howItEnded();
      throw cannotRun(`its teardown ended the whole process (${how})`);
    }
  }

  /** Why the process went silent, if items had run; throws if none had. */
  async #cutOff(): Promise<string> {
    const { guardOption = "--budget", dry } = this.options;
    const { spread, total = Infinity } = this.#found;
    const ran = this.#stretches.reduce((sum, { count }) => sum + count, 0);
    const places = spreadOrder(spread ?? 0);
    const left = Math.min(this.#together, Math.max(0, total - ran - this.#at));
    const indices = Array.from({ length: left }, (_, place) => {
      const turn = ran + this.#at + place;
      return places[turn] ?? turn;
    });
    const item = left === 0
      ? this.#phase === "item" ? "the end of its items" : "what its tasks left behind"
      : this.child.isLate && this.#phase === "item" && ran === 0
      ? "its first item"
      : itemNamed(indices.sort((a, b) => a - b));
    const [place, late] = PHASES[this.#phase]!(item);
    if (!this.child.isLate) {
      const how = await this.child.howItEnded();
      throw cannotRun(
        `${place} ended the whole process (${how}); a task returns or throws, it never exits`,
      );
    }
    const why = `${late} within ${(this.#mayTakeMs / 1000).toFixed(1)} s`;
    // A module that is only loaded has the time that an executor allows, which no option raises.
    if (ran === 0) {
      throw cannotRun(dry ? why : `${why}; if it needs longer, raise ${guardOption}`);
    }
    return why;
  }

  /** Gives each task its own time limit. */
  #guard(): void {
    const { taskMs, guardMs } = this.options;
    if (taskMs === undefined) return;
    this.#mayTakeMs = this.#phase === "tasks" ? Math.max(LEAST_TASK_MS, taskMs) : guardMs;
    this.child.guard(this.#mayTakeMs);
  }

  async #take(message: ProbeMessage): Promise<void> {
    const { typed, meter } = this.options;
    switch (message.type) {
      case "loaded":
        this.#found.exports = message.exports;
        return checkExports(message.exports, this.job, this.options);
      case "phase": {
        const { phase, at = 0, together = 1, spread, total, lane } = message;
        // A phase may be reported again while the same task goes on.
        const isNew = phase !== this.#phase || at !== this.#at;
        this.#phase = phase;
        [this.#at, this.#together] = [at, together];
        this.#found.spread ??= spread;
        this.#found.total ??= total;
        Object.assign(this.#found, lane);
        return isNew ? this.#guard() : undefined;
      }
      case "refused":
        return checkItems(message.items, typed);
      case "generator": {
        const problem =
          `its task gives a generator for item ${message.index}, whose body nobody runs`;
        const remedy = "return its result, such as a list of what it yields";
        throw new UsageError("module", typed, problem, remedy);
      }
      case "meter":
        this.#readings.push(await meter?.read(this.child.pid, true));
        return await this.child.send({});
      case "stretch":
        this.#stretches.push(message.stretch);
        this.#failures.push(...message.failures);
        [this.#at, this.#together] = [0, 1];
        return this.#guard();
      case "done": {
        this.#check(message);
        const [first, last] = this.#readings;
        this.#found.done = message;
        this.#found.load = first && last && loadBetween(first, last);
        // The `comparable` hook may need time.
        return this.child.guard();
      }
      case "digests":
        this.#found.digests = message.digests;
        return this.child.guard(TEARDOWN_MS);
      case "finished": {
        this.#found.teardownMs = message.teardownMs;
        void this.child.send(undefined);
        const last = await this.child.next();
        if (last?.type === "open") this.#found.leavesOpen = last.what;
        return;
      }
      case "open":
        return;
      case "broken":
        throw brokenBy(message, typed, this.#found.exports?.hooks);
    }
  }

  /** Rejects a sample that shows nothing. */
  #check({ items, failed }: ProbeDone): void {
    const { typed } = this.options;
    if (items === 0) checkItems("empty", typed);
    for (const failure of this.#failures) {
      const denied = permissionNeeded(`item ${failure.index}`, failure, typed);
      if (denied !== undefined) throw denied;
    }
    if (failed < items) return;
    const remedy = this.#failures.every(isRefusal)
      ? "run it again once what it asks answers"
      : "mend the task first";
    throw cannotRun(
      `every item fails, the first with ${describe(this.#failures[0]!)}; ${remedy}`,
    );
  }
}

function cannotRun(why: string): JobError {
  return new JobError(`Cannot run the job: ${why}`);
}

function describe({ name, message }: Thrown): string {
  return name === "Error" ? message || "an error without a message" : `${name}: ${message}`;
}

const EXPORT_ITEMS = "export const items = […], an async iterable, or a function that returns one";
const REFUSED: Readonly<Partial<Record<ItemsKind, readonly [string, string]>>> = {
  missing: [`it exports no "items"`, EXPORT_ITEMS],
  "not iterable": [`its export "items" can't be iterated`, EXPORT_ITEMS],
  string: [
    `its export "items" is a string, of which each character would be an item`,
    "write items = [text], or [...text] if that is meant",
  ],
  empty: ["its items are empty", "give it at least one"],
};

function checkItems(kind: ItemsKind, typed: string): void {
  const refused = REFUSED[kind];
  if (refused !== undefined) throw new UsageError("module", typed, ...refused);
}

function checkExports(
  exports: Exports,
  job: JobSpec,
  { typed, model }: Pick<ProbeOptions, "typed" | "model">,
): void {
  const { task, functions, wrongHook, hasKernel, items } = exports;
  const wanted = job.task.export;
  if (task !== "function") {
    const others = functions.filter((name) =>
      name !== "items" && !(HOOKS as readonly string[]).includes(name)
    );
    const remedy = others.length > 0
      ? `name one of its functions with --export: ${others.join(", ")}`
      : task.startsWith("a ")
      ? "write a function that returns its result"
      : wanted === "default"
      ? "write export default function (item) { … }"
      : "export it";
    const problem = task !== "undefined"
      ? `its ${wanted} export is no function but ${task}`
      : `it has no ${wanted === "default" ? "default export" : `export ${JSON.stringify(wanted)}`}`;
    throw new UsageError("module", typed, problem, remedy);
  }
  if (wrongHook !== undefined) {
    const problem = `its export ${JSON.stringify(wrongHook)} is no function that can be called`;
    const remedy = `write export function ${wrongHook}() { … }, or give it another name`;
    throw new UsageError("module", typed, problem, remedy);
  }
  if (model !== undefined && needsKernel(model) && !hasKernel) {
    const remedy = `export one as ${kernelName(wanted)}, or choose another model`;
    throw new UsageError("--model", model, "the job's task has no kernel", remedy);
  }
  if (job.items.kind === "module") checkItems(items, typed);
}

/** The most items that a message names where one of several may be running. */
const MOST_NAMED = 8;

/** The running item; of tiny items that run together it isn't known which one it is. */
function itemNamed(indices: readonly number[]): string {
  const [index] = indices;
  if (indices.length === 1) return `item ${index}`;
  const follow = indices.every((of, place) => of === index! + place);
  if (follow) return `one of ${indices.length} items from item ${index} on`;
  const named = indices.slice(0, MOST_NAMED).join(", ");
  return `one of ${indices.length} items (${named}${indices.length > MOST_NAMED ? ", …" : ""})`;
}

const PHASES: Readonly<Record<string, (item: string) => readonly [string, string]>> = {
  load: () => ["loading it", "the module did not load"],
  prepare: () => ["its prepare", "its prepare did not end"],
  setup: () => ["its setup", "its setup did not end"],
  items: () => ["its items", "its items did not open"],
  item: (item) => [`making ${item}`, `${item} did not arrive`],
  tasks: (item) => [item, `${item} did not settle`],
};

const EARLY =
  "; items are made before setup() runs, and where it may not: make what they need in prepare()";

function brokenBy(
  { where, error }: Extract<ProbeMessage, { readonly type: "broken" }>,
  typed: string,
  hooks: Exports["hooks"] = [],
): Error {
  const isEarly = /^(items|making item)/.test(where) && hooks.includes("setup") &&
    !hooks.includes("prepare");
  const place = where === "the module" ? "loading it" : `its ${where}`;
  return permissionNeeded(place, error, typed) ??
    cannotRun(`${where} failed: ${describe(error)}${isEarly ? EARLY : ""}`);
}

/** A teardown longer than this is slow, in milliseconds; an executor's default grace is 250 ms. */
const SLOW_TEARDOWN_MS = 150;
/** The grace is this many times the teardown, since lanes close together, perhaps on a busy machine. */
const AMPLE = 3;

/** The grace time that a job's teardown needs in milliseconds; undefined if the default is enough. */
export function graceFor({ teardownMs = 0 }: Pick<Probed, "teardownMs">): number | undefined {
  if (teardownMs <= SLOW_TEARDOWN_MS) return undefined;
  return teardownMs === Infinity ? TEARDOWN_MS : 100 * Math.ceil(AMPLE * teardownMs / 100);
}

/** The part of a trial's job that concerns its teardown. */
export function closingOf(
  { teardownMs }: Pick<Probed, "teardownMs">,
): Pick<JobSpec, "graceMs" | "teardownIsEndless"> {
  // Each trial would wait for the teardown in vain.
  if (teardownMs === Infinity) return { teardownIsEndless: true };
  const graceMs = graceFor({ teardownMs });
  return graceMs === undefined ? {} : { graceMs };
}

/** The share of the sample, and its limit, that runs in another order to see whether order matters. */
const SHARE_NEIGHBOURS = 1 / 8;
const MOST_NEIGHBOURS = 64;
/** Whatever that share is, up to FEW_NEIGHBOURS run if they take no longer than QUICK_MS in all. */
const FEW_NEIGHBOURS = 16;
const QUICK_MS = 250;

/** How many of the list's first items run in another order, to see whether order matters. */
export function countNeighbours({ done, stretches }: Pick<Probed, "done" | "stretches">): number {
  const kept = done?.kept ?? 0;
  const sampleMs = stretches.reduce((sum, { wallMs }) => sum + wallMs, 0);
  const quick = Math.min(FEW_NEIGHBOURS, Math.floor(QUICK_MS * kept / Math.max(1e-9, sampleMs)));
  return Math.min(kept, MOST_NEIGHBOURS, Math.max(2, Math.ceil(SHARE_NEIGHBOURS * kept), quick));
}

/** The checksum of the results that ran first, or are first in the list; undefined if some weren't kept. */
export function checksumOfFirst(
  count: number,
  { digests = [], spread }: Pick<Probed, "digests" | "spread">,
  of: "run" | "listed" = "run",
): string | undefined {
  const places = spreadOrder(spread ?? 0);
  const placed = digests.map((digest, turn) => ({ index: places[turn] ?? turn, digest }));
  const first = of === "run" ? placed.slice(0, count) : placed.filter(({ index }) => index < count);
  return first.length < count ? undefined : checksumOfDigests(first, createHash);
}
