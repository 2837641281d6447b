/** The program of a trial's own process. It imports no npm package. */

import { answerParent } from "../children/parent.ts";
import type { TimingEvent, TrialSpec } from "./spec.ts";
import { openModel, runTrialHere } from "./trial.ts";

export interface TrialOrder {
  readonly trial: TrialSpec;
  /** Whether a meter is read before the first item and after the last outcome. */
  readonly metered: boolean;
}

export type TrialMessage =
  | { readonly type: "meter" }
  | Extract<TimingEvent, { readonly type: "progress" | "pulse" }>;

/** The least time between two reports of progress, in milliseconds. */
const PROGRESS_MS = 100;

const sumMs = ({ user, system }: { user: number; system: number }) => (user + system) / 1000;

if (import.meta.main) {
  await answerParent<TrialOrder>(({ order: { trial, metered }, inbox, tell, signal }) => {
    const say: (message: TrialMessage) => void = tell;
    // Called once before anything is measured: Deno makes this global on first use, which takes time.
    process.cpuUsage();
    let toldMs = -Infinity;
    const readMeter = async () => {
      say({ type: "meter" });
      await inbox.next();
    };
    return runTrialHere(trial, {
      open: openModel,
      signal,
      ...(metered && { readMeter }),
      cpuMs: () => sumMs(process.cpuUsage()),
      eventLoopCpuMs: () => sumMs(process.threadCpuUsage()),
      peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
      onProgress: (settled, total) => {
        const nowMs = performance.now();
        if (nowMs - toldMs < PROGRESS_MS && settled !== total) return;
        toldMs = nowMs;
        say({ type: "progress", settled, total });
      },
      onPulse: (pulse) => say({ type: "pulse", pulse }),
    });
  });
}
