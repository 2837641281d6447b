/** Runs in a bare worker: posts a message when loaded. */

/// <reference lib="deno.worker" />

self.postMessage("ready");
