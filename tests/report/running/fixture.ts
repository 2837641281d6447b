/** A made-up run that continued an earlier one, and was halted. */

import { MACHINE } from "../../environment.ts";
import type { RunFile, RunResult } from "../../../lib/running/run_result.ts";

export function runResult(changes: Partial<RunResult> = {}): RunResult {
  return {
    job: { name: "crawl", module: "file:///job.ts", export: "default" },
    model: "limited",
    lanes: 1,
    slots: 5,
    ended: "halted",
    total: 2000,
    before: { done: 1200, failed: 3 },
    succeeded: 100,
    failed: 20,
    failedInAll: 23,
    gone: 0,
    wallMs: 6000,
    reasons: [
      { reason: "HTTP 503", count: 19, index: 1203, message: "HTTP 503: busy" },
      { reason: "timed-out", count: 1, index: 1300, message: "no answer" },
    ],
    slowest: [{ index: 1300, ms: 2000, attempts: 2, lane: 0 }],
    ...changes,
  };
}

export function runFile(): RunFile {
  return { schemaVersion: 1, kind: "run", environment: MACHINE, run: runResult() };
}
