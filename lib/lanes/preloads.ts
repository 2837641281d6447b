/**
 * The modules that a lane loads as it starts, which needs no permission, and what becomes of a start
 * that fails for one of them. A lane is never given more permissions to find out.
 */

import type { Task } from "./task.ts";

/** What one lane loads as it starts. */
export class Preloads {
  /** The modules to be loaded, the one for whose task the lane was opened first. */
  modules: readonly string[];
  readonly #unloadable = new Map<string, string>();

  /** @param modules That of the task that the lane is opened for, and those loaded before elsewhere. */
  constructor(modules: readonly string[]) {
    this.modules = [...new Set(modules)].filter(needsPreload);
  }

  /**
   * The lane didn't start with these: the first one is to blame, or, if it still doesn't, all are.
   */
  giveUp(why: string): boolean {
    if (this.modules.length === 0) return false;
    const rest = this.#unloadable.size === 0 ? this.modules.slice(1) : [];
    for (const module of this.modules) {
      if (!rest.includes(module)) this.#unloadable.set(module, why);
    }
    this.modules = rest;
    return true;
  }

  /** Why a task's module can't be loaded, if that is known. */
  whyNot({ module }: Task): string | undefined {
    return this.#unloadable.get(module);
  }
}

/** Whether a lane without permissions can load a module only as it starts: unlike data and packages. */
export function needsPreload(module: string): boolean {
  return !/^(data|npm|jsr|node):/.test(module);
}
