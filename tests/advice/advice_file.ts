/** Advice files as they could have been written, for the tests of reports. */

import { ENVIRONMENT } from "../environment.ts";
import type { Advice, AdviceFile } from "../../lib/advice/advice.ts";

/** A file around advice. */
export function adviceFileOf(advice: Advice): AdviceFile {
  return {
    schemaVersion: 1,
    kind: "advice",
    environment: ENVIRONMENT,
    advice,
  };
}
