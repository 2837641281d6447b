/**
 * A listener that knows no HTTP: it cuts connections without an answer, or keeps them waiting.
 * Deno.serve can do neither; the test site sends clients here for it.
 *
 * @module
 */

/** The path whose requests are cut. */
export const CUT = "/cut";
/** The path whose requests never get an answer. */
export const STALL = "/stall";

/** A raw listener on 127.0.0.1. */
export interface RawListener {
  /** Its host and port. */
  readonly host: string;
  /** Stops it and cuts all that waits. */
  close(): Promise<void>;
}

/** Reads what the client sends, until it has gone or has asked to be cut. */
async function treat(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4_096);
  const decoder = new TextDecoder();
  try {
    let size: number | null = null;
    while ((size = await connection.read(buffer)) !== null) {
      if (!decoder.decode(buffer.subarray(0, size)).startsWith(`GET ${STALL} `)) return;
    }
  } catch {
    // The client was quicker, or the site is being closed.
  }
}

/**
 * Starts the listener on a free port.
 *
 * @returns The listener.
 *
 * @example
 * ```ts
 * import { listenRaw } from "./raw.ts";
 *
 * const { state } = Deno.permissions.querySync({ name: "net", host: "127.0.0.1" });
 * if (state === "granted") {
 *   const raw = listenRaw();
 *   console.log(raw.host.startsWith("127.0.0.1:")); // true
 *   await raw.close();
 * }
 * ```
 */
export function listenRaw(): RawListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Map<Deno.Conn, Promise<void>>();

  function end(connection: Deno.Conn): void {
    if (open.delete(connection)) connection.close();
  }

  async function acceptAll(): Promise<void> {
    try {
      for await (const connection of listener) {
        open.set(connection, treat(connection).then(() => end(connection)));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  const accepting = acceptAll();
  return {
    host: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    close: async () => {
      listener.close();
      await accepting;
      const treated = [...open.values()];
      for (const connection of [...open.keys()]) end(connection);
      await Promise.all(treated);
    },
  };
}
