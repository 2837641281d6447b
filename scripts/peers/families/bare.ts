/**
 * Contests against the barest program that does the same: what the library itself costs.
 *
 * @module
 */

import { BUFFER_BYTES } from "../buffers.ts";
import { type Contest, type Ground, perSecond } from "../harness/contest.ts";
import { own } from "../harness/programs.ts";
import { squaresIn, sumOfNumbers, sumOfSquares } from "./sums.ts";

const FAMILY = "pools";

function buffers(direction: "there" | "back", title: string): Contest {
  const items = 300;
  const same = { items, sum: sumOfNumbers(items), work: items * BUFFER_BYTES / 2 ** 20 };
  return {
    family: FAMILY,
    title,
    unit: perSecond("MiB"),
    ours: {
      name: "processes({ lanes: 1 })",
      launch: own("ours_buffers.ts", direction, items),
      ...same,
    },
    peers: [{
      name: "bare pipe, a length before each",
      launch: own("bare_pipe.ts", direction, items),
      ...same,
      aim: { of: "ratio", atLeast: 0.8 },
    }],
  };
}

function oneMs(mode: "busy" | "timer", title: string): Contest {
  const items = 300;
  const same = { items, sum: sumOfNumbers(items) };
  return {
    family: FAMILY,
    title,
    unit: perSecond("items"),
    ours: { name: "sequential()", launch: own("ours_sequential.ts", mode, items), ...same },
    peers: [{
      name: "bare for await … of loop",
      launch: own("bare_loop.ts", mode, items),
      ...same,
      aim: { of: "ratio", atLeast: 0.97 },
    }],
  };
}

function downloads(ground: Ground, kind: "download" | "fetch", title: string): Contest {
  const { fastUrl, bytes } = ground.page;
  const [items, before, slots] = [10_000, 2_000, 64];
  const same = { items, sum: BigInt(items * bytes) };
  return {
    family: FAMILY,
    title,
    unit: perSecond("pages"),
    ours: {
      name: `limited({ slots: ${slots} })`,
      launch: own("ours_downloads.ts", "limited", kind, fastUrl, items, slots, before),
      ...same,
    },
    peers: [{
      name: "bare fetch loop",
      launch: own("bare_fetch.ts", fastUrl, items, slots, before),
      ...same,
      aim: { of: "ratio", atLeast: 0.95 },
    }],
  };
}

function twoSeconds(model: "workers" | "processes"): Contest {
  const [first, count] = [120_000_000, 20];
  const same = {
    items: count,
    sum: sumOfSquares(first, count),
    work: squaresIn(first, count) / 1e6,
  };
  return {
    family: FAMILY,
    title: `two seconds of sums of squares on two ${model.replace(/e?s$/, "")} lanes`,
    unit: perSecond("M squares"),
    ours: {
      name: `${model}({ lanes: 2 })`,
      launch: own("ours_squares.ts", model, 2, first, count),
      ...same,
    },
    peers: [{
      name: "two processes that share nothing",
      launch: own("independent.ts", first, count, 2),
      ...same,
      aim: { of: "ratio", atLeast: 0.9 },
    }],
  };
}

/**
 * The contests against bare programs.
 *
 * @param ground What they need to know of the machine.
 * @returns The contests.
 *
 * @example
 * ```ts
 * import { bare } from "./bare.ts";
 *
 * const page = { fastUrl: "", slowUrl: "", bytes: 0 };
 * console.log(bare({ python: undefined, page })[0]?.unit.label); // "MiB/s"
 * ```
 */
export function bare(ground: Ground): Contest[] {
  return [
    buffers("back", "buffers of 1 MiB to a subprocess and back"),
    buffers("there", "buffers of 1 MiB to a subprocess"),
    oneMs("busy", "tasks that compute for 1 ms, one after another"),
    oneMs("timer", "tasks that wait for 1 ms, one after another"),
    downloads(ground, "fetch", "pages without latency, 64 at once, by a bare fetch task"),
    downloads(ground, "download", "pages without latency, 64 at once, by the download task"),
    twoSeconds("workers"),
    twoSeconds("processes"),
  ];
}
