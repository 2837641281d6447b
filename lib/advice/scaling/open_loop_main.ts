/**
 * What runs in an open-loop trial's own process: reads the trial from stdin and writes what it finds to
 * stdout. It imports no npm package.
 *
 * @module
 */

import * as models from "../../executor.ts";
import type { Executor } from "../../executor.ts";
import { forwardConsole, Inbox, MessageWriter } from "../../timing/child_lines.ts";
import { openItems } from "../../timing/item_source.ts";
import { openLoopHere } from "./open_loop_here.ts";
import type { OpenLoopTrial } from "./open_loop_spec.ts";

/** How long stopping may take, in milliseconds. */
const LAST_MS = 2000;

function open({ model, lanes, slots, job }: OpenLoopTrial): Executor {
  const constructors = models as unknown as Record<
    string,
    (options: Record<string, unknown>) => Executor
  >;
  return constructors[model]!({
    ...(lanes !== undefined && { lanes }),
    ...(slots !== undefined && { slots }),
    ...(model === "processes" && job.permissions && { permissions: job.permissions }),
  });
}

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
    await using executor = open(trial);
    return await openLoopHere(trial, { executor, items, signal });
  } finally {
    await hook(job.teardown);
  }
}

async function main(): Promise<void> {
  forwardConsole();
  const inbox = new Inbox(Deno.stdin.readable);
  const line = await inbox.next();
  if (line === undefined) throw new Error("Cannot run a trial: stdin ended before it was named");
  const { mark, trial } = JSON.parse(line) as { mark: string; trial: OpenLoopTrial };
  const writer = new MessageWriter(mark);
  const stopping = new AbortController();
  const stop = () => {
    stopping.abort();
    setTimeout(() => Deno.exit(1), LAST_MS);
  };
  // The terminal sends Ctrl-C to every process of the group: only the parent decides what it means.
  Deno.addSignalListener("SIGINT", () => {});
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
  inbox.ended.then(stop);
  try {
    writer.write({ type: "result", trace: await run(trial, stopping.signal) });
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
