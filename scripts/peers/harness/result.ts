/** The rows of a race's report: figures, ratios, and whether the aims were met. */

import { pairedRatio } from "../../../lib/timing/interval.ts";
import type { Interval } from "../../../lib/timing/result.ts";
import { median } from "../../../lib/timing/statistics.ts";
import { BESIDES, type PeersRow } from "./peers_report.ts";
import type { Reading } from "../reading.ts";
import type { Aim } from "./contest.ts";
import type { Entry, Raced } from "./race.ts";

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
