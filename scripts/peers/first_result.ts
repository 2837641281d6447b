/** A program whose only task gives one result. */

import { sequential, task } from "../../lib/mod.ts";

const noop = task<typeof import("../../lib/tasks/noop.ts")>(
  new URL("../../lib/tasks/noop.ts", import.meta.url),
);
await using executor = sequential();
console.log(await executor.run(noop, 1));
