/** The options of `deno task sweep`, and what they mean together. */

import {
  duration,
  MOST_LANES,
  type NamedFile,
  oneOf,
  positiveInteger,
  seedOption,
  UsageError,
} from "../options.ts";
import { checkOutputFiles, type Format, type OutputFiles } from "../files/output_files.ts";
import { type RawServerOptions, serverFor } from "../children/server_arguments.ts";
import type { ServerOptions } from "../lanes/cluster/server_options.ts";
import type { LanePermissions } from "../lanes/subprocess/permissions.ts";
import type { ModelSpec } from "../timing/spec.ts";
import { isRemote, needsKernel, takes } from "../models.ts";
import {
  MOST_SLOTS,
  planFor,
  ratesOf,
  single,
  type SweepPlan,
  SWEPT_MODELS,
  type SweptModel,
} from "./sweep_plan.ts";

type RawSweepOptions =
  & RawServerOptions
  & Readonly<Partial<Record<Named | Exclude<Format, "trace">, string>>>
  & { readonly refine?: true };

type Named =
  | ("slots" | "lanes" | "model" | "rounds" | "rate" | "duration" | "seed")
  | ("items" | "latency" | "timeout" | "export");

export interface SweepOptionValues {
  /** Sizes and model of a closed loop; undefined where only measuring can tell which. */
  readonly sweep: SweepPlan | undefined;
  /** Rates and model of open-loop load; undefined unless asked for. */
  readonly openLoop: { readonly rates: readonly number[]; readonly model: ModelSpec } | undefined;
  readonly rounds: number;
  /** Where the machines of a cluster meet. */
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
/** How long requests are scheduled for unless told. */
export const OPEN_LOOP_MS = 3_000;

/** Whether what is swept are the sums that this program comes with. */
export function computes(target: string): boolean {
  return target === "cpu" || target === "gpu";
}

function modelOf(target: string, raw: RawSweepOptions): SweptModel | undefined {
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
  if (raw.slots !== undefined) return "limited";
  return target === "io" ? "limited" : target === "cpu" ? "workers" : undefined;
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
  if (raw.rate === undefined) return undefined;
  if (computes(target)) {
    const problem = `${target} computes, and open-loop load is for tasks that wait`;
    throw new UsageError("--rate", raw.rate, problem, "choose io or a module of your own");
  }
  const rates = ratesOf("--rate", raw.rate, MOST_RATE);
  const most = rates.at(-1)! * durationMs / 1000;
  if (most > MOST_REQUESTS) {
    const problem = `${Math.round(most).toLocaleString("en")} requests a trial are too many`;
    throw new UsageError("--rate", raw.rate, problem, "lower it, or give a shorter --duration");
  }
  return { rates, model: openLoopModel(target, raw) };
}

function refuse(
  option: string,
  value: string | true | undefined,
  why: string,
  remedy: string,
): void {
  if (value !== undefined) throw new UsageError(option, value, `not taken here: ${why}`, remedy);
}

function refuseUnsuitable(
  target: string,
  raw: RawSweepOptions,
  permissions: LanePermissions,
  isOpenLoop: boolean,
): void {
  if (target !== "io") {
    refuse("--latency", raw.latency, "the test site has it", "leave it out, or sweep io");
  }
  if (target === "io" || computes(target)) {
    const own = { export: raw.export, items: raw.items, timeout: raw.timeout };
    for (const [name, value] of Object.entries(own)) {
      refuse(`--${name}`, value, "it is for modules of your own", "leave it out");
    }
    for (const [kind, of] of Object.entries(permissions)) {
      refuse(
        `--allow-${kind}`,
        of === true || of.join(),
        "it is for modules of your own",
        "leave it out",
      );
    }
  } else if (!isOpenLoop) {
    refuse("--duration", raw.duration, "a module's items decide it", "give --items or --rate");
  }
  if (isOpenLoop && raw.refine) {
    refuse("--refine", true, "rates are taken as they are listed", "leave it out");
  }
}

export async function readSweepOptions(
  target: string,
  raw: RawSweepOptions,
  permissions: LanePermissions = {},
  inputs: readonly NamedFile[] = [],
): Promise<SweepOptionValues> {
  const durationMs = raw.duration === undefined
    ? undefined
    : duration("--duration", raw.duration, { min: 50, max: 600_000 });
  refuseUnsuitable(target, raw, permissions, raw.rate !== undefined);
  const loop = readOpenLoop(target, raw, durationMs ?? OPEN_LOOP_MS);
  const model = loop === undefined ? modelOf(target, raw) : undefined;
  const chosen = model ?? loop?.model.model;
  const server = await serverFor("--model", raw.model, chosen === undefined ? [] : [chosen], raw);
  const openLoop = loop && { ...loop, model: { ...loop.model, ...(server && { server }) } };
  const { json, csv, markdown, html } = raw;
  return {
    sweep: model === undefined ? undefined : planFor(model, raw),
    openLoop,
    server,
    rounds: raw.rounds === undefined
      ? openLoop === undefined ? 3 : 2
      : positiveInteger("--rounds", raw.rounds, { max: 1_000 }),
    durationMs,
    seed: seedOption(raw.seed),
    itemsGiven: raw.items !== undefined,
    items: positiveInteger("--items", raw.items ?? "1000", { max: 1_000_000 }),
    latencyMs: duration("--latency", raw.latency ?? "20ms", { max: 60_000 }),
    timeoutMs: duration("--timeout", raw.timeout ?? "30s", { min: 1 }),
    export: raw.export ?? "default",
    permissions,
    files: await checkOutputFiles({ json, csv, markdown, html }, inputs),
  };
}
