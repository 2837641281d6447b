/** Sample advice files for the tests of reports. */

import { ENVIRONMENT } from "../environment.ts";
import type { Advice, AdviceFile } from "../../lib/advice/advice.ts";

/** Wraps advice into a file. */
export function adviceFileOf(advice: Advice): AdviceFile {
  return {
    schemaVersion: 1,
    kind: "advice",
    environment: ENVIRONMENT,
    advice,
  };
}
