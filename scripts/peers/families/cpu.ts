/**
 * The article's sums of squares: ours against its Python, and against ourselves in other lanes.
 *
 * @module
 */

import {
  type Aim,
  type Contender,
  type Contest,
  type Ground,
  perSecond,
} from "../harness/contest.ts";
import { own, python } from "../harness/programs.ts";
import { squaresIn, sumOfSquares } from "./sums.ts";

/**
 * The contests of computing. Python gets smaller numbers than we do, since both are counted in
 * squares a second and it takes far longer for each.
 *
 * @param ground What they need to know of the machine.
 * @returns The contests.
 *
 * @example
 * ```ts
 * import { cpu } from "./cpu.ts";
 *
 * const page = { fastUrl: "", slowUrl: "", bytes: 0 };
 * console.log(cpu({ python: undefined, page }).length); // 3
 * ```
 */
export function cpu(ground: Ground): Contest[] {
  const unit = perSecond("M squares");
  const work = (first: number, count: number) => ({
    items: count,
    sum: sumOfSquares(first, count),
    work: squaresIn(first, count) / 1e6,
  });
  const ours = (name: string, model: string, lanes: number, aim?: Aim): Contender => ({
    name,
    launch: own("ours_squares.ts", model, lanes, 150_000_000, 8),
    ...work(150_000_000, 8),
    ...(aim && { aim }),
  });
  const article = (name: string, mode: string, aim?: Aim): Contender => ({
    name: `${name}, Python ${ground.python?.version ?? "3"}`,
    ...python(ground, undefined, "python_cpu.py", mode, 5_000_000, 4),
    ...work(5_000_000, 4),
    ...(aim && { aim }),
  });
  const sameSpeed: Aim = { of: "ratio", atLeast: 0.85, atMost: 1.15 };
  return [{
    family: "cpu",
    title: "exact sums of squares on one lane",
    unit,
    ours: ours("sequential()", "sequential", 1),
    peers: [article("sum(i * i for i in range(n))", "one", { of: "ratio", atLeast: 40 })],
  }, {
    family: "cpu",
    title: "exact sums of squares on two lanes",
    unit,
    ours: ours("processes({ lanes: 2 })", "processes", 2),
    peers: [
      ours("workers({ lanes: 2 })", "workers", 2),
      article("multiprocessing.Pool(2).map", "pool"),
    ],
  }, {
    family: "cpu",
    title: "the same loop in every kind of lane",
    unit,
    ours: ours("sequential(): the main isolate", "sequential", 1),
    peers: [
      ours("workers({ lanes: 1 }): a thread", "workers", 1, sameSpeed),
      ours("processes({ lanes: 1 }): a subprocess", "processes", 1, sameSpeed),
    ],
  }];
}
