/**
 * Our own pools with no-op items. Arguments: workers|processes, items, lanes, slots, chunk, items
 * before.
 */

import { processes, task, workers } from "../../lib/mod.ts";
import { numbers, report, total } from "./reading.ts";

const [model = "workers", items = "1000", lanes = "2", slots = "1", chunk = "auto", before = "0"] =
  Deno.args;
const noop = task<typeof import("../../lib/tasks/noop.ts")>(
  new URL("../../lib/tasks/noop.ts", import.meta.url),
);
const options = { chunk: chunk === "auto" ? chunk : Number(chunk) } as const;

const open = model === "workers" ? workers : processes;
await using executor = open({ lanes: Number(lanes), slots: Number(slots) });
await executor.map(noop, numbers(Number(before)), options).toArray();

const input = numbers(Number(items));
const start = performance.now();
const results = await executor.map(noop, input, options).toArray();
const ms = performance.now() - start;
report({ items: results.length, sum: total(results), ms });
