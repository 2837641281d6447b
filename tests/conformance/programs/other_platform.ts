/**
 * Puts other classes in the place of the platform's, as a DOM for tests does; then runs tasks, and stops one
 * by a signal of the platform's own.
 */

import { limited, processes, workers } from "../../../lib/mod.ts";

const controllers = Array.from({ length: 3 }, () => new AbortController());
Object.assign(globalThis, {
  AbortController: class {
    readonly signal = {};
  },
  AbortSignal: class {},
  process: {},
});
const navigator = { hardwareConcurrency: 2, locks: null };
Object.defineProperty(globalThis, "navigator", { value: navigator });

/** A task whose module is this code. */
function taskOf(code: string) {
  return { module: `data:text/javascript,export default ${code}`, export: "default" };
}

for (const executor of [limited(), workers({ lanes: 1 }), processes({ lanes: 1 })]) {
  const doubles = await executor.map(taskOf("(n) => 2 * n"), [1, 2] as never[]).toArray();
  const controller = controllers.pop()!;
  const never = taskOf("() => new Promise(() => {})");
  const outcomes = executor.mapSettled(never, [0] as never[], { signal: controller.signal });
  const first = outcomes.next();
  controller.abort();
  const { value } = await first;
  console.log(executor.model, ...doubles, value.ended);
  await executor.close();
}
