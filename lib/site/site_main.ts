/** Serves the test site on 127.0.0.1, from a process of its own. It imports no npm package. */

import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { connectToParent } from "../children/parent.ts";
import { Counters, siteHandler } from "./handler.ts";
import { listenRaw } from "./faults.ts";
import { SITE_DEFAULTS, type SiteOptions } from "./site_options.ts";

export interface SiteServer extends AsyncDisposable {
  /** The site's address, without a slash at the end: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The hosts, with ports, that a client must be allowed to reach. */
  readonly hosts: readonly string[];
  /** Stops the site at once, even with requests in flight. */
  close(): Promise<void>;
}

/** Starts the test site in this process; programs that measure use `startSite`. */
export function serveSite(options: SiteOptions = {}): SiteServer {
  const hostname = "127.0.0.1";
  const settings = { ...SITE_DEFAULTS, ...options };
  const raw = listenRaw();
  const stopping = new AbortController();
  const counters = new Counters({
    wallMs: () => performance.now(),
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    },
  });
  // A closed site leaves no timer behind.
  const wait = (ms: number) => delay(ms, undefined, { signal: stopping.signal }).catch(() => {});
  const handler = siteHandler({ options: settings, counters, rawUrl: `http://${raw.host}`, wait });
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname,
      port: settings.port,
      signal: stopping.signal,
      onListen: () => {},
      // Errors of bodies that break off on purpose arrive here too, and aren't printed.
      onError: () => new Response("the test site failed\n", { status: 500 }),
    }, (request, { remoteAddr: { hostname, port } }) => handler(request, `${hostname}:${port}`));
  } catch (error) {
    void raw.close();
    throw error;
  }
  let closed: Promise<void> | undefined;
  const close = () =>
    closed ??= (async () => {
      stopping.abort();
      await Promise.all([server.finished, raw.close()]);
    })();
  const host = `${hostname}:${server.addr.port}`;
  return { url: `http://${host}`, hosts: [host, raw.host], close, [Symbol.asyncDispose]: close };
}

export type SiteGreeting =
  | { readonly type: "serving"; readonly url: string; readonly hosts: readonly string[] }
  | { readonly type: "error"; readonly name: string; readonly message: string };

if (import.meta.main) {
  const { order, tell, signal } = await connectToParent<SiteOptions>({ onTerm: "dies" });
  const say: (greeting: SiteGreeting) => void = tell;
  signal.onabort = () => Deno.exit(0);
  try {
    const { url, hosts } = serveSite(order);
    say({ type: "serving", url, hosts });
  } catch (thrown) {
    const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
    say({ type: "error", name, message });
    Deno.exit(1);
  }
}
