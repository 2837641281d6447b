/** Runs in a bare worker: answers each message with the task's result. */

/// <reference lib="deno.worker" />

import noop from "../../lib/tasks/noop.ts";

self.onmessage = ({ data }) => self.postMessage(noop(data));
