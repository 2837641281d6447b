/**
 * Serves the test site on 127.0.0.1.
 *
 * @module
 */

import process from "node:process";
import { Counters } from "./counters.ts";
import { siteHandler } from "./handler.ts";
import { SITE_DEFAULTS, type SiteOptions } from "./options.ts";

/** A test site that is being served. */
export interface SiteServer extends AsyncDisposable {
  /** Where it is, without a slash at the end: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The hosts, with ports, that a client must be allowed to reach. */
  readonly hosts: readonly string[];
  /** Stops it at once, whatever is in flight. */
  close(): Promise<void>;
}

/** Waits; a client that leaves ends the wait, so that nothing is left behind. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

/** Accepts connections and cuts each as soon as a request comes: the client is left without an answer. */
async function cutConnections(listener: Deno.Listener): Promise<void> {
  const cut = async (connection: Deno.Conn) => {
    try {
      await connection.read(new Uint8Array(1));
    } catch {
      // The client was quicker.
    }
    connection.close();
  };
  try {
    for await (const connection of listener) void cut(connection);
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/**
 * Starts the test site in this process. Programs that measure start it in one of its own, with
 * `startSite`.
 *
 * @param options How it is to behave.
 * @returns The site.
 * @throws {Deno.errors.AddrInUse} If the port is taken.
 *
 * @example
 * ```ts
 * import { serveSite } from "./server.ts";
 *
 * const { state } = Deno.permissions.querySync({ name: "net", host: "127.0.0.1" });
 * if (state === "granted") {
 *   await using site = serveSite({ latencyMs: 0 });
 *   const response = await fetch(`${site.url}/page/1`);
 *   console.log((await response.text()).length); // 10000
 * }
 * ```
 */
export function serveSite(options: SiteOptions = {}): SiteServer {
  const hostname = "127.0.0.1";
  const settings = { ...SITE_DEFAULTS, ...options };
  const cutter = Deno.listen({ hostname, port: 0 });
  const cutHost = `${hostname}:${(cutter.addr as Deno.NetAddr).port}`;
  const stopping = new AbortController();
  const counters = new Counters({
    wallMs: () => performance.now(),
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    },
  });
  const handler = siteHandler({ options: settings, counters, cutUrl: `http://${cutHost}/`, wait });
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname,
      port: settings.port,
      signal: stopping.signal,
      onListen: () => {},
      // Bodies that break off on purpose come here too; they are no news.
      onError: () => new Response("the test site failed\n", { status: 500 }),
    }, handler);
  } catch (error) {
    cutter.close();
    throw error;
  }
  const cutting = cutConnections(cutter);
  let closed: Promise<void> | undefined;
  const close = () =>
    closed ??= (async () => {
      stopping.abort();
      cutter.close();
      await Promise.all([server.finished, cutting]);
    })();
  const host = `${hostname}:${server.addr.port}`;
  return { url: `http://${host}`, hosts: [host, cutHost], close, [Symbol.asyncDispose]: close };
}
