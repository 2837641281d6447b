/**
 * What the figures were measured on, as far as this process is allowed to know.
 *
 * @module
 */

import { counted } from "../text/format.ts";
import { proxyNotes } from "./proxy.ts";
import type { ResultFile } from "./result.ts";

function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** A small file's text, or undefined if it isn't there or may not be read. */
function readText(path: string): string | undefined {
  // Asked first: without the permission a terminal would be prompted.
  if (!granted({ name: "read", path })) return undefined;
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return undefined;
  }
}

function notes(
  cpus: number,
  lanes: number,
  load: readonly number[] | undefined,
  quota: number | undefined,
): string[] {
  const notes: string[] = [];
  if (quota !== undefined) notes.push(`A cgroup limits this process to ${counted(quota, "CPU")}.`);
  if (lanes < cpus) notes.push(`This process may use ${lanes} of the machine's ${cpus} CPUs.`);
  const governor = readText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (governor !== undefined && governor !== "performance") {
    notes.push(`The CPU's frequency governor is "${governor}": the clock follows the load.`);
  }
  if (load !== undefined && load[0]! > lanes / 2) {
    notes.push(
      `The load average was ${load[0]!.toFixed(1)} at the start: other programs used the CPUs too.`,
    );
  }
  return notes;
}

async function cpusHere(available: number): Promise<{ count: number; model?: string | undefined }> {
  if (!granted({ name: "sys", kind: "cpus" })) return { count: available };
  const { cpus } = await import("node:os") as { cpus: () => { model: string }[] };
  const all = cpus();
  return { count: Math.max(available, all.length), model: all[0]?.model.trim() || undefined };
}

/**
 * Describes this machine and run for the result file. Asks for no permission: what may not be known is
 * left out.
 * `quota` is how many CPUs a control group leaves to this program; undefined for all.
 */
export async function describeEnvironment(
  seed: number,
  now: () => number = Date.now,
  quota?: number,
): Promise<ResultFile["environment"]> {
  const lanesAvailable = navigator.hardwareConcurrency;
  const { count: cpus, model: cpuModel } = await cpusHere(lanesAvailable);
  const loadAverage = granted({ name: "sys", kind: "loadavg" }) ? Deno.loadavg() : undefined;
  const said = [...notes(cpus, lanesAvailable, loadAverage, quota), ...proxyNotes()];
  return {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    os: Deno.build.os,
    arch: Deno.build.arch,
    cpus,
    lanesAvailable,
    startedAt: new Date(now()).toISOString(),
    seed,
    ...(loadAverage && { loadAverage }),
    ...(cpuModel && { cpuModel }),
    ...(said.length > 0 && { notes: said }),
  };
}
