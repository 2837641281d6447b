/**
 * What runs in an open-loop trial's own process: reads the trial from stdin and writes what it finds to
 * stdout. It imports no npm package.
 *
 * @module
 */

import { openItems, prepare } from "../../timing/job_items.ts";
import { openModel } from "../../timing/open_model.ts";
import { connectToParent } from "../../children/parent.ts";
import { openLoopHere, type OpenLoopTrial } from "./trial.ts";

async function run(trial: OpenLoopTrial, signal: AbortSignal) {
  const { job } = trial;
  const hooks: Record<string, () => unknown> = job.prepare === undefined
    ? {}
    : await import(job.task.module);
  await using _prepared = await prepare(hooks[job.prepare ?? ""]);
  const items = await Array.fromAsync(await openItems(job.items));
  const { model, lanes, slots } = trial;
  const { permissions, graceMs } = job;
  await using executor = openModel(model, { lanes, slots, permissions, graceMs });
  return await openLoopHere(trial, { executor, items, signal });
}

async function main(): Promise<void> {
  const { order: { trial }, writer, signal } = await connectToParent<
    { mark: string; trial: OpenLoopTrial }
  >();
  try {
    writer.write({ type: "result", trace: await run(trial, signal) });
  } catch (error) {
    const { name, message } = error instanceof Error
      ? error
      : { name: "Error", message: String(error) };
    writer.write({ type: "error", name, message });
  }
  // Not only a return: a worker that ignores its deadline would keep the process for ever.
  Deno.exit(0);
}

if (import.meta.main) await main();
