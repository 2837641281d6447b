/** A program that calls a task itself, once. */

import noop from "../../lib/tasks/noop.ts";

console.log(noop(1));
