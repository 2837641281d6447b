/** Bare Web Workers with an empty module that says it is there. Argument: how often. */

import { report } from "./reading.ts";

const [count = "10"] = Deno.args;

async function readyMs(): Promise<number> {
  const start = performance.now();
  const worker = new Worker(new URL("./bare_worker_main.ts", import.meta.url), { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  const ms = performance.now() - start;
  worker.terminate();
  return ms;
}

await readyMs();
let ms = 0;
for (let index = 0; index < Number(count); index++) ms += await readyMs();
report({ items: Number(count), sum: Number(count), ms });
