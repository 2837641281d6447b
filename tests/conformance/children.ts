/** Checks child processes from outside, for tests that can't rely on the lane's own report. */

import { turns } from "./gates.ts";

/**
 * How many turns of a millisecond a child may still run after it should have ended: as long as a user tolerates.
 * Turns last longer on a busy machine, and so does whatever ends a child.
 */
const GONE_TURNS = 2000;
/** CPU time in ticks of 10 ms that only a busy loop uses up. */
const BUSY_TICKS = 5;

export function runs(pid: number): boolean {
  try {
    // A zombie process has ended; only its exit status has not been read yet.
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]); // user and system time
}

/** Waits until a process is busy computing. */
export async function busy(pid: number): Promise<void> {
  const before = cpuTicks(pid);
  while (cpuTicks(pid) - before < BUSY_TICKS) await turns(1);
}

/** Waits until the processes are gone; throws after about 2 s. */
export async function gone(...pids: readonly number[]): Promise<void> {
  for (let turn = 0; pids.some(runs); turn++) {
    if (turn === GONE_TURNS) throw new Error(`still run after 2 s: ${pids.filter(runs).join()}`);
    await turns(1);
  }
}
