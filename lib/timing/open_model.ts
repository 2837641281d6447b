/**
 * Opens the executor that a trial names.
 *
 * @module
 */

import * as models from "../executor.ts";
import type { Executor, Model } from "../executor.ts";
import type { LanePermissions } from "../lanes/subprocess/permissions.ts";

/** How large it is to be, and what its lanes may do, where that can be said of a model. */
export interface OpenOptions {
  readonly lanes?: number | undefined;
  readonly slots?: number | undefined;
  readonly permissions?: LanePermissions | undefined;
}

/** Which of these each model takes; an option that it doesn't know would be refused. */
const TAKES: Readonly<Record<Model, readonly (keyof OpenOptions)[]>> = {
  sequential: [],
  concurrent: [],
  limited: ["slots"],
  workers: ["lanes", "slots"],
  processes: ["lanes", "slots", "permissions"],
};

/** Opens a model's executor with what it takes of the options. */
export function openModel(model: Model, options: OpenOptions): Executor {
  const taken = TAKES[model].flatMap((name) =>
    options[name] === undefined ? [] : [[name, options[name]]]
  );
  return models[model](Object.fromEntries(taken));
}
