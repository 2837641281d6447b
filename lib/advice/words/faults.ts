/**
 * What of a job's tasks went wrong while advice was made, a line each: a script that has one ends with 1.
 */

import { counted } from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import type { Advice, Hazard } from "../advice.ts";
import type { Evidence } from "../evidence.ts";

const FAILING: readonly Hazard["kind"][] = ["refused", "descriptors", "late", "lanes"];

/** Names tasks that failed, in the sample or under a model of the race, or didn't settle, and results that differ. */
export function faultsOf(
  { sample, hazards }: Pick<Advice, "sample" | "hazards">,
  { probed }: Pick<Evidence, "probed">,
): string[] {
  const faults: string[] = [];
  const [first] = probed.failures;
  if (first !== undefined) {
    faults.push(
      `${sample.failed} of ${counted(sample.items, "item")} failed, item ${first.index} with ` +
        plain(`${first.name}: ${first.message}`),
    );
  }
  for (const { kind, figures = {} } of hazards) {
    if (!FAILING.includes(kind)) continue;
    const { failed, items, inFlight, model } = figures;
    faults.push(
      `${failed} of ${counted(Number(items), "item")} failed with ` +
        `${counted(Number(inFlight), "task")} in flight (${model}); see the hazards`,
    );
  }
  if (probed.cutOff !== undefined) {
    faults.push(`${probed.cutOff}; give it longer with --budget`);
  }
  const has = (wanted: Hazard["kind"]) => hazards.some(({ kind }) => kind === wanted);
  if (has("results")) faults.push("the models gave different results; see the hazards");
  else if (has("order")) {
    faults.push("results depend on the order in which tasks run; see the hazards");
  }
  return faults;
}
