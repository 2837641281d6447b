/**
 * `deno task advise:check`: gives advice on labelled jobs, then measures every model on each, and says how
 * good the advice was.
 *
 * @module
 */

import { advise } from "../lib/advice/advise.ts";
import type { Candidate } from "../lib/advice/prediction/candidate.ts";
import { measureMachine } from "../lib/advice/prediction/machine.ts";
import { orderProbe } from "../lib/advice/probe/order_probe.ts";
import { probe } from "../lib/advice/probe/probe.ts";
import { race } from "../lib/advice/race/race.ts";
import { command } from "../lib/cli/command.ts";
import { nonNegativeInteger, positiveInteger, UsageError } from "../lib/options.ts";
import { print, printError } from "../lib/text/print.ts";
import { formatDuration, formatPercent } from "../lib/text/format.ts";
import { script } from "../lib/cli/script.ts";
import { chooseSeed, seededRandom } from "../lib/timing/random.ts";
import { startMeter } from "../lib/timing/meter/meter.ts";
import { trialProcesses } from "../lib/timing/run_trial.ts";
import type { JobSpec } from "../lib/timing/spec.ts";
import { median } from "../lib/timing/statistics.ts";
import { type Label, LABELS } from "../tests/advice/labelled/labels.ts";
import { measureModels, regretOf } from "./advise_check/regret.ts";
import { shortfalls, tableOf, type Verdict } from "./advise_check/verdict.ts";

const check = command(
  "advise:check",
  "Gives advice on labelled jobs and holds it against all models. Takes half a minute a job.",
)
  .option("--repeat <n>", "how often advice is given on each job (default: 1)")
  .option("--rounds <n>", "how often every model is measured afterwards (default: 3)")
  .option("--only <text>", "only the jobs whose file holds this")
  .option("--advice-only", "don't measure every model afterwards")
  .option("--seed <n>", "repeats an earlier run's order");

async function jobOf({ file, permissions, items }: Label, signal: AbortSignal): Promise<JobSpec> {
  const module = new URL(`../tests/advice/labelled/${file}`, import.meta.url).href;
  const job: JobSpec = {
    name: file,
    task: { module, export: "default" },
    items: {
      kind: "module",
      module,
      export: "items",
      ...(items !== undefined && { limit: items }),
    },
    permissions: permissions ?? {},
    options: {},
  };
  const dry = { typed: file, limit: 0, targetMs: 0, guardMs: 10_000, signal, dry: true };
  const { exports } = await probe(job, dry, () => []);
  return {
    ...job,
    ...(exports.prepare && { prepare: "prepare" }),
    ...(exports.reset && { reset: "reset" }),
  };
}

/** Takes away what a job's tasks leave behind. */
async function clean({ leaves }: Label): Promise<void> {
  if (leaves === undefined) return;
  const folder = new URL(`../tests/advice/labelled/${leaves}/`, import.meta.url);
  await Deno.remove(folder, { recursive: true }).catch(() => {});
}

await script("advise:check", async (signal, args) => {
  check.parse(args, { from: "user" });
  const raw = check.opts();
  const repeat = positiveInteger("--repeat", raw.repeat ?? "1");
  const rounds = positiveInteger("--rounds", raw.rounds ?? "3");
  const seed = raw.seed === undefined ? chooseSeed() : nonNegativeInteger("--seed", raw.seed);
  const random = seededRandom(seed);
  const runTrial = trialProcesses({ guardMs: 60_000 });
  await using meter = await startMeter(signal);
  const cores = navigator.hardwareConcurrency;
  const labels = LABELS.filter(({ file }) => file.includes(raw.only ?? ""));
  if (labels.length === 0 || raw.only === "") {
    const problem = raw.only === "" ? "it names nothing" : "no job's file holds it";
    throw new UsageError("--only", raw.only ?? "", problem, "give part of a name such as parse");
  }
  const verdicts: Verdict[] = [];
  printError(`Seed ${seed}; load average ${Deno.loadavg()[0]?.toFixed(1)} at the start.`);
  for (const [place, label] of labels.entries()) {
    for (let time = 0; time < repeat && !signal.aborted; time++) {
      await clean(label);
      const job = await jobOf(label, signal);
      const { advice } = await advise({
        job,
        typed: label.file,
        items: label.items,
        budgetMs: 30_000,
        seed: seed + time,
        cores,
        signal,
        library: new URL("../lib/mod.ts", import.meta.url).href,
      }, {
        probe,
        orderProbe,
        race,
        measureMachine,
        meter,
        runTrial,
        now: () => performance.now(),
      });
      await clean(label);
      const { recommended } = advice;
      const wrong = shortfalls(label, advice);
      const chosen: Candidate = { ...recommended, slots: recommended.slots ?? Infinity };
      const skip = label.incomparable || raw.adviceOnly;
      const times = skip
        ? new Map<string, number[]>()
        : await measureModels(job, chosen, cores, { rounds, random, runTrial, signal });
      if (signal.aborted) break;
      const regret = skip ? null : regretOf(recommended.name, times);
      const timeOf = (name: string) => median(times.get(name) ?? [Infinity]);
      verdicts.push({
        file: label.file,
        label: label.bound,
        found: advice.bound,
        cpuShare: advice.cpuShare,
        recommended: recommended.name,
        best: regret === null ? "–" : `${regret.best} ${formatDuration(timeOf(regret.best))}`,
        regret: regret?.fair ?? null,
        naiveRegret: regret?.naive ?? null,
        predicted: recommended.predictedGain,
        raced: recommended.gain?.median ?? null,
        measured: skip ? NaN : timeOf("sequential") / timeOf(recommended.name),
        unsure: advice.unsure !== undefined ||
          advice.surprises.some(({ name }) => name === recommended.name),
        runs: advice.cost.sequentialRuns,
        shortfalls: wrong,
      });
      printError(
        `${place + 1} of ${labels.length}, ${label.file}: ${advice.bound}, ${recommended.name}` +
          (regret === null ? "" : `; best ${regret.best}, regret ${formatPercent(regret.fair)}`) +
          (wrong.length === 0 ? "" : `; wrong: ${wrong.join("; ")}`),
      );
      if (raw.debug) {
        for (const [name, ms] of times) {
          printError(`  ${name}: ${ms.map((of) => of.toFixed(0))}`);
        }
      }
    }
  }
  print(tableOf(verdicts));
  if (signal.aborted) return 130;
  return verdicts.every(({ shortfalls }) => shortfalls.length === 0) ? 0 : 1;
});
