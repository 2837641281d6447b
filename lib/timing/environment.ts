/** The machine of a measurement, its limits and its proxies, as far as this process may know them. */

import { counted, formatBytes, formatNumber } from "../text/format.ts";
import type { Limits } from "./meter/meter_main.ts";
import type { Environment } from "./result.ts";

function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

export function notesOf(
  cpus: number,
  lanes: number,
  load: number | undefined,
  { quota, memoryBytes }: Limits,
): string[] {
  const most = [
    ...(quota === undefined ? [] : [counted(quota, "CPU")]),
    ...(memoryBytes === undefined ? [] : [`${formatBytes(memoryBytes)} of memory`]),
  ];
  return [
    most.length > 0 && `A cgroup limits this process to ${most.join(" and ")}.`,
    lanes < cpus && `This process may use ${lanes} of the machine's ${cpus} CPUs.`,
    load !== undefined && load > lanes / 2 &&
    `The load average was ${formatNumber(load)} at the start: others used the CPUs just before.`,
    ...proxyNotes(),
  ].filter((note) => note !== false);
}

async function cpusHere(available: number): Promise<{ count: number; model?: string | undefined }> {
  if (!granted({ name: "sys", kind: "cpus" })) return { count: available };
  const { cpus } = await import("node:os") as { cpus: () => { model: string }[] };
  const all = cpus();
  return { count: Math.max(available, all.length), model: all[0]?.model.trim() || undefined };
}

/** Describes the machine as far as possible; the limits of a control group come from a meter. */
export async function describeMachine(
  limits: Limits = {},
  now: () => number = Date.now,
): Promise<Environment> {
  const lanesAvailable = navigator.hardwareConcurrency;
  const { count: cpus, model: cpuModel } = await cpusHere(lanesAvailable);
  const loadAverage = granted({ name: "sys", kind: "loadavg" }) ? Deno.loadavg() : undefined;
  const said = notesOf(cpus, lanesAvailable, loadAverage?.[0], limits);
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

/** Deno uses proxies for addresses of this machine, too, unless `NO_PROXY` excludes them. */
const VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

const THIS_MACHINE = ["127.0.0.1", "localhost", "::1"];

export type ReadEnv = (name: string) => string | undefined;

const allowedEnv: ReadEnv = (name) =>
  granted({ name: "env", variable: name }) ? Deno.env.get(name) : undefined;

/** The value of `NO_PROXY` by which this machine is reached directly; undefined if no proxy is set. */
export function noProxyOf(env: ReadEnv): string | undefined {
  if (VARIABLES.every((name) => !env(name))) return undefined;
  const given = (env("NO_PROXY") ?? env("no_proxy") ?? "").split(",").map((host) => host.trim())
    .filter((host) => host !== "");
  return [...new Set([...given, ...THIS_MACHINE])].join(",");
}

/** Lets this process and its children reach this machine directly. Call it before any request. */
export function reachThisMachineDirectly(): void {
  if (!granted({ name: "env", variable: "NO_PROXY" })) return;
  const hosts = noProxyOf(allowedEnv);
  if (hosts !== undefined) Deno.env.set("NO_PROXY", hosts);
}

/** The host of a proxy's address, without a user name and password. */
function shown(proxy: string): string {
  const url = URL.parse(proxy) ?? URL.parse(`http://${proxy}`);
  return url === null || url.host === "" ? "a proxy" : url.host;
}

export function proxyNotes(env: ReadEnv = allowedEnv): string[] {
  return VARIABLES.flatMap((name) => {
    const proxy = env(name);
    return proxy
      ? [`${name} is set: requests go through ${shown(proxy)}, but for those to this machine.`]
      : [];
  });
}
