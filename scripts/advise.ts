/** `deno task advise`: says whether a job waits or computes, and which model to use for it, by measuring. */

import { PERMISSION_HELP, takePermissions } from "../lib/advice/job/job_permissions.ts";
import { BOUNDS_HELP, boundsFor, SERVER_HELP, serverFor } from "../lib/children/model_arguments.ts";
import { command } from "../lib/cli/command.ts";
import { script } from "../lib/cli/script.ts";
import { checkOutputFiles } from "../lib/files/output_files.ts";
import { isFixed, MODEL_TABLE, MODELS, needsServer } from "../lib/models.ts";
import {
  duration,
  listOf,
  positiveInteger,
  seedOption,
  UsageError,
} from "../lib/text/option_values.ts";

const LEAST_BUDGET_MS = 1000;
/** The models that advice can compare with `sequential`. */
const ADVISED = MODELS.filter((model) =>
  MODEL_TABLE[model].isUsual || needsServer(model) || !isFixed(model)
);

const advice = command(
  "advise",
  `
Says what a job of your own is bound by, and what to do: runs a sample of it one by one, splits its
time into computing and waiting, predicts every model's gain, races the promising ones on the job's
own items, and recommends the simplest that is as good as the best, with its code.

A job is a module that exports a task and its items:

  export const items = ["a", "b"];                  an iterable, an async one, or a function
  export default function (item) { … }              one item in, one result out
  export const title = "…";       optional
  export function prepare() {}    optional: run once before the items are made
  export function setup() {}      optional: run once in each lane; its value is context.resource
  export function teardown() {}   optional: takes it down when the lane is closed
  export function reset() {}      optional: restores the initial state before each trial
  export function comparable(result) { … }   optional: what of a result must be equal`
    .trim(),
)
  .argument("<module>", "the job's module: a path, or a file: URL")
  .option("--export <name>", "the task's export (default: default)")
  .option("--items <n>", "take so many items at most")
  .option(
    "--budget <time>",
    "how long it may take (default: 30s; less for short jobs on a busy machine)",
  )
  .option(
    "--models <list>",
    "models to race beside sequential (default: concurrent,limited,workers,processes); auto runs once, after them",
  )
  .option("--max-slots <n>", BOUNDS_HELP.maxSlots)
  .option("--max-lanes <n>", BOUNDS_HELP.maxLanes)
  .option("--memory <size>", BOUNDS_HELP.memory)
  .option("--stay <where>", BOUNDS_HELP.stay)
  .option("--servers <list>", `race cluster too: ${SERVER_HELP.servers}`)
  .option("--user <name>", SERVER_HELP.user)
  .option("--creds <file>", SERVER_HELP.creds)
  .option("--tls-ca <file>", SERVER_HELP.tlsCa)
  .option("--dry", "say what would be done; load the module, but run nothing of it")
  .option("--seed <n>", "the seed of an earlier run, to repeat its order of rounds")
  .option("--json <file>", "write the advice as data")
  .option("--html <file>", "write it as a page that opens offline")
  .option("--markdown <file>", "write it as Markdown");
advice.addHelpText(
  "after",
  `
${PERMISSION_HELP}

Examples:
  deno task advise scripts/examples/parse_json.ts
  deno task advise scripts/examples/polite_downloader.ts --allow-net=127.0.0.1 --allow-run
  deno task advise ./job.ts --items 200 --budget 1m --html advice.html
  deno task advise ./job.ts --servers nats://127.0.0.1:4222   with machines that joined by task lane

Exit codes: 0 done, 1 a task failed or results differ, 2 bad option or module, 130 interrupted.`,
);

/** Checks the options before anything is started. */
async function readOptions(raw: ReturnType<typeof advice.opts>) {
  const chosen = raw.models === undefined ? [] : listOf("--models", raw.models, ADVISED);
  const fixed = chosen.filter(isFixed);
  const models = fixed.length > 0
    ? fixed
    : ADVISED.filter((model) => MODEL_TABLE[model].isUsual || raw.servers && needsServer(model));
  const { json, html, markdown } = raw;
  const [file] = Object.entries({ json, html, markdown }).filter(([, path]) => path !== undefined);
  const options = {
    items: raw.items === undefined ? undefined : positiveInteger("--items", raw.items),
    budgetMs: duration("--budget", raw.budget ?? "30s", { min: LEAST_BUDGET_MS }),
    isSoon: raw.budget === undefined,
    seed: seedOption(raw.seed),
    models,
    withAuto: !chosen.every(isFixed),
    server: await serverFor("--models", raw.models, models, raw),
    bounds: boundsFor("--models", chosen, raw),
  };
  if (raw.dry && file !== undefined) {
    const remedy = "leave one of the two out";
    throw new UsageError(`--${file[0]}`, file[1]!, "there is no advice with --dry", remedy);
  }
  return { options, files: await checkOutputFiles({ json, html, markdown }) };
}

await script("advise", async (signal, args) => {
  const { permissions, rest } = takePermissions(args);
  advice.parse(rest, { from: "user" });
  const { export: name, dry = false } = advice.opts();
  const [typed] = advice.processedArgs as [string];
  const { options, files } = await readOptions(advice.opts());
  const { giveAdvice } = await import("./advise/give_advice.ts");
  return await giveAdvice({ ...options, typed, export: name, permissions, dry, files, signal });
});
