/**
 * Bare Web Workers, with an empty module that posts a message when loaded, or with a task that returns one
 * result. Arguments: how often; ready|result.
 */

import { report } from "./reading.ts";

const [count = "10", until = "ready"] = Deno.args;
const MAIN = until === "ready" ? "./bare_worker_main.ts" : "./bare_worker_task.ts";

async function startMs(): Promise<number> {
  const start = performance.now();
  const worker = new Worker(new URL(MAIN, import.meta.url), { type: "module" });
  if (until === "result") worker.postMessage(1);
  await new Promise((resolve) => worker.onmessage = resolve);
  const ms = performance.now() - start;
  worker.terminate();
  return ms;
}

await startMs();
let ms = 0;
for (let index = 0; index < Number(count); index++) ms += await startMs();
report({ items: Number(count), sum: Number(count), ms });
