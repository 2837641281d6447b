/** A task that opens subprocesses of its own, in which something runs for an hour. */

import { processes } from "../../../lib/mod.ts";
import { taskNamed } from "../guarantee.ts";

export default async function (): Promise<void> {
  await using executor = processes({ lanes: 1 });
  await executor.map(taskNamed("nap"), [3_600_000]).toArray();
}
