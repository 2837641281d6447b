/** Asks a server that answers after 15 ms and refuses more than 8 requests at once. @module */
import { wait } from "./compute.ts";

const MOST = 8;
let server: Deno.HttpServer<Deno.NetAddr> | undefined;

export function prepare(): AsyncDisposable {
  let inFlight = 0;
  server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async () => {
    if (inFlight >= MOST) return new Response("too many", { status: 429 });
    inFlight++;
    try {
      await wait(15);
      return new Response("done");
    } finally {
      inFlight--;
    }
  });
  return server;
}

export async function* items(): AsyncGenerator<string> {
  for (let item = 0; item < 100; item++) yield `http://127.0.0.1:${server!.addr.port}/${item}`;
}

export default async function (url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw Object.assign(new Error(text), { code: `HTTP ${response.status}` });
  return text;
}
