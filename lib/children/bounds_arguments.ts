/** The options that bound a model that finds its own size while it runs. */

import type { AutoBounds } from "../auto_options.ts";
import { isFixed, type Model, MODEL_TABLE } from "../models.ts";
import {
  MOST_ASKED_LANES,
  oneOf,
  positiveInteger,
  size,
  UsageError,
} from "../text/option_values.ts";

export interface RawBounds {
  readonly maxSlots?: string;
  readonly maxLanes?: string;
  readonly memory?: string;
  readonly stay?: string;
}

export const BOUNDS_HELP = {
  maxSlots: "of auto: tasks in flight at most, on all lanes together (default: 1024)",
  maxLanes:
    "of auto: the most lanes (default: one for each core, four for each if tasks block them)",
  memory:
    "of auto: fewer slots while it uses more memory than this, such as 500MB (default: unlimited)",
  stay: "of auto: loop keeps all tasks in one event loop, for tasks that change shared data",
} as const;

/**
 * Reads the bounds of models that have some; undefined if none was given.
 *
 * @param option The option that names the models.
 * @throws {UsageError} If a bound has a wrong value, or no model has bounds.
 */
export function boundsFor(
  option: string,
  models: readonly Model[],
  { maxSlots, maxLanes, memory, stay }: RawBounds,
): AutoBounds | undefined {
  const given = Object.entries({
    "--max-slots": maxSlots,
    "--max-lanes": maxLanes,
    "--memory": memory,
    "--stay": stay,
  }).find(([, value]) => value !== undefined);
  if (given === undefined) return undefined;
  if (models.every(isFixed)) {
    const remedy = `leave it out, or add ${option} auto`;
    throw new UsageError(given[0], given[1]!, "no model chosen finds its own size", remedy);
  }
  const mostSlots = { max: MODEL_TABLE.auto.mostSlots };
  const bounds = {
    ...(maxSlots !== undefined && {
      maxSlots: positiveInteger("--max-slots", maxSlots, mostSlots),
    }),
    ...(maxLanes !== undefined && {
      maxLanes: positiveInteger("--max-lanes", maxLanes, { max: MOST_ASKED_LANES }),
    }),
    ...(memory !== undefined && { memoryBytes: size("--memory", memory) }),
    ...(stay !== undefined && { stay: oneOf("--stay", stay, ["loop"]) }),
  };
  if (stay !== undefined && maxLanes !== undefined) {
    const problem = "no lane is started with --stay loop";
    throw new UsageError("--max-lanes", maxLanes, problem, "leave one of the two out");
  }
  return bounds;
}

/** Refuses a size for models that find their own. */
export function refuseSize(name: "lanes" | "slots", value: string): never {
  const bound = `bound it with --max-${name}, or leave it out`;
  throw new UsageError(`--${name}`, value, `auto finds out how many ${name} it needs`, bound);
}
