/**
 * What tasks and modules throw, as plain data. It runs in a probe's process and imports no npm package.
 *
 * @module
 */

import { httpSigns } from "../../timing/refusal_signs.ts";
import type { Thrown } from "./probe_message.ts";

/** What was thrown, as plain data. */
export function thrownBy(error: unknown): Thrown {
  const signs = httpSigns(error);
  if (!(error instanceof Error)) {
    const message = error instanceof Response
      ? `a Response with status ${error.status}`
      : String(error);
    return { name: "Error", message, causes: [], ...signs };
  }
  const causes: string[] = [];
  for (let at = error.cause; at instanceof Error && causes.length < 5; at = at.cause) {
    causes.push(`${at.name}: ${at.message}`);
  }
  return { name: error.name, message: error.message, causes, ...signs };
}
