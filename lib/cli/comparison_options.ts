/** The options that `io` and `cpu` share: their help, and how they are read and checked. */

import {
  defaultLanes,
  isFixed,
  isRemote,
  type JobKind,
  type Model,
  MODEL_TABLE,
  MODELS,
  needsServer,
  takes,
  USUAL_MODELS,
} from "../models.ts";
import {
  given,
  LANE_LIMIT,
  listOf,
  MOST_SLOTS,
  needs,
  nonNegativeInteger,
  positiveInteger,
  seedOption,
  shareOption,
  UsageError,
} from "../text/option_values.ts";
import { type NamedFile } from "../files/named_files.ts";
import type { ComparisonSpec, JobSpec, ModelSpec } from "../timing/spec.ts";
import type { ResultFile } from "../timing/result.ts";
import { checkOutputFiles, type Format, type OutputFiles } from "../files/output_files.ts";
import { userPath } from "../files/user_files.ts";
import {
  BOUNDS_HELP,
  boundsFor,
  type RawBounds,
  type RawServerOptions,
  refuseSize,
  SERVER_HELP,
  serverFor,
} from "../children/model_arguments.ts";

const ROUNDS = 3;
export const MOST_ROUNDS = 1_000;
const MOST_WARMUP = 1_000_000;

export type RawComparisonOptions = Readonly<
  Partial<Record<Named | Format, string>> & { live?: true | undefined }
>;

type Named =
  | ("models" | "rounds" | "warmup" | "seed" | "slots" | "lanes")
  | ("baseline" | "maxSlowdown" | keyof RawServerOptions | keyof RawBounds);

export interface ComparisonOptions {
  readonly models: readonly ModelSpec[];
  readonly rounds: number | undefined;
  readonly warmup: number;
  readonly seed: number;
  readonly files: OutputFiles;
  /** An earlier result to compare with, and its path as typed. */
  readonly baseline: { readonly result: ResultFile; readonly path: string } | undefined;
  /** How much slower than the baseline is allowed, as a share: 0.1 is 10%. */
  readonly maxSlowdown: number;
  readonly live: boolean;
}

interface OptionTaker {
  option(flags: string, description: string): OptionTaker;
}

export function addComparisonOptions(command: OptionTaker, kind: JobKind): void {
  const lanes = MODELS.filter((model) => takes(model, "lanes"));
  const unusual = MODELS.filter((model) =>
    MODEL_TABLE[model].kinds.includes(kind) && !USUAL_MODELS.includes(model)
  );
  const all = ["all", ...(unusual.length > 0 ? [unusual.join(", ")] : [])].join(" but ");
  command
    .option("--models <list>", `models to compare, such as sequential,limited (default: ${all})`)
    .option(
      "--slots <n>",
      `slots of limited: tasks in flight at once (default: ${MODEL_TABLE.limited.slots})`,
    )
    .option(
      "--lanes <n>",
      `lanes of ${lanes.join(", ")} ` +
        `(default: ${lanes.map((model) => `${defaultLanes(model, kind)} ${model}`).join(", ")})`,
    )
    .option("--max-slots <n>", BOUNDS_HELP.maxSlots)
    .option("--max-lanes <n>", BOUNDS_HELP.maxLanes)
    .option("--memory <size>", BOUNDS_HELP.memory)
    .option("--stay <where>", BOUNDS_HELP.stay)
    .option("--servers <list>", `of cluster: ${SERVER_HELP.servers}`)
    .option("--user <name>", SERVER_HELP.user)
    .option("--creds <file>", SERVER_HELP.creds)
    .option("--tls-ca <file>", SERVER_HELP.tlsCa)
    .option("--rounds <n>", `how often each model is measured (default: ${ROUNDS})`)
    .option("--warmup <n>", "items run before the measured ones in each trial (default: 0)")
    .option("--seed <n>", "order of the trials (default: drawn, and printed)")
    .option("--json <file>", "write the result file, with every round")
    .option("--csv <file>", "write a table of all rounds")
    .option("--markdown <file>", "write a table for an issue or a pull request")
    .option("--html <file>", "write one page with charts; it opens without a network")
    .option("--trace <file>", "write every task for ui.perfetto.dev or chrome://tracing")
    .option("--baseline <file>", "compare with an earlier result file; exit 3 when slower")
    .option(
      "--max-slowdown <share>",
      "how much slower than the baseline is allowed (default: 10%)",
    )
    .option(
      "--live",
      "show it while it runs, on a page for this machine alone, whose address is printed",
    );
}

/** Reads and checks the options and output files before anything is measured; `kind` sets default lanes. */
export async function readComparisonOptions(
  raw: RawComparisonOptions,
  kind: JobKind,
  inputs: readonly NamedFile[] = [],
): Promise<ComparisonOptions> {
  const upTo = (max: number, option: string, typed: string | undefined) =>
    given(typed, (text) => positiveInteger(option, text, { max }));
  const slots = upTo(MOST_SLOTS, "--slots", raw.slots) ?? MODEL_TABLE.limited.slots;
  const lanes = upTo(LANE_LIMIT, "--lanes", raw.lanes);
  const names = raw.models === undefined ? USUAL_MODELS : listOf("--models", raw.models, MODELS);
  const unfit = names.find((model) => !MODEL_TABLE[model].kinds.includes(kind));
  if (unfit !== undefined) {
    const problem = `${unfit} only computes, and these tasks wait`;
    throw new UsageError("--models", raw.models!, problem, `leave ${unfit} out`);
  }
  for (const name of ["slots", "lanes"] as const) {
    const value = raw[name];
    if (value === undefined || names.some((model) => isSizedBy(model, name))) continue;
    if (!names.every(isFixed)) refuseSize(name, value);
    const sized = MODELS.filter((model) => isSizedBy(model, name)).join(" or ");
    const remedy = `leave it out, or add ${sized} to --models`;
    throw new UsageError(`--${name}`, value, "no model chosen takes it", remedy);
  }
  const maxSlowdown = shareOption("--max-slowdown", raw.maxSlowdown ?? "10%", Infinity);
  needs(raw.baseline !== undefined, "--max-slowdown", raw.maxSlowdown, "--baseline");
  const server = await serverFor("--models", raw.models, names, raw);
  const bounds = boundsFor("--models", names, raw);
  const earlier = given(raw.baseline, (path) => ({ option: "--baseline", path: userPath(path) }));
  return {
    models: names.map((model) => ({
      ...sized(model, slots, lanes, kind),
      ...(needsServer(model) && server && { server }),
      ...(!isFixed(model) && bounds && { bounds }),
    })),
    rounds: upTo(MOST_ROUNDS, "--rounds", raw.rounds),
    warmup: nonNegativeInteger("--warmup", raw.warmup ?? "0", { max: MOST_WARMUP }),
    seed: seedOption(raw.seed),
    maxSlowdown,
    live: raw.live ?? false,
    baseline: await given(raw.baseline, async (path) => {
      const { resultOption } = await import("./result_files.ts");
      return { result: await resultOption("--baseline", path), path };
    }),
    files: await checkOutputFiles(raw, earlier ? [earlier, ...inputs] : inputs),
  };
}

/** Whether --slots or --lanes sizes a model; remote lanes keep one slot, so that slots and lanes stay apart. */
function isSizedBy(model: Model, name: "slots" | "lanes"): boolean {
  return takes(model, name) && (name === "lanes" || !isRemote(model));
}

function sized(model: Model, slots: number, lanes: number | undefined, kind: JobKind): ModelSpec {
  if (isSizedBy(model, "lanes")) {
    return { model, lanes: lanes ?? defaultLanes(model, kind), slots: 1 };
  }
  if (isSizedBy(model, "slots")) return { model, lanes: 1, slots };
  // One lane; one slot under sequential, as many as there are items under concurrent, or 8,192 on a GPU.
  return { model };
}

/** The comparison that these options describe; `usualRounds` is used if --rounds wasn't given. */
export function specOf(
  job: JobSpec,
  { models, rounds, seed, warmup }: ComparisonOptions,
  usualRounds: number = ROUNDS,
): ComparisonSpec {
  return { job, models, rounds: rounds ?? usualRounds, seed, warmup };
}
