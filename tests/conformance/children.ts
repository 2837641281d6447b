/** Looks at children from outside, where the lane's own word is not to be taken. */

import { turns } from "./gates.ts";

/** As long as a child may go on after it was to end: what a person puts up with. */
const GONE_MS = 2000;
/** Ticks of 10 ms of CPU time, so many that only a loop that goes on has used them. */
const BUSY_TICKS = 5;

/** Whether a process runs. */
export function runs(pid: number): boolean {
  try {
    // A zombie has ended: it only waits for its status to be read.
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]); // user and system time
}

/** Waits until a process computes and computes. */
export async function busy(pid: number): Promise<void> {
  const before = cpuTicks(pid);
  while (cpuTicks(pid) - before < BUSY_TICKS) await turns(1);
}

/** Waits until processes are gone, but no longer than 2 s. */
export async function gone(...pids: readonly number[]): Promise<void> {
  const end = performance.now() + GONE_MS;
  while (pids.some(runs)) {
    if (performance.now() > end) {
      throw new Error(`still run after ${GONE_MS} ms: ${pids.filter(runs).join()}`);
    }
    await turns(1);
  }
}
