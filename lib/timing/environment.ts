/** What the figures were measured on, as far as this process is allowed to know. */

import { counted } from "../text/format.ts";
import { proxyNotes } from "./proxy.ts";
import type { Environment, ResultFile } from "./result.ts";

function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** What steers the clock of the first CPU; undefined if it isn't there or may not be read. */
function governor(): string | undefined {
  const path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  // Asked first: without the permission a terminal would be prompted.
  if (!granted({ name: "read", path })) return undefined;
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return undefined;
  }
}

/** What of the machine may matter to figures: its CPUs, its load before, its limits and proxies. */
export function notesOf(
  cpus: number,
  lanes: number,
  load: number | undefined,
  quota: number | undefined,
): string[] {
  const steering = governor() ?? "performance";
  return [
    quota === undefined ? [] : `A cgroup limits this process to ${counted(quota, "CPU")}.`,
    lanes >= cpus ? [] : `This process may use ${lanes} of the machine's ${cpus} CPUs.`,
    steering === "performance"
      ? []
      : `The CPU's frequency governor is "${steering}": the clock follows the load.`,
    load === undefined || load <= lanes / 2
      ? []
      : `The load average was ${load.toFixed(1)} at the start: other programs used the CPUs too.`,
    proxyNotes(),
  ].flat();
}

async function cpusHere(available: number): Promise<{ count: number; model?: string | undefined }> {
  if (!granted({ name: "sys", kind: "cpus" })) return { count: available };
  const { cpus } = await import("node:os") as { cpus: () => { model: string }[] };
  const all = cpus();
  return { count: Math.max(available, all.length), model: all[0]?.model.trim() || undefined };
}

/**
 * Describes this machine and run for the result file. Asks for no permission: what may not be known is
 * left out. `quota` is how many CPUs a control group leaves to this program; undefined for all.
 */
export async function describeMachine(
  now: () => number = Date.now,
  quota?: number,
): Promise<Environment> {
  const lanesAvailable = navigator.hardwareConcurrency;
  const { count: cpus, model: cpuModel } = await cpusHere(lanesAvailable);
  const loadAverage = granted({ name: "sys", kind: "loadavg" }) ? Deno.loadavg() : undefined;
  const said = notesOf(cpus, lanesAvailable, loadAverage?.[0], quota);
  return {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    os: Deno.build.os,
    arch: Deno.build.arch,
    cpus,
    lanesAvailable,
    startedAt: new Date(now()).toISOString(),
    ...(loadAverage && { loadAverage }),
    ...(cpuModel && { cpuModel }),
    ...(said.length > 0 && { notes: said }),
  };
}

/** The same of a run in which something is drawn from a seed. */
export async function describeEnvironment(
  seed: number,
  now?: () => number,
  quota?: number,
): Promise<ResultFile["environment"]> {
  return { ...await describeMachine(now, quota), seed };
}
