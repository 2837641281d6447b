/** Further signs in a sample: refusals, trends, caches, results without a value, and work left over. */

import { spreadOrder } from "../../timing/job_items.ts";
import { mean } from "../../timing/statistics.ts";
import type { SharedState } from "../job/shared_state.ts";
import type { Probed } from "./probe.ts";
import { type Sample, TELLS_ITEMS } from "./sample.ts";

/** From this number and this share of refusals on, a server limits the rate of the plain loop. */
const FEW_REFUSED = 3;
const SHARE_REFUSED = 0.02;

/** The limit that a server sets even to the plain loop; undefined for a few stray refusals. */
export function rateLimitOf({ done }: Pick<Probed, "done">) {
  const refused = done?.refused;
  return refused !== undefined && refused.count >= FEW_REFUSED &&
      refused.count >= SHARE_REFUSED * done!.items
    ? refused
    : undefined;
}

/** Less is the runtime's own, in milliseconds; a smaller share of the tasks' time matters little. */
const LEFT_MS = 30;
const SHARE_LEFT = 0.25;

/** CPU time after all tasks had settled in milliseconds, if it is much compared with theirs. */
export function leftOver(
  { probed, sample }: { readonly probed: Pick<Probed, "done">; readonly sample: Sample },
): number | undefined {
  const { leftMs = 0 } = probed.done ?? {};
  return leftMs >= Math.max(LEFT_MS, SHARE_LEFT * sample.tasksMs) ? leftMs : undefined;
}

/** A task that takes less than FOUND of the mean found its result ready; MANY_FOUND of all are many. */
const FOUND = 0.1;
const MANY_FOUND = 0.25;

/** Whether many tasks found ready what others had to wait for, as in a cache. */
export function findMuch({ walls, wallMs, items }: Sample): boolean {
  const found = walls.filter((of) => of.wallMs < FOUND * wallMs);
  return found.reduce((sum, { count }) => sum + count, 0) >= MANY_FOUND * items;
}

/** Whether no result shows what a task did. */
export function givesNothing({ done }: Pick<Probed, "done">): boolean {
  return done?.isVoid === true && done.kept > 0;
}

/** A difference of this many standard errors is hardly chance. */
const HARDLY_CHANCE = 2;
/** With fewer items, their order shows nothing. */
const MANY_ITEMS = 20;

interface Sampled {
  readonly sample: Sample;
  readonly probed: Pick<Probed, "spread">;
  readonly shared?: SharedState | undefined;
}

/**
 * The mean time of the first half of the items, and of the second, by their places; undefined for few items, or
 * if the difference may be chance.
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
 * Whether tasks keep something that saves later ones time, such as a cache or a table: the later an item ran,
 * the less it took. It can be seen only if items are taken from all over a list, or tasks share something.
 */
export function sparesLater({ sample, probed, shared }: Sampled): boolean {
  const mayKeep = probed.spread !== undefined || shared !== undefined;
  const halves = mayKeep ? halvesOf(sample) : undefined;
  return halves !== undefined && halves.first > TELLS_ITEMS * halves.second;
}

/** Whether the rest of the job may be unlike its sample because of that. */
export function isRestUnlike(found: Sampled & { readonly horizon: number }): boolean {
  const { horizon, sample } = found;
  return horizon > sample.items && sample.rest === undefined && sparesLater(found);
}

/** If the second half takes this many times as long as the first, there is a trend. */
const TREND = 2;

/** How many times as long as the first half the second half takes; undefined if it is chance, or less. */
export function trendOf({ sample, probed }: Sampled): number | undefined {
  const places = spreadOrder(probed.spread ?? 0);
  const { first = 1, second = 0 } = halvesOf(sample, (turn) => places[turn] ?? turn) ?? {};
  return second >= TREND * first ? second / first : undefined;
}
