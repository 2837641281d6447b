/** Tasks controlled by a test in the same isolate. */

import type { Task, TaskContext } from "../../../lib/lanes/task.ts";

interface Gate {
  readonly reached: PromiseWithResolvers<void>;
  readonly opened: PromiseWithResolvers<void>;
}

const gates = new Map<string, Gate>();

function gateOf(name: string): Gate {
  let gate = gates.get(name);
  if (gate === undefined) {
    gate = { reached: Promise.withResolvers(), opened: Promise.withResolvers() };
    gates.set(name, gate);
  }
  return gate;
}

/** Lets the task through that waits at this gate, or will wait there. */
export function openGate(name: string): void {
  gateOf(name).opened.resolve();
}

/** Resolves once a task waits at this gate. */
export function reached(name: string): Promise<void> {
  return gateOf(name).reached.promise;
}

/** A task that returns its item. */
export function same(item: unknown): unknown {
  return item;
}

/** A task that waits at the gate of its item's name, or until it is stopped. */
export async function gated(name: string, { signal }: TaskContext): Promise<string> {
  const { reached, opened } = gateOf(name);
  reached.resolve();
  const stopped = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
  await Promise.race([opened.promise, stopped]);
  return name;
}

/** The functions that {@linkcode play} calls, by item. */
export const parts = new Map<unknown, (context: TaskContext) => unknown>();

/** A task that calls the function that the test has set for its item. */
export function play(item: unknown, context: TaskContext): unknown {
  return parts.get(item)!(context);
}

export function taskNamed(name: "same" | "gated" | "play" | "nothing"): Task {
  return { module: import.meta.url, export: name };
}
