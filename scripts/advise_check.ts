/**
 * `deno task advise:check`: gives advice on labelled jobs, then measures every model on each, and says how
 * good the advice was.
 */

import type { Advice } from "../lib/advice/advice.ts";
import { advise } from "../lib/advice/advise.ts";
import { jobOf, spread, withHooks } from "../lib/advice/job/load_job.ts";
import type { Candidate } from "../lib/advice/prediction/candidate.ts";
import { measureMachine } from "../lib/advice/prediction/machine.ts";
import { sharedBy } from "../lib/advice/job/shared_state.ts";
import { orderProbe } from "../lib/advice/probe/order_probe.ts";
import { probe } from "../lib/advice/probe/probe.ts";
import { command } from "../lib/cli/command.ts";
import { script } from "../lib/cli/script.ts";
import {
  nonNegativeInteger,
  positiveInteger,
  seedOption,
  UsageError,
} from "../lib/text/option_values.ts";
import { formatPercent } from "../lib/text/format.ts";
import { print, printError } from "../lib/text/print.ts";
import { type Meter, startMeter } from "../lib/timing/meter/meter.ts";
import { seededRandom } from "../lib/timing/random.ts";
import { trialProcesses } from "../lib/timing/run_trial.ts";
import type { JobSpec, TrialRunner } from "../lib/timing/spec.ts";
import { type Label, LABELS } from "../tests/advice/labelled/labels.ts";
import { heldOf, measureModels } from "./advise_check/regret.ts";
import { shortfalls, tableOf, type Verdict } from "./advise_check/verdict.ts";

const check = command(
  "advise:check",
  "Gives advice on labelled jobs and holds it against all models. Takes half a minute a job.",
)
  .option("--repeat <n>", "how often advice is given on each job (default: 1)")
  .option("--rounds <n>", "how often every model is measured afterwards (default: 3)")
  .option("--others <n>", "so many other programs compute meanwhile (default: 0)")
  .option("--only <text>", "only the jobs whose file holds this")
  .option("--advice-only", "don't measure every model afterwards")
  .option("--seed <n>", "repeats an earlier run's order");

async function labelledJob({ file, permissions, items }: Label, signal: AbortSignal) {
  const module = new URL(`../tests/advice/labelled/${file}`, import.meta.url).href;
  const job = spread(jobOf(file, { module, export: "default" }, permissions ?? {}, items));
  const dry = { typed: file, limit: 0, targetMs: 0, guardMs: 10_000, signal, dry: true };
  return withHooks(job, await probe(job, dry));
}

/** Removes the folder that a job's tasks leave behind. */
async function clean({ leaves }: Label): Promise<void> {
  if (leaves === undefined) return;
  const folder = new URL(`../tests/advice/labelled/${leaves}`, import.meta.url);
  await Deno.remove(folder, { recursive: true }).catch(() => {});
}

interface Given {
  readonly job: JobSpec;
  readonly advice: Advice;
}

/** Gives advice on a job `times` times, each time from the start. */
async function giveAdvice(
  label: Label,
  times: number,
  seed: number,
  { signal, meter, runTrial }: { signal: AbortSignal; meter: Meter; runTrial: TrialRunner },
): Promise<Given[]> {
  const given: Given[] = [];
  for (let time = 0; time < times && !signal.aborted; time++) {
    await clean(label);
    const job = await labelledJob(label, signal);
    const { advice } = await advise({
      job,
      typed: label.file,
      items: label.items,
      budgetMs: 30_000,
      isSoon: true,
      seed: seed + time,
      cores: navigator.hardwareConcurrency,
      signal,
      library: new URL("../lib/mod.ts", import.meta.url).href,
    }, {
      probe,
      orderProbe,
      measureMachine,
      sharedBy,
      meter,
      runTrial,
      now: () => performance.now(),
    });
    given.push({ job, advice });
  }
  await clean(label);
  return given;
}

await script("advise:check", async (signal, args) => {
  check.parse(args, { from: "user" });
  const raw = check.opts();
  const repeat = positiveInteger("--repeat", raw.repeat ?? "1");
  const rounds = positiveInteger("--rounds", raw.rounds ?? "3");
  const others = nonNegativeInteger("--others", raw.others ?? "0");
  const seed = seedOption(raw.seed);
  const random = seededRandom(seed);
  const runTrial = trialProcesses({ guardMs: 60_000 });
  const labels = LABELS.filter(({ file }) => file.includes(raw.only ?? ""));
  if (labels.length === 0 || raw.only === "") {
    const problem = raw.only === "" ? "it names nothing" : "no job's file holds it";
    throw new UsageError("--only", raw.only ?? "", problem, "give part of a name such as parse");
  }
  await using meter = await startMeter(signal);
  await using _others = othersCompute(others);
  const verdicts: Verdict[] = [];
  printError(`Seed ${seed}; load average ${Deno.loadavg()[0]?.toFixed(1)} at the start.`);
  const verdictsOn = async (label: Label) => {
    const given = await giveAdvice(label, repeat, seed, { signal, meter, runTrial });
    const chosen = given.map(({ advice: { recommended } }): Candidate => ({
      ...recommended,
      slots: recommended.slots ?? Infinity,
    }));
    const measured = label.incomparable || raw.adviceOnly
      ? undefined
      : await measureModels(given[0]!.job, chosen, { rounds, random, runTrial, signal });
    await clean(label);
    const heldOfAdvice = ({ recommended }: Advice) =>
      measured && heldOf(recommended.name, measured);
    const own = given.map(({ advice }) => ({ label, advice, held: heldOfAdvice(advice) }));
    return { measured, own };
  };
  for (const [place, label] of labels.entries()) {
    const held = await verdictsOn(label).catch((error) => {
      // A verdict that was interrupted is left out; the verdicts before it are still printed.
      if (!signal.aborted) throw error;
    });
    if (signal.aborted || held === undefined) break;
    const { measured, own } = held;
    verdicts.push(...own);
    for (const { advice, held } of own) {
      const { bound, recommended } = advice;
      const wrong = shortfalls(label, advice);
      printError(
        `${place + 1} of ${labels.length}, ${label.file}: ${bound}, ${recommended.name}` +
          (held === undefined ? "" : `; best ${held.best}, regret ${formatPercent(held.regret)}`) +
          (wrong.length === 0 ? "" : `; wrong: ${wrong.join("; ")}`),
      );
    }
    if (raw.debug) {
      for (const [name, ms] of [...measured?.all ?? [], ...measured?.final ?? []]) {
        printError(`  ${name}: ${ms.map((of) => of.toFixed(0))}`);
      }
    }
  }
  print(tableOf(verdicts));
  if (signal.aborted) return 130;
  return verdicts.every(({ label, advice }) => shortfalls(label, advice).length === 0) ? 0 : 1;
});

/** Starts `count` programs that compute until they are disposed. */
function othersCompute(count: number): AsyncDisposableStack {
  const programs = new AsyncDisposableStack();
  for (let program = 0; program < count; program++) {
    const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const args = ["eval", "for (;;);"];
    programs.use(new Deno.Command(Deno.execPath(), { ...silent, args }).spawn());
  }
  return programs;
}
