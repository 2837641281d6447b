/**
 * Advice files as they could have been written, for the tests of reports.
 *
 * @module
 */

import type { Advice, AdviceFile } from "../../lib/advice/advice.ts";

/** A file around advice. */
export function adviceFileOf(advice: Advice): AdviceFile {
  return {
    schemaVersion: 1,
    kind: "advice",
    environment: {
      deno: "2.9.6",
      v8: "14",
      os: "linux",
      arch: "x86_64",
      cpus: 2,
      lanesAvailable: 2,
      startedAt: "2026-01-01T12:00:00Z",
      seed: 1,
    },
    advice,
  };
}
