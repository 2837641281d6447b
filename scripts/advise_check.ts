/**
 * `deno task advise:check`: gives advice on labelled jobs, then measures every model on each, and says how
 * good the advice was.
 *
 * @module
 */

import Table from "cli-table3";
import { advise } from "../lib/advice/advise.ts";
import { type Candidate, nameOf } from "../lib/advice/candidate.ts";
import { measureMachine } from "../lib/advice/machine.ts";
import { probe } from "../lib/advice/probe.ts";
import { race } from "../lib/advice/race.ts";
import { command } from "../lib/command.ts";
import { nonNegativeInteger, positiveInteger } from "../lib/options.ts";
import { formatDuration, formatPercent, formatRatio } from "../lib/reporting/format.ts";
import { BORDERLESS } from "../lib/reporting/table.ts";
import { script } from "../lib/script.ts";
import { chooseSeed, seededRandom, shuffled } from "../lib/timing/random.ts";
import { trialProcesses } from "../lib/timing/run_trial.ts";
import type { JobSpec } from "../lib/timing/spec.ts";
import { median } from "../lib/timing/statistics.ts";
import { type Label, LABELS } from "../tests/advice/labelled/labels.ts";

/** Whoever leaves a program sequential still waits for Deno to start, in milliseconds. */
const PROGRAM_MS = 30;

const check = command(
  "advise:check",
  "Gives advice on labelled jobs and holds it against all models.",
)
  .option("--repeat <n>", "how often advice is given on each job (default: 1)")
  .option("--rounds <n>", "how often every model is measured afterwards (default: 3)")
  .option("--only <text>", "only the jobs whose file holds this")
  .option("--seed <n>", "repeats an earlier run's order");

interface Outcome {
  readonly file: string;
  readonly label: string;
  readonly found: string;
  readonly share: number;
  readonly recommended: string;
  readonly best: string;
  /** How much longer the recommended model takes than the best one, 0 for none. */
  readonly regret: number;
  readonly predicted: number;
  readonly measured: number;
  readonly unsure: boolean;
  readonly runs: number;
}

function jobOf(
  { file, permissions }: Label,
  exports: { setup: boolean; teardown: boolean },
): JobSpec {
  const module = new URL(`../tests/advice/labelled/${file}`, import.meta.url).href;
  return {
    name: file,
    task: { module, export: "default" },
    items: { kind: "module", module, export: "items" },
    permissions: permissions ?? {},
    options: {},
    ...(exports.setup && { setup: "setup" }),
    ...(exports.teardown && { teardown: "teardown" }),
  };
}

function everyModel(cores: number, recommended: Candidate): Candidate[] {
  const limited = [2, 4, 8, 16, 64].map((slots): Candidate => ({
    model: "limited",
    lanes: 1,
    slots,
  }));
  const all: Candidate[] = [
    { model: "sequential", lanes: 1, slots: 1 },
    { model: "concurrent", lanes: 1, slots: Infinity },
    ...limited,
    { model: "workers", lanes: cores, slots: 1 },
    { model: "workers", lanes: cores, slots: 4 },
    { model: "processes", lanes: cores, slots: 1 },
    recommended,
  ];
  return [...new Map(all.map((candidate) => [nameOf(candidate), candidate])).values()];
}

await script("advise:check", async (signal, args) => {
  check.parse(args, { from: "user" });
  const raw = check.opts();
  const repeat = positiveInteger("--repeat", raw.repeat ?? "1");
  const rounds = positiveInteger("--rounds", raw.rounds ?? "3");
  const seed = raw.seed === undefined ? chooseSeed() : nonNegativeInteger("--seed", raw.seed);
  const random = seededRandom(seed);
  const runTrial = trialProcesses({ guardMs: 60_000 });
  const cores = navigator.hardwareConcurrency;
  const outcomes: Outcome[] = [];
  console.log(`Seed ${seed}; load average ${Deno.loadavg()[0]?.toFixed(1)} at the start.`);
  for (const label of LABELS.filter(({ file }) => file.includes(raw.only ?? ""))) {
    for (let time = 0; time < repeat && !signal.aborted; time++) {
      const module = jobOf(label, { setup: false, teardown: false });
      const dry = { typed: label.file, limit: 0, targetMs: 0, guardMs: 10_000, signal, dry: true };
      const job = jobOf(label, (await probe(module, dry, () => [])).exports);
      const { advice } = await advise({
        job,
        typed: label.file,
        items: undefined,
        budgetMs: 30_000,
        seed: seed + time,
        cores,
        signal,
        library: new URL("../lib/mod.ts", import.meta.url).href,
      }, { probe, race, measureMachine, runTrial, now: () => performance.now() });
      const { recommended } = advice;
      const chosen: Candidate = { ...recommended, slots: recommended.slots ?? Infinity };
      const models = everyModel(cores, chosen);
      const times = new Map<string, number[]>(models.map((candidate) => [nameOf(candidate), []]));
      const failing = new Set<string>();
      for (let round = 0; round < rounds; round++) {
        for (const candidate of shuffled(models, random)) {
          const name = nameOf(candidate);
          if (signal.aborted || failing.has(name)) continue;
          const { model, lanes, slots } = candidate;
          const size = model === "concurrent" ? { model } : { model, lanes, slots };
          const { round: measured } = await runTrial({ ...size, job, round }, { signal });
          if (measured.failed > 0) failing.add(name);
          else times.get(name)!.push(measured.wallMs);
        }
      }
      const timeOf = (name: string) =>
        failing.has(name) || times.get(name)!.length === 0 ? Infinity : median(times.get(name)!);
      const best = [...times.keys()].reduce((a, b) => timeOf(b) < timeOf(a) ? b : a);
      const sequentialMs = timeOf("sequential");
      outcomes.push({
        file: label.file,
        label: label.bound,
        found: advice.bound,
        share: advice.cpuShare,
        recommended: recommended.name,
        best: `${best} ${formatDuration(timeOf(best))}`,
        regret: regretOf(
          times.get(recommended.name)!,
          times.get(best)!,
          failing.has(recommended.name),
        ),
        predicted: recommended.predictedGain,
        measured: sequentialMs / timeOf(recommended.name),
        unsure: advice.unsure !== undefined ||
          advice.surprises.some(({ name }) => name === recommended.name),
        runs: advice.cost.sequentialRuns,
      });
      print(outcomes.at(-1)!);
      if (raw.debug) {
        for (const [name, ms] of times) {
          console.error(`  ${name}: ${ms.map((of) => of.toFixed(0))}`);
        }
      }
    }
  }
  report(outcomes);
  return outcomes.every(({ label, found }) => label === found) ? 0 : 1;
});

/** How much longer one model takes than another, paired by round: neighbours slow both. */
function regretOf(chosen: readonly number[], best: readonly number[], failed: boolean): number {
  if (failed || chosen.length === 0) return Infinity;
  const ratios = chosen.map((ms, round) => (ms + PROGRAM_MS) / ((best[round] ?? ms) + PROGRAM_MS));
  return median(ratios) - 1;
}

function print({ file, found, recommended, best, regret }: Outcome): void {
  console.error(`${file}: ${found}, ${recommended}; best ${best}, regret ${formatPercent(regret)}`);
}

function report(outcomes: readonly Outcome[]): void {
  const head = [
    "job",
    "label",
    "found",
    "CPU",
    "recommended",
    "best",
    "regret",
    "pred.",
    "meas.",
    "",
    "cost",
  ];
  const table = new Table({ ...BORDERLESS, head });
  for (const of of outcomes) {
    table.push([
      of.file.replace(/\.ts$/, ""),
      of.label,
      of.found,
      formatPercent(of.share),
      of.recommended,
      of.best,
      formatPercent(of.regret),
      formatRatio(of.predicted),
      formatRatio(of.measured),
      of.unsure ? "unsure" : "",
      of.runs.toFixed(1),
    ]);
  }
  const share = (holds: (of: Outcome) => boolean) =>
    formatPercent(outcomes.filter(holds).length / Math.max(1, outcomes.length));
  const near = ({ predicted, measured }: Outcome) => Math.abs(predicted / measured - 1) <= 0.25;
  console.log(table.toString().split("\n").map((line) => line.trimEnd()).join("\n"));
  console.log(
    `Class right: ${share(({ label, found }) => label === found)}. Within 10% of the best: ` +
      `${share(({ regret }) => regret <= 0.1)}. Gain predicted within 25%: ${
        share(near)
      }, or said to be ` +
      `unsure: ${share((of) => near(of) || of.unsure)}. Cost below 3 sequential runs: ` +
      `${share(({ runs }) => runs < 3)}.`,
  );
  console.log(
    "Regret counts the 30 ms that any program takes to start, so that it means a person's wait.",
  );
}
