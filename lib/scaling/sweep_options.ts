/** Reads and checks the options of `deno task sweep`, and plans which sizes are measured. */

import { type RawServerOptions, serverFor } from "../children/model_arguments.ts";
import { checkOutputFiles, type Format } from "../files/output_files.ts";
import type { LanePermissions } from "../lanes/permissions.ts";
import { isRemote, type Model, MODEL_TABLE, MODELS, needsKernel, takes } from "../models.ts";
import {
  duration,
  given,
  LANE_LIMIT,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
  readList,
  seedOption,
  UsageError,
} from "../text/option_values.ts";
import type { ModelSpec } from "../timing/spec.ts";

const SWEPT_MODELS = MODELS.filter((model) => MODEL_TABLE[model].sizes.length > 0);

type Named =
  | ("model" | "rounds" | "rate" | "duration" | "seed")
  | ("items" | "latency" | "timeout" | "export");

type RawSweepOptions =
  & RawServerOptions
  & RawSizes
  & Readonly<Partial<Record<Named | Exclude<Format, "trace">, string>>>;

export type SweepOptionValues = Awaited<ReturnType<typeof readSweepOptions>>;

const MOST_RATE = 100_000;
/** More requests in one trial take too much memory and tell no more. */
const MOST_REQUESTS = 200_000;
export const OPEN_LOOP_MS = 3_000;

/** Whether the target is one of this program's own sums. */
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
  const slots = given(raw.slots, (text) => single("--slots", text, MOST_SWEPT_SLOTS, "--rate"));
  const model = modelOf(target, raw) ?? "limited";
  if (!takes(model, "lanes")) {
    sweepPlanFor(model, { lanes: raw.lanes });
    return slots === undefined && !isRemote(model) ? { model: "concurrent" } : { model, slots };
  }
  const lanes = raw.lanes === undefined
    ? navigator.hardwareConcurrency
    : single("--lanes", raw.lanes, LANE_LIMIT, "--rate");
  return { model, lanes, slots: slots ?? 1 };
}

function readOpenLoop(
  target: string,
  raw: RawSweepOptions,
  durationMs: number,
): { readonly rates: readonly number[]; readonly model: ModelSpec } | undefined {
  const { rate } = raw;
  if (rate === undefined) return undefined;
  if (computes(target)) {
    const problem = `${target} computes, and open-loop load is for tasks that wait`;
    throw new UsageError("--rate", rate, problem, "choose io or a module of your own");
  }
  const rates = numbersOf(
    "--rate",
    rate,
    "50,100,200",
    // A trailing "/s" is allowed, as in `run`.
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
) {
  const durationMs = given(
    raw.duration,
    (text) => duration("--duration", text, { min: 50, max: 600_000 }),
  );
  refuseUnsuitable(target, raw, permissions);
  const loop = readOpenLoop(target, raw, durationMs ?? OPEN_LOOP_MS);
  const model = loop === undefined ? modelOf(target, raw) : undefined;
  const chosen = model ?? loop?.model.model;
  const server = await serverFor("--model", raw.model, chosen === undefined ? [] : [chosen], raw);
  const { json, csv, markdown, html } = raw;
  return {
    /** Sizes and model of a closed loop; undefined if only measuring can tell. */
    sweep: model && sweepPlanFor(model, raw),
    /** Rates and model of open-loop load; undefined unless the user asked for it. */
    openLoop: loop && (server ? { ...loop, model: { ...loop.model, server } } : loop),
    server,
    rounds: given(raw.rounds, (text) => positiveInteger("--rounds", text, { max: 1_000 })) ??
      (loop === undefined ? 3 : 2),
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

/** With more points a sweep takes too long. */
const MOST_POINTS = 32;

/** A list of distinct numbers, in ascending order. */
export function numbersOf(
  option: string,
  text: string,
  example: string,
  read: (word: string) => number,
): number[] {
  const numbers = readList(option, text, example, read);
  if (numbers.length > MOST_POINTS) {
    const problem = `${numbers.length} numbers are too many to measure`;
    throw new UsageError(option, text, problem, `give ${MOST_POINTS} or fewer`);
  }
  return numbers.sort((a, b) => a - b);
}

function sizesOf(option: string, text: string, max: number): number[] {
  return numbersOf(option, text, "1,2,4,8", (word) => positiveInteger(option, word, { max }));
}

/** A single number, for an option that otherwise takes a list. */
export function single(option: string, text: string, max: number, what: string): number {
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

export interface RawSizes {
  readonly slots?: string | undefined;
  readonly lanes?: string | undefined;
  readonly refine?: true | undefined;
}

export interface SweepPlan {
  readonly axis: "slots" | "lanes";
  readonly model: Model;
  readonly sizes: readonly number[];
  readonly slotsPerLane: number;
  readonly refine: boolean;
  /** The largest size to try while the throughput still rises; 0 to keep to `sizes`. */
  readonly extendTo: number;
}

export const MOST_SWEPT_SLOTS = 5_000;
/** The most slots that are measured in any case, and the most while the throughput rises. */
export const MOST_DEFAULT_SLOTS = 64;
const MOST_EXTENDED_SLOTS = 1024;
/** With fewer items a place, the end of a trial would be most of it. */
export const LEAST_WAVES = 8;

/** The default numbers of lanes: up to twice the cores, each number while they are few. */
function defaultLanes(items: number): number[] {
  const most = Math.min(2 * navigator.hardwareConcurrency, items);
  return most <= 8 ? Array.from({ length: most }, (_, i) => i + 1) : doublings(most);
}

/** The plan for a model; by default no more than `items` are put in flight. */
export function sweepPlanFor(
  model: Model,
  { slots, lanes, refine }: RawSizes,
  items = Infinity,
): SweepPlan {
  if (takes(model, "lanes")) {
    return {
      ...{ axis: "lanes", model },
      sizes: lanes === undefined ? defaultLanes(items) : sizesOf("--lanes", lanes, LANE_LIMIT),
      slotsPerLane: slots === undefined ? 1 : single("--slots", slots, MOST_SWEPT_SLOTS, model),
      refine: refine ?? lanes === undefined,
      // More lanes than twice the cores only crowd each other.
      extendTo: 0,
    };
  }
  if (lanes !== undefined) {
    const remedy = "leave it out, or choose --model workers or processes";
    throw new UsageError("--lanes", lanes, `${model} has one lane`, remedy);
  }
  // A GPU's slots are places in a buffer, other models' are open connections.
  const { together, mostSlots } = MODEL_TABLE[model];
  return withinItems({
    axis: "slots",
    model,
    sizes: slots === undefined
      ? doublings(MOST_DEFAULT_SLOTS)
      : sizesOf("--slots", slots, together ? mostSlots : MOST_SWEPT_SLOTS),
    slotsPerLane: 1,
    refine: refine ?? slots === undefined,
    extendTo: slots === undefined ? MOST_EXTENDED_SLOTS : 0,
  }, items);
}

/** The plan with no more slots than `items` fill, unless the user gave the sizes. */
export function withinItems(plan: SweepPlan, items: number): SweepPlan {
  return plan.axis === "lanes" || plan.extendTo === 0 ? plan : {
    ...plan,
    sizes: doublings(Math.min(MOST_DEFAULT_SLOTS, items)),
    extendTo: Math.min(plan.extendTo, items / LEAST_WAVES),
  };
}
