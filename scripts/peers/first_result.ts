/** A program that runs one task once with the library. */

import { sequential, task } from "../../lib/loop.ts";

const noop = task<typeof import("../../lib/tasks/noop.ts")>(
  new URL("../../lib/tasks/noop.ts", import.meta.url),
);
await using executor = sequential();
console.log(await executor.run(noop, 1));
