/**
 * What runs in a trial's own process: reads the trial from stdin, runs it, and writes what it finds
 * to stdout as lines of JSON behind a mark. It imports no npm package.
 *
 * Stdin stays open while the trial is wanted: when it ends, whoever wanted it is gone.
 *
 * @module
 */

import { openModel } from "./open_model.ts";
import { connectToParent } from "../children/parent.ts";
import type { TrialSpec } from "./spec.ts";
import { runTrialHere } from "./trial.ts";

/** How often progress is told, at most, in milliseconds. */
const PROGRESS_MS = 100;

async function main(): Promise<void> {
  const { order: { trial, metered }, inbox, writer, signal } = await connectToParent<
    { mark: string; trial: TrialSpec; metered?: boolean }
  >();
  // Called once before anything is measured: Deno makes this global on first use, which takes a while.
  process.cpuUsage();
  let toldMs = -Infinity;
  try {
    const result = await runTrialHere(trial, {
      open: ({ model, lanes, slots, job: { permissions, graceMs } }) =>
        openModel(model, { lanes, slots, permissions, graceMs }),
      signal,
      ...(metered && {
        readMeter: async () => {
          writer.write({ type: "meter" });
          await inbox.next();
        },
      }),
      cpuMs: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1000;
      },
      eventLoopCpuMs: () => {
        const { user, system } = process.threadCpuUsage();
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
