/**
 * What runs in an open-loop trial's own process: reads the trial from stdin and writes what it finds to
 * stdout. It imports no npm package.
 *
 * @module
 */

import { openItems } from "../../../timing/item_source.ts";
import { openModel } from "../../../timing/open_model.ts";
import { meetParent } from "../../../timing/parent.ts";
import { openLoopHere } from "./open_loop_here.ts";
import type { OpenLoopTrial } from "./open_loop_spec.ts";

async function run(trial: OpenLoopTrial, signal: AbortSignal) {
  const { job } = trial;
  const items = await Array.fromAsync(await openItems(job.items));
  const hooks: Record<string, unknown> = job.setup === undefined && job.teardown === undefined
    ? {}
    : await import(job.task.module);
  const hook = async (name: string | undefined) => {
    const found = name === undefined ? undefined : hooks[name];
    if (typeof found === "function") await found();
  };
  try {
    await hook(job.setup);
    const { model, lanes, slots } = trial;
    await using executor = openModel(model, { lanes, slots, permissions: job.permissions });
    return await openLoopHere(trial, { executor, items, signal });
  } finally {
    await hook(job.teardown);
  }
}

async function main(): Promise<void> {
  const { order: { trial }, writer, signal } = await meetParent<
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
