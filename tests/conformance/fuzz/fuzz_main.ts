/** Runs the fuzzer; arguments: how many plans, and a seed to repeat. */

import fc from "../../properties.ts";
import { plan, play } from "./fuzz.ts";

const runs = Number(Deno.args[0] ?? 20_000);
const seed = Number(Deno.args[1] ?? crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1);
console.log(`${runs} runs, seed ${seed}`);
const startedMs = performance.now();
let done = 0;
const noted = async (drawn: Parameters<typeof play>[0]) => {
  await play(drawn);
  if (++done % 500 === 0) {
    console.log(`${done} runs, ${Math.round(performance.now() - startedMs)} ms`);
  }
};
await fc.assert(fc.asyncProperty(plan, noted), { seed, numRuns: runs, endOnFailure: true });
console.log(`${done} runs: every item settled once`);
Deno.exit(0);
