/** Tasks for tests of `auto()`. @module */

export function kindOf(item: unknown): string {
  return typeof item === "object" ? Object.getPrototypeOf(item).constructor.name : typeof item;
}

/** Whether it runs in a thread; a program's own event loop, and a subprocess, say no. */
export function isThread(_item: number): boolean {
  return "DedicatedWorkerGlobalScope" in globalThis;
}
