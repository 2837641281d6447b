/** What runs in a bare worker: a greeting. */

/// <reference lib="deno.worker" />

self.postMessage("ready");
