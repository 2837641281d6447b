/** How the test site fails on purpose, and the listener that cuts or stalls connections. */

/**
 * A number from 0 to below 1 that depends only on seed and name, since requests come in a different order
 * each time: FNV-1a (Fowler, Noll, Vo) of both, mixed by the finalizer of MurmurHash3 (Appleby).
 */
export function chance(seed: number, name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${seed} ${name}`)) {
    h = Math.imul(h ^ byte, 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

const CUT = "/cut";
/** The path whose requests never get an answer. */
const STALL = "/stall";

interface RawListener {
  readonly host: string;
  close(): Promise<void>;
}

/** Reads requests until the client disconnects or asks for another path than {@linkcode STALL}. */
async function readUntilCut(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4_096);
  const decoder = new TextDecoder();
  try {
    let size: number | null = null;
    while ((size = await connection.read(buffer)) !== null) {
      if (!decoder.decode(buffer.subarray(0, size)).startsWith(`GET ${STALL} `)) return;
    }
  } catch {
    // The client reset the connection, or the site is closing.
  }
}

/** A listener without HTTP, which cuts connections or never answers; `Deno.serve` can do neither. */
export function listenRaw(): RawListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Map<Deno.Conn, Promise<void>>();

  function end(connection: Deno.Conn): void {
    if (open.delete(connection)) connection.close();
  }

  async function acceptAll(): Promise<void> {
    try {
      for await (const connection of listener) {
        open.set(connection, readUntilCut(connection).then(() => end(connection)));
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
      const reading = [...open.values()];
      for (const connection of [...open.keys()]) end(connection);
      await Promise.all(reading);
    },
  };
}

export const FAULTS = [
  "status-500",
  "retry-after",
  "reset",
  "truncated",
  "stall-headers",
  "stall-body",
  "drip",
] as const;

export type Fault = typeof FAULTS[number];

const DRIP_MS = 50;

interface FaultContext {
  readonly page: Uint8Array<ArrayBuffer>;
  readonly rawUrl: string;
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * Chooses whether and how a request fails: the same for the same seed, address and attempt.
 *
 * @param attempt The number of the attempt, from 1, as the client says; each attempt is drawn anew.
 * @param share The share of requests that fail, 0 to 1.
 */
export function chooseFault(
  seed: number,
  address: string,
  attempt: number,
  share: number,
): Fault | undefined {
  if (chance(seed, `fails ${attempt} ${address}`) >= share) return undefined;
  return FAULTS[Math.floor(chance(seed, `how ${attempt} ${address}`) * FAULTS.length)];
}

/** A body that sends half a page, and then nothing more without ending. */
function stalledBody(page: Uint8Array<ArrayBuffer>): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(page.subarray(0, Math.ceil(page.length / 2))),
  });
}

/** A body that sends a byte every {@linkcode DRIP_MS}: data keeps coming, but a page of 10 kB takes minutes. */
function drippingBody(page: Uint8Array<ArrayBuffer>): ReadableStream {
  let at = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    pull: (controller) =>
      new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          if (at < page.length) controller.enqueue(page.subarray(at, ++at));
          if (at >= page.length) controller.close();
          resolve();
        }, DRIP_MS);
      }),
    cancel: () => clearTimeout(timer),
  });
}

/** A response that fails in the given way; a redirect to the raw listener if the client must get none. */
export function fail(fault: Fault, context: FaultContext): Response {
  const { page, rawUrl, retryAfterSeconds = 1 } = context;
  switch (fault) {
    case "status-500":
      return new Response("failed on purpose\n", { status: 500 });
    case "retry-after":
      return new Response("too many requests, said on purpose\n", {
        status: 429,
        headers: { "retry-after": String(retryAfterSeconds) },
      });
    case "reset":
      return new Response(null, { status: 307, headers: { location: `${rawUrl}${CUT}` } });
    case "stall-headers":
      return new Response(null, { status: 307, headers: { location: `${rawUrl}${STALL}` } });
    case "truncated":
      return new Response(
        new ReadableStream({
          start: (controller) => {
            controller.enqueue(page.subarray(0, Math.floor(page.length / 2)));
            controller.close();
          },
        }),
        { headers: { "content-length": String(Math.max(1, page.length)) } },
      );
    case "stall-body":
      return new Response(stalledBody(page));
    case "drip":
      return new Response(drippingBody(page));
  }
}
