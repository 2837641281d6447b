/** A program that calls a task directly, once. */

import noop from "../../lib/tasks/noop.ts";

console.log(noop(1));
