/**
 * Races contenders against each other, interleaved in shuffled order, round by round, and makes the rows of the
 * report: figures, ratios, and whether the aims were met. A run counts only if its results are right.
 */

import type { Reading } from "../reading.ts";
import type { Aim, Contender, Contest, Family } from "./contest.ts";
import { contestsOf } from "./contests.ts";
import { asReport, BESIDES, type PeersFile, peersReport, type PeersRow } from "./peers_report.ts";
import { type Ended, findPythons, runToEnd, startPageSite } from "./programs.ts";
import { printReport } from "../../../lib/cli/result_files.ts";
import type { OutputFiles } from "../../../lib/files/output_files.ts";
import { attempt } from "../../../lib/lanes/attempt.ts";
import { ProgressLine } from "../../../lib/progress/progress.ts";
import { styleOfStdout } from "../../../lib/report/terminal.ts";
import { counted } from "../../../lib/text/format.ts";
import { printError } from "../../../lib/text/print.ts";
import { describeMachine } from "../../../lib/timing/environment.ts";
import { pairedRatio } from "../../../lib/timing/interval.ts";
import { startMeter } from "../../../lib/timing/meter/meter.ts";
import { seededRandom, shuffled } from "../../../lib/timing/random.ts";
import type { Interval } from "../../../lib/timing/result.ts";
import { median } from "../../../lib/timing/statistics.ts";

/** Why a contender has no figure: it isn't installed, its run failed, or its results were wrong. */
interface Trouble {
  readonly kind: "not installed" | "failed" | "wrong";
  readonly reason: string;
}

/** The reading of one run of one contender, or why there is none. */
export type Attempt = { readonly reading: Reading } | { readonly trouble: Trouble };

/** Reads the last line that a contender's program printed, and checks count and sum of its results. */
export function checkReading({ items, sum }: Contender, stdout: string): Attempt {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  const printed: unknown = attempt(() => JSON.parse(line), null);
  const reading: Partial<Record<keyof Reading, unknown>> | null = typeof printed === "object"
    ? printed
    : null;
  const problem = reading === null
    ? "printed no reading"
    : items !== undefined && reading.items !== items
    ? `gave ${reading.items} results, not ${items}`
    : sum !== undefined && String(reading.sum) !== String(sum)
    ? `its results add up to ${reading.sum}, not ${sum}`
    : Number.isFinite(reading.ms) && reading.ms as number > 0
    ? undefined
    : `took ${reading.ms} ms, which is no time`;
  return problem === undefined
    ? { reading: reading as Reading }
    : { trouble: { kind: "wrong", reason: problem } };
}

/** A run's time limit, in milliseconds: a contender that hangs fails, but a slow machine has time. */
const RUN_MS = 60_000;
/** A probe's time limit, in milliseconds: it may download a package. */
const PROBE_MS = 120_000;

/**
 * Makes the function that runs contenders. It checks for what a contender needs once, before its first run, so
 * that no download is measured.
 */
export function createAttempts(
  { signal, run = runToEnd }: { readonly signal?: AbortSignal; readonly run?: typeof runToEnd } =
    {},
): (contender: Contender) => Promise<Attempt> {
  const looked = new Map<string, Ended>();
  return async (contender) => {
    const { need, launch } = contender;
    if (need !== undefined) {
      const key = JSON.stringify(need.probe);
      const found = looked.get(key) ?? await run(need.probe, { timeoutMs: PROBE_MS, signal });
      looked.set(key, found);
      if (!found.ok) {
        return { trouble: { kind: "not installed", reason: `${found.reason}; ${need.get}` } };
      }
    }
    const ended = await run(launch, { timeoutMs: RUN_MS, signal });
    return ended.ok
      ? checkReading(contender, ended.stdout)
      : { trouble: { kind: "failed", reason: ended.reason } };
  };
}

export interface Entry {
  readonly contender: Contender;
  /** One figure per round, in the contest's unit; undefined where there is none. */
  readonly figures: (number | undefined)[];
  /** The readings of the rounds that gave a figure. */
  readonly readings: Reading[];
  /** Why the contender is no longer run, if it isn't. */
  trouble: Trouble | undefined;
}

export interface Raced {
  readonly contest: Contest;
  readonly ours: Entry;
  readonly peers: readonly Entry[];
}

interface RaceOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly attempt: (contender: Contender) => Promise<Attempt>;
  /** Ends the race before the next run. */
  readonly signal?: AbortSignal;
  readonly onRun?: (contest: Contest, contender: Contender, round: number) => void;
}

/**
 * Runs the race. Each round shuffles the contests, and the contenders of each contest; a contender that got
 * into trouble isn't run again, and its figures don't count. When interrupted, it returns the figures so far.
 */
export async function race(
  contests: readonly Contest[],
  { rounds, seed, attempt: run, signal, onRun }: RaceOptions,
): Promise<Raced[]> {
  const random = seededRandom(seed);
  const entry = (contender: Contender): Entry => (
    { contender, figures: [], readings: [], trouble: undefined }
  );
  const raced = contests.map((contest) => (
    { contest, ours: entry(contest.ours), peers: contest.peers.map(entry) }
  ));
  for (let round = 0; round < rounds; round++) {
    for (const { contest, ours, peers } of shuffled(raced, random)) {
      for (const entry of shuffled([ours, ...peers], random)) {
        if (signal?.aborted) break;
        if (entry.trouble !== undefined) continue;
        onRun?.(contest, entry.contender, round);
        const attempt = await run(entry.contender);
        if ("reading" in attempt) {
          const { reading } = attempt;
          const work = entry.contender.work ?? reading.items;
          entry.figures[round] = contest.unit.figure(work, reading);
          entry.readings.push(reading);
        } else if (!signal?.aborted) entry.trouble = attempt.trouble;
      }
    }
  }
  return raced;
}

function within(value: number, { atLeast = -Infinity, atMost = Infinity }: Aim): boolean {
  return atLeast <= value && value <= atMost;
}

/** Whether the median is within an aim's bounds, and whether an end of the interval disagrees. */
export function judged(aim: Aim, { median, low, high }: Interval): NonNullable<PeersRow["aim"]> {
  const met = within(median, aim);
  return { ...aim, met, unsure: within(low, aim) !== met || within(high, aim) !== met };
}

function spread(figures: readonly number[]): Interval | null {
  if (figures.length === 0) return null;
  return { median: median(figures), low: Math.min(...figures), high: Math.max(...figures) };
}

function ratioOf(ours: Entry, theirs: Entry): Interval | null {
  const pairs = ours.figures.flatMap((figure, round) => {
    const other = theirs.figures[round];
    return figure === undefined || other === undefined ? [] : [[figure, other] as const];
  });
  if (pairs.length === 0) return null;
  return pairedRatio(pairs.map(([own]) => own), pairs.map(([, other]) => other));
}

/** The medians of the fields measured beside the figure. */
function besidesOf(readings: readonly Reading[]): PeersRow["besides"] {
  const besides = BESIDES.flatMap((what) => {
    const values = readings.map((reading) => reading[what]).filter((value) => value !== undefined);
    return values.length === 0 ? [] : [[what, median(values)]];
  });
  return besides.length === 0 ? undefined : Object.fromEntries(besides);
}

function rowOf(raced: Raced, entry: Entry): PeersRow {
  const { contest, ours, peers } = raced;
  const own = entry === ours;
  const usable = entry.trouble === undefined;
  const figures = usable ? entry.figures.filter((figure) => figure !== undefined) : [];
  const figure = spread(figures);
  const isCompared = !own && usable && ours.trouble === undefined && contest.unit.isSpeed !== false;
  const ratio = isCompared ? ratioOf(ours, entry) : null;
  const { aim } = entry.contender;
  const measured = aim?.of === "ratio" ? ratio : figure;
  const besides = usable ? besidesOf(entry.readings) : undefined;
  const loop = peers.find(({ contender }) => contender === contest.loop);
  const overLoop =
    loop === undefined || own || entry === loop || !usable || loop.trouble !== undefined
      ? null
      : ratioOf(entry, loop);
  return {
    family: contest.family,
    contest: contest.title,
    contender: entry.contender.name,
    ours: own,
    unit: contest.unit.label,
    better: contest.unit.better,
    figures,
    figure,
    ratio,
    ...(overLoop && { overLoop }),
    ...(besides && { besides }),
    aim: aim === undefined || measured === null ? null : judged(aim, measured),
    trouble: entry.trouble ?? null,
  };
}

/** The report's rows: for each contest the library's own row, then the peers'. */
export function rowsOf(raced: readonly Raced[]): PeersRow[] {
  return raced.flatMap((one) => [one.ours, ...one.peers].map((entry) => rowOf(one, entry)));
}

interface Request {
  readonly only: readonly Family[];
  readonly rounds: number;
  readonly seed: number;
  readonly files: OutputFiles;
  readonly signal: AbortSignal;
  readonly short?: true | undefined;
  readonly aims?: true | undefined;
}

/** Runs `deno task peers` after its options are read; returns the exit code. */
export async function raceAll(request: Request): Promise<number> {
  const { only, rounds, seed, files, signal } = request;
  await using meter = await startMeter(signal);
  const described = await describeMachine(meter);
  const { python, pythons, note } = await findPythons(signal);
  const environment = { ...described, seed, notes: [...described.notes ?? [], note] };
  await using site = await startPageSite();
  const contests = contestsOf(only, { python, pythons, page: site.page });
  printError(note);
  const runs = contests.reduce((sum, { peers }) => sum + (1 + peers.length) * rounds, 0);
  printError(`${counted(runs, "run")} in ${counted(rounds, "round")}, seed ${seed} …`);
  const line = new ProgressLine("starting");
  let [run, told] = [0, -1];
  const raced = await race(contests, {
    rounds,
    seed,
    signal,
    attempt: createAttempts({ signal }),
    onRun: ({ family }, { name }, round) => {
      run++;
      line.show(run / runs, `${run}/${runs} round ${round + 1}: ${family}, ${name}`);
      if (!line.moves && round !== told) line.say(`round ${round + 1} of ${rounds} …`);
      told = round;
    },
  }).finally(() => line.end());

  const rows = rowsOf(raced);
  const partial = signal.aborted;
  const file: PeersFile = {
    schemaVersion: 1,
    kind: "peers",
    environment,
    rounds,
    ...(partial && { partial }),
    rows,
  };
  const text = peersReport(file, request).text(styleOfStdout());
  const wrote = await printReport("peers", [asReport(file)], files, partial, text);
  // A missed aim is a finding; only trouble with the library's own contender is a failure.
  return !wrote || rows.some((row) => row.ours && row.trouble !== null) ? 1 : 0;
}
