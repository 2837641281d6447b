/** What runs in a bare worker with a task: it answers with the task's result. */

/// <reference lib="deno.worker" />

import noop from "../../lib/tasks/noop.ts";

self.onmessage = ({ data }) => self.postMessage(noop(data));
