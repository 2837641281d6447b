/** What `deno task sweep` measures: its options, which model, and which sizes or rates. */

import { isRemote, type Model, MODEL_TABLE, MODELS, needsKernel, takes } from "../models.ts";
import {
  duration,
  MOST_LANES,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
  seedOption,
  UsageError,
} from "../options.ts";
import { formatPercent } from "../text/format.ts";
import { MOST_LANES as MOST_USEFUL_LANES } from "../advice/race/race_plan.ts";
import { type SharedState, sharedWords } from "../advice/job/shared_state.ts";
import { blocks, computesBeside, heldMs, type Sample } from "../advice/probe/sample.ts";
import { checkOutputFiles, type Format, type OutputFiles } from "../files/output_files.ts";
import { type RawServerOptions, serverFor } from "../children/server_arguments.ts";
import type { ServerOptions } from "../lanes/cluster/broker.ts";
import type { LanePermissions } from "../lanes/permissions.ts";
import { COMPUTES } from "../judge/thresholds.ts";
import type { ModelSpec } from "../timing/spec.ts";

/** With more points than this a sweep takes too long. */
const MOST_POINTS = 32;

function listOf(
  option: string,
  text: string,
  example: string,
  read: (word: string) => number,
): number[] {
  const refuse = (problem: string, remedy: string): never => {
    throw new UsageError(option, text, problem, remedy);
  };
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) refuse("a number is missing", `give a list such as ${example}`);
  if (words.length > MOST_POINTS) {
    refuse(`${words.length} numbers are too many to measure`, `give ${MOST_POINTS} or fewer`);
  }
  const values = words.map(read);
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) refuse(`${twice} is there twice`, "name each number once");
  return values.sort((a, b) => a - b);
}

function sizesOf(option: string, text: string, max: number): number[] {
  return listOf(option, text, "1,2,4,8", (word) => positiveInteger(option, word, { max }));
}

function single(option: string, text: string, max: number, what: string): number {
  const [size, ...more] = sizesOf(option, text, max);
  if (more.length > 0) {
    throw new UsageError(option, text, `with ${what} it takes one number`, "give one such as 5");
  }
  return size!;
}

function doublings(largest: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < largest; size *= 2) sizes.push(size);
  return [...sizes, largest];
}

const SWEPT_MODELS = MODELS.filter((model) => MODEL_TABLE[model].sizes.length > 0);

export interface SweepPlan {
  readonly axis: "slots" | "lanes";
  readonly model: Model;
  readonly sizes: readonly number[];
  readonly slotsPerLane: number;
  readonly refine: boolean;
  /** The largest size to go on to while the throughput still rises; 0 for none but those listed. */
  readonly extendTo: number;
}

const MOST_SLOTS = 5_000;
/** So many slots are measured in any case, and so many in the end while the throughput rises. */
export const MOST_DEFAULT_SLOTS = 64;
const MOST_EXTENDED_SLOTS = 1024;
/** With fewer items a place, most of a trial would be its end. */
const LEAST_WAVES = 8;

/** The lanes measured unless told: up to twice the cores, one more each time while they are few. */
function defaultLanes(items: number): number[] {
  const most = Math.min(2 * navigator.hardwareConcurrency, items);
  return most <= 8 ? Array.from({ length: most }, (_, i) => i + 1) : doublings(most);
}

/** The plan for a model; of so many items, if that is known, no more are put in flight unless asked for. */
export function planFor(
  model: Model,
  { slots, lanes, refine }: Pick<RawSweepOptions, "slots" | "lanes" | "refine">,
  items = Infinity,
): SweepPlan {
  if (takes(model, "lanes")) {
    return {
      ...{ axis: "lanes", model },
      sizes: lanes === undefined ? defaultLanes(items) : sizesOf("--lanes", lanes, MOST_LANES),
      slotsPerLane: slots === undefined ? 1 : single("--slots", slots, MOST_SLOTS, model),
      refine: refine ?? lanes === undefined,
      // Beyond twice the cores lanes only crowd each other.
      extendTo: 0,
    };
  }
  if (lanes !== undefined) {
    const remedy = "leave it out, or choose --model workers or processes";
    throw new UsageError("--lanes", lanes, `${model} has one lane`, remedy);
  }
  // A GPU's slots are places in a buffer, others' are open connections.
  const { together, mostSlots } = MODEL_TABLE[model];
  return withinItems({
    axis: "slots",
    model,
    sizes: slots === undefined
      ? doublings(MOST_DEFAULT_SLOTS)
      : sizesOf("--slots", slots, together ? mostSlots : MOST_SLOTS),
    slotsPerLane: 1,
    refine: refine ?? slots === undefined,
    extendTo: slots === undefined ? MOST_EXTENDED_SLOTS : 0,
  }, items);
}

/** The plan with no more slots in flight than so many items fill, unless they were asked for. */
export function withinItems(plan: SweepPlan, items: number): SweepPlan {
  return plan.axis === "lanes" || plan.extendTo === 0 ? plan : {
    ...plan,
    sizes: doublings(Math.min(MOST_DEFAULT_SLOTS, items)),
    extendTo: Math.min(plan.extendTo, items / LEAST_WAVES),
  };
}

/** A task that holds up its event loop for more of its time than this needs lanes more than slots. */
const HOLDS = 0.5;

/** Decides what to sweep for a job of which nothing is known but a sample, by what advice goes by. */
export function choosePlan(
  sample: Sample,
  most: number,
  /** What its tasks share, of which each lane would have its own. */
  shared?: SharedState,
): { plan: SweepPlan; why: string } {
  const items = Math.min(most, sample.total ?? Infinity);
  const [lanes, slots] = [planFor("workers", {}, items), planFor("limited", {}, items)];
  const computes = `it computes ${formatPercent(sample.cpuShare)} of the time`;
  const sweep = (plan: SweepPlan, why: string) => (
    { plan, why: `${why}, so ${plan.axis} are swept` }
  );
  if (shared !== undefined) return sweep(slots, sharedWords(shared));
  if (sample.uncloneable !== undefined) {
    return sweep(slots, `nothing can be sent to lanes (${sample.uncloneable})`);
  }
  // What waits for programs that compute has no more to gain from lanes than these have cores.
  if (blocks(sample) && sample.cpuShare < COMPUTES) {
    const extendTo = Math.min(MOST_USEFUL_LANES, items / LEAST_WAVES);
    const until = 2 * (sample.programsMs ?? 0) > sample.cpuMs
      ? "until the programs that it runs have ended"
      : "while it waits";
    return sweep({ ...lanes, extendTo }, `it holds up its thread ${until}`);
  }
  if (heldMs(sample) >= HOLDS * sample.wallMs) return sweep(lanes, computes);
  return computesBeside(sample)
    ? sweep(slots, `${computes}, but beside its event loop`)
    : sweep(slots, `it waits ${formatPercent(1 - sample.cpuShare)} of the time`);
}

type Named =
  | ("slots" | "lanes" | "model" | "rounds" | "rate" | "duration" | "seed")
  | ("items" | "latency" | "timeout" | "export");

type RawSweepOptions =
  & RawServerOptions
  & Readonly<Partial<Record<Named | Exclude<Format, "trace">, string>>>
  & { readonly refine?: true };

export interface SweepOptionValues {
  /** Sizes and model of a closed loop; undefined where only measuring can tell which. */
  readonly sweep: SweepPlan | undefined;
  /** Rates and model of open-loop load; undefined unless asked for. */
  readonly openLoop: { readonly rates: readonly number[]; readonly model: ModelSpec } | undefined;
  readonly rounds: number;
  readonly server: ServerOptions | undefined;
  readonly durationMs: number | undefined;
  readonly seed: number;
  readonly items: number;
  readonly itemsGiven: boolean;
  readonly latencyMs: number;
  readonly timeoutMs: number;
  readonly export: string;
  readonly permissions: LanePermissions;
  readonly files: OutputFiles;
}

const MOST_RATE = 100_000;
/** More requests in one trial than this neither memory nor the reader needs. */
const MOST_REQUESTS = 200_000;
export const OPEN_LOOP_MS = 3_000;

/** Whether what is swept are the sums that this program comes with. */
export function computes(target: string): boolean {
  return target === "cpu" || target === "gpu";
}

function modelOf(target: string, raw: RawSweepOptions): Model | undefined {
  if (raw.model !== undefined) {
    const model = oneOf("--model", raw.model, SWEPT_MODELS);
    if (target === "io" && needsKernel(model)) {
      const problem = `${model} only computes, and downloads wait`;
      throw new UsageError("--model", model, problem, `leave it out, or sweep ${model}`);
    }
    return model;
  }
  if (target === "gpu") return "gpu";
  if (raw.lanes !== undefined) return "workers";
  if (raw.slots !== undefined || target === "io") return "limited";
  return target === "cpu" ? "workers" : undefined;
}

function openLoopModel(target: string, raw: RawSweepOptions): ModelSpec {
  const slots = raw.slots === undefined
    ? undefined
    : single("--slots", raw.slots, MOST_SLOTS, "--rate");
  const model = modelOf(target, raw) ?? "limited";
  if (!takes(model, "lanes")) {
    planFor(model, { lanes: raw.lanes });
    return slots === undefined && !isRemote(model) ? { model: "concurrent" } : { model, slots };
  }
  const lanes = raw.lanes === undefined
    ? navigator.hardwareConcurrency
    : single("--lanes", raw.lanes, MOST_LANES, "--rate");
  return { model, lanes, slots: slots ?? 1 };
}

function readOpenLoop(target: string, raw: RawSweepOptions, durationMs: number) {
  const { rate } = raw;
  if (rate === undefined) return undefined;
  if (computes(target)) {
    const problem = `${target} computes, and open-loop load is for tasks that wait`;
    throw new UsageError("--rate", rate, problem, "choose io or a module of your own");
  }
  const rates = listOf(
    "--rate",
    rate,
    "50,100,200",
    // As run takes it, too.
    (word) => nonNegativeNumber("--rate", word.replace(/\/s$/, ""), { min: 0.1, max: MOST_RATE }),
  );
  const most = rates.at(-1)! * durationMs / 1000;
  if (most > MOST_REQUESTS) {
    const problem = `${Math.round(most).toLocaleString("en")} requests a trial are too many`;
    throw new UsageError("--rate", rate, problem, "lower it, or give a shorter --duration");
  }
  return { rates, model: openLoopModel(target, raw) };
}

function refuseUnsuitable(target: string, raw: RawSweepOptions, permissions: LanePermissions) {
  const { rate, latency, duration, refine, export: name, items, timeout } = raw;
  const refuse = (given: Readonly<Record<string, unknown>>, why: string, remedy: string) => {
    for (const [option, value] of Object.entries(given)) {
      if (value === undefined) continue;
      const shown = value === true || String(value);
      throw new UsageError(`--${option}`, shown, `not taken here: ${why}`, remedy);
    }
  };
  if (target !== "io") refuse({ latency }, "the test site has it", "leave it out, or sweep io");
  if (target === "io" || computes(target)) {
    const allowed = Object.entries(permissions).map(([kind, of]) => [`allow-${kind}`, of]);
    const own = { export: name, items, timeout, ...Object.fromEntries(allowed) };
    refuse(own, "it is for modules of your own", "leave it out");
  } else if (rate === undefined) {
    refuse({ duration }, "a module's items decide it", "give --items or --rate");
  }
  if (rate !== undefined) refuse({ refine }, "rates are taken as they are listed", "leave it out");
}

export async function readSweepOptions(
  target: string,
  raw: RawSweepOptions,
  permissions: LanePermissions = {},
): Promise<SweepOptionValues> {
  const durationMs = raw.duration === undefined
    ? undefined
    : duration("--duration", raw.duration, { min: 50, max: 600_000 });
  refuseUnsuitable(target, raw, permissions);
  const loop = readOpenLoop(target, raw, durationMs ?? OPEN_LOOP_MS);
  const model = loop === undefined ? modelOf(target, raw) : undefined;
  const chosen = model ?? loop?.model.model;
  const server = await serverFor("--model", raw.model, chosen === undefined ? [] : [chosen], raw);
  const { json, csv, markdown, html } = raw;
  return {
    sweep: model && planFor(model, raw),
    openLoop: loop && (server ? { ...loop, model: { ...loop.model, server } } : loop),
    server,
    rounds: raw.rounds === undefined
      ? loop === undefined ? 3 : 2
      : positiveInteger("--rounds", raw.rounds, { max: 1_000 }),
    durationMs,
    seed: seedOption(raw.seed),
    itemsGiven: raw.items !== undefined,
    items: positiveInteger("--items", raw.items ?? "1000", { max: 1_000_000 }),
    latencyMs: duration("--latency", raw.latency ?? "20ms", { max: 60_000, plain: true }),
    timeoutMs: duration("--timeout", raw.timeout ?? "30s", { min: 1 }),
    export: raw.export ?? "default",
    permissions,
    files: await checkOutputFiles({ json, csv, markdown, html }),
  };
}
