/** What runs in a bare worker: a greeting. */

self.postMessage("ready");
