/**
 * Opens the executor that a trial names.
 *
 * @module
 */

import * as executors from "../executor.ts";
import type { Executor } from "../executor.ts";
import type { LanePermissions } from "../lanes/subprocess/permissions.ts";
import { type Model, MODEL_TABLE } from "../models.ts";

/** How large it is to be, and what its lanes may do, where that can be said of a model. */
export interface OpenOptions {
  readonly lanes?: number | undefined;
  readonly slots?: number | undefined;
  readonly permissions?: LanePermissions | undefined;
  readonly graceMs?: number | undefined;
}

/** Opens a model's executor with what it takes of the options. */
export function openModel(model: Model, options: OpenOptions): Executor {
  const { sizes, startsDeno } = MODEL_TABLE[model];
  const taken = ["graceMs" as const, ...sizes, ...(startsDeno ? ["permissions"] as const : [])]
    .flatMap((name) => options[name] === undefined ? [] : [[name, options[name]]]);
  return executors[model](Object.fromEntries(taken));
}
