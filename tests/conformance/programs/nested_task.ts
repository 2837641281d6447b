/** Tasks that open their own lanes: subprocesses in which a task runs for an hour, and a thread. */

import { processes, workers } from "../../../lib/mod.ts";
import { taskNamed } from "../guarantee.ts";

export default async function (): Promise<void> {
  await using executor = processes({ lanes: 1 });
  await executor.map(taskNamed("nap"), [3_600_000]).toArray();
}

export async function inThread(n: number): Promise<number> {
  await using executor = workers({ lanes: 1 });
  return await executor.run(taskNamed("double"), n);
}
