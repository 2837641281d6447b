/**
 * Our own models on sums of squares. Arguments: sequential|workers|processes, lanes, first number,
 * how many numbers.
 */

import { processes, sequential, task, workers } from "../../lib/mod.ts";
import { report } from "./reading.ts";

const [model = "sequential", lanes = "2", first = "0", count = "0"] = Deno.args;
const squares = task<typeof import("../../lib/tasks/sum_squares.ts")>(
  new URL("../../lib/tasks/sum_squares.ts", import.meta.url),
);
await using executor = model === "sequential"
  ? sequential()
  : (model === "workers" ? workers : processes)({ lanes: Number(lanes) });
await executor.ready(squares);

const items = Array.from({ length: Number(count) }, (_, index) => Number(first) + index);
const start = performance.now();
const results = await executor.map(squares, items).toArray();
const ms = performance.now() - start;
report({ items: results.length, sum: results.reduce((sum, part) => sum + part, 0n), ms });
