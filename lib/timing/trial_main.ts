/**
 * What runs in a trial's own process: reads the trial from stdin, runs it, and writes what it finds
 * to stdout as lines of JSON behind a mark. It imports no npm package.
 *
 * Stdin stays open while the trial is wanted: when it ends, whoever wanted it is gone.
 *
 * @module
 */

import * as models from "../executor.ts";
import type { Executor } from "../executor.ts";
import { forwardConsole, Inbox, MessageWriter } from "./child_lines.ts";
import type { TrialSpec } from "./spec.ts";
import { runTrialHere } from "./trial.ts";

type Open = (options: Record<string, unknown>) => Executor;

/** How often progress is told, at most, in milliseconds. */
const PROGRESS_MS = 100;

/** How long stopping may take, in milliseconds. */
const LAST_MS = 2000;

function open({ model, lanes, slots, job }: TrialSpec): Executor {
  const constructors: Record<string, unknown> = { ...models };
  return (constructors[model] as Open)({
    ...(lanes !== undefined && { lanes }),
    ...(slots !== undefined && { slots }),
    // This process stops its lanes itself, below.
    ...(model === "processes" && { exitOnSignal: false, permissions: job.permissions ?? {} }),
  });
}

async function main(): Promise<void> {
  // What tasks print must not be taken for what the trial says.
  forwardConsole();
  const inbox = new Inbox(Deno.stdin.readable);
  const line = await inbox.next();
  if (line === undefined) throw new Error("Cannot run a trial: stdin ended before it was named");
  const { mark, trial } = JSON.parse(line) as { mark: string; trial: TrialSpec };
  const writer = new MessageWriter(mark);
  const stopping = new AbortController();
  const stop = () => {
    stopping.abort();
    // Lanes that don't start, and tasks that don't stop, must not keep the process.
    setTimeout(() => Deno.exit(1), LAST_MS);
  };
  // The terminal sends Ctrl-C to every process of the group: only the parent decides what it means.
  Deno.addSignalListener("SIGINT", () => {});
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
  inbox.ended.then(stop);
  // Touched before anything is measured: the global is made on first use, which takes a while.
  process.cpuUsage();
  let toldMs = -Infinity;
  try {
    const result = await runTrialHere(trial, {
      open,
      signal: stopping.signal,
      cpuMs: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1000;
      },
      peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
      onProgress: (settled, total) => {
        const nowMs = performance.now();
        if (nowMs - toldMs < PROGRESS_MS && settled !== total) return;
        toldMs = nowMs;
        writer.write({ type: "progress", settled, total });
      },
    });
    writer.write({ type: "result", result });
  } catch (error) {
    writer.write({
      type: "error",
      name: error instanceof Error ? error.name : "Error",
      message: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }
  // Not only a return: a worker that ignores its deadline would keep the process for ever.
  Deno.exit(0);
}

if (import.meta.main) await main();
