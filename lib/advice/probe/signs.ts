/** What a sample shows of its tasks beside what they take: refusals, trends, and what they keep or give back. */

import { spreadOrder } from "../../timing/job_items.ts";
import { mean } from "../../timing/statistics.ts";
import type { SharedState } from "../job/shared_state.ts";
import type { Probed } from "./probe.ts";
import { type Sample, TELLS_ITEMS } from "./sample.ts";

/** From so many refusals on, and from this share of the items on, a server limits the rate of the plain loop. */
const FEW_REFUSED = 3;
const SHARE_REFUSED = 0.02;

/** The limit that a server sets already to the plain loop; undefined for a refusal here and there. */
export function rateLimitOf({ done }: Pick<Probed, "done">) {
  const refused = done?.refused;
  return refused !== undefined && refused.count >= FEW_REFUSED &&
      refused.count >= SHARE_REFUSED * done!.items
    ? refused
    : undefined;
}

/** Less than this is the runtime's own, and less than this share of what tasks took matters little. */
const LEFT_MS = 30;
const SHARE_LEFT = 0.25;

/** What was computed after all tasks had settled, if that is much beside what they took, in milliseconds. */
export function leftOver(
  { probed, sample }: { readonly probed: Pick<Probed, "done">; readonly sample: Sample },
): number | undefined {
  const { leftMs = 0 } = probed.done ?? {};
  return leftMs >= Math.max(LEFT_MS, SHARE_LEFT * sample.tasksMs) ? leftMs : undefined;
}

/** What takes so small a share of the mean was there already; so many of the tasks are many. */
const FOUND = 0.1;
const MANY_FOUND = 0.25;

/** Whether many tasks found what others had to wait for, as in a cache. */
export function findMuch({ walls, wallMs, items }: Sample): boolean {
  const found = walls.filter((of) => of.wallMs < FOUND * wallMs);
  return found.reduce((sum, { count }) => sum + count, 0) >= MANY_FOUND * items;
}

/** Whether no result tells what a task did. */
export function givesNothing({ done }: Pick<Probed, "done">): boolean {
  return done?.isVoid === true && done.kept > 0;
}

/** A difference of so many standard errors is hardly chance. */
const HARDLY_CHANCE = 2;
/** Of fewer items their order tells nothing. */
const MANY_ITEMS = 20;

interface Sampled {
  readonly sample: Sample;
  readonly probed: Pick<Probed, "spread">;
  readonly shared?: SharedState | undefined;
}

/**
 * What each item of the first half took on average, and each of the second, in the order of their places;
 * undefined of few items, or if that differs no more than by chance.
 */
function halvesOf(
  { items, walls, wallMs, variation }: Sample,
  placeOf: (turn: number) => number = (turn) => turn,
) {
  if (items < MANY_ITEMS) return undefined;
  const times = walls.flatMap(({ count, wallMs }) => Array<number>(count).fill(wallMs))
    .map((ms, turn) => ({ ms, place: placeOf(turn) })).sort((a, b) => a.place - b.place)
    .map(({ ms }) => ms);
  const half = times.length >> 1;
  const [first, second] = [mean(times.slice(0, half)), mean(times.slice(half))];
  const error = 2 * wallMs * variation / Math.sqrt(items);
  return Math.abs(second - first) > HARDLY_CHANCE * error ? { first, second } : undefined;
}

/**
 * Whether tasks keep something that spares later ones time, such as a cache or a table: items that were
 * taken from all over a list, or of tasks that share something, cost less the later they ran.
 */
export function sparesLater({ sample, probed, shared }: Sampled): boolean {
  const mayKeep = probed.spread !== undefined || shared !== undefined;
  const halves = mayKeep ? halvesOf(sample) : undefined;
  return halves !== undefined && halves.first > TELLS_ITEMS * halves.second;
}

/** Whether the rest of a job may be unlike its sample for that. */
export function isRestUnlike(found: Sampled & { readonly horizon: number }): boolean {
  const { horizon, sample } = found;
  return horizon > sample.items && sample.rest === undefined && sparesLater(found);
}

/** A second half that takes so many times as long as the first is a trend. */
const TREND = 2;

/** How many times as long as the first half's the second half's items take; undefined if that is chance, or less. */
export function trendOf({ sample, probed }: Sampled): number | undefined {
  const places = spreadOrder(probed.spread ?? 0);
  const { first = 1, second = 0 } = halvesOf(sample, (turn) => places[turn] ?? turn) ?? {};
  return second >= TREND * first ? second / first : undefined;
}
