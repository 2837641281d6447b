/**
 * Which functions matter: how much of the time each took.
 *
 * @module
 */

import { type Call, type CallTree, type Frame, keyOf, totalUs } from "./cpu_profile.ts";
import { deedOf, nameOf, type Owner, ownerOf, placeOf } from "./places.ts";

/** What the runtime did. */
export interface Deed {
  /** Such as "cloning". */
  readonly name: string;
  /** The share of the time that was computed. */
  readonly share: number;
}

/** A function, or what the runtime did by itself; shares are of the time that was computed. */
export interface HotFunction {
  /** Such as "parse()", or "collecting garbage". */
  readonly name: string;
  /** Whose it is. */
  readonly owner: Owner;
  /** Such as "job.ts:12"; undefined for the runtime's. */
  readonly place?: string | undefined;
  /** The share in which it ran itself, or had the runtime do something for it. */
  readonly share: number;
  /** What the runtime did for it, the greatest share first; parts of `share`. */
  readonly deeds?: readonly Deed[] | undefined;
  /** The share in which it, or anything that it called, ran; recursion counts once. */
  readonly totalShare: number;
}

/** Whose the time was: the shares of what ran, which add up to 1. */
export type Shares = Readonly<Record<Owner, number>>;

/** Where the time went. */
export interface TimeByFunction {
  /** By owner. */
  readonly shares: Shares;
  /** What the runtime did, by name; a part of `shares.runtime` each. */
  readonly deeds: readonly Deed[];
  /** Every function that ran, the greatest share first. */
  readonly functions: readonly HotFunction[];
}

interface Tally {
  readonly frame: Frame;
  readonly name: string;
  readonly owner: Owner;
  /** What the runtime did for it, in microseconds. */
  readonly deeds: Map<string, number>;
  us: number;
  totalUs: number;
}

/**
 * Adds up a tree by function.
 *
 * What the runtime does for a function counts as that function's, since only there it can be mended;
 * what it does for none, such as collecting garbage, is told by itself.
 *
 * @returns The shares; all 0 for a tree in which nothing ran.
 */
export function timeByFunction({ calls }: CallTree, folder: string): TimeByFunction {
  const tallies = new Map<string, Tally>();
  const owners = { own: 0, packages: 0, runtime: 0 };
  const deeds = new Map<string, number>();
  const tallyOf = (frame: Frame, owner: Owner): Tally => {
    const name = owner === "runtime" ? deedOf(frame) : nameOf(frame);
    const key = owner === "runtime" ? name : keyOf(frame);
    const tally = tallies.get(key) ?? {
      frame,
      name,
      owner,
      deeds: new Map<string, number>(),
      us: 0,
      totalUs: 0,
    };
    tallies.set(key, tally);
    return tally;
  };
  interface Open {
    readonly call: Call;
    /** The nearest function that isn't the runtime's, the call's own counted in. */
    readonly charged: Tally | undefined;
    /** The functions on the way here. */
    readonly above: ReadonlySet<Tally>;
  }
  const open: Open[] = calls.map((call) => ({ call, charged: undefined, above: new Set() }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { call, above } = next;
    const owner = ownerOf(call.frame);
    owners[owner] += call.selfUs;
    const charged = owner === "runtime" ? next.charged : tallyOf(call.frame, owner);
    const own = charged ?? tallyOf(call.frame, owner);
    own.us += call.selfUs;
    if (owner === "runtime") {
      const deed = deedOf(call.frame);
      for (const of of own.owner === "runtime" ? [deeds] : [deeds, own.deeds]) {
        of.set(deed, (of.get(deed) ?? 0) + call.selfUs);
      }
    }
    const here = new Set(above);
    if (!here.has(own)) {
      own.totalUs += totalUs(call);
      here.add(own);
    }
    for (const inner of call.calls) open.push({ call: inner, charged, above: here });
  }
  const all = owners.own + owners.packages + owners.runtime;
  const share = (us: number) => all === 0 ? 0 : Math.min(1, us / all);
  const deedsOf = (of: ReadonlyMap<string, number>): Deed[] =>
    [...of].map(([name, us]) => ({ name, share: share(us) })).sort((a, b) => b.share - a.share);
  return {
    shares: {
      own: share(owners.own),
      packages: share(owners.packages),
      runtime: share(owners.runtime),
    },
    deeds: deedsOf(deeds),
    functions: [...tallies.values()].sort((a, b) => b.us - a.us).map((tally) => {
      const place = placeOf(tally.frame, folder);
      return {
        name: tally.name,
        owner: tally.owner,
        ...(place !== undefined && { place }),
        share: share(tally.us),
        ...(tally.deeds.size > 0 && { deeds: deedsOf(tally.deeds) }),
        totalShare: share(tally.totalUs),
      };
    }),
  };
}
