/**
 * Proxies that the environment names. Deno asks them for addresses of this machine too, which none can
 * reach, unless `NO_PROXY` says otherwise.
 */

const VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

const THIS_MACHINE = ["127.0.0.1", "localhost", "::1"];

/** The variables of the environment, as far as they may be read. */
export type ReadEnv = (name: string) => string | undefined;

function granted(variable: string): boolean {
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}

const allowedEnv: ReadEnv = (name) => granted(name) ? Deno.env.get(name) : undefined;

/** What `NO_PROXY` must be, so that this machine is reached directly; undefined if no proxy is named. */
export function noProxyOf(env: ReadEnv): string | undefined {
  if (VARIABLES.every((name) => !env(name))) return undefined;
  const given = (env("NO_PROXY") ?? env("no_proxy") ?? "").split(",").map((host) => host.trim())
    .filter((host) => host !== "");
  return [...new Set([...given, ...THIS_MACHINE])].join(",");
}

/** Lets this process and those that it starts reach this machine directly. To be called before any request. */
export function reachThisMachineDirectly(): void {
  if (!granted("NO_PROXY")) return;
  const hosts = noProxyOf(allowedEnv);
  if (hosts !== undefined) Deno.env.set("NO_PROXY", hosts);
}

/** An address without the name and password that it may hold. */
function shown(proxy: string): string {
  const url = URL.parse(proxy) ?? URL.parse(`http://${proxy}`);
  return url === null || url.host === "" ? "a proxy" : url.host;
}

/** One sentence for each proxy that the environment names. */
export function proxyNotes(env: ReadEnv = allowedEnv): string[] {
  return VARIABLES.flatMap((name) => {
    const proxy = env(name);
    return proxy
      ? [`${name} is set: requests go through ${shown(proxy)}, but for those to this machine.`]
      : [];
  });
}
