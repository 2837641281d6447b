/** Asks a server that refuses everything for 1.5 s after more than eight requests at once. @module */
import { wait } from "./compute.ts";

const MOST = 8;
const SHUT_OUT_MS = 1500;
/** The end of the refusal; the file lets servers in all processes act as one. */
const UNTIL = new URL("./shuts_out.tmp", import.meta.url);
let server: Deno.HttpServer<Deno.NetAddr> | undefined;

export async function prepare(): Promise<AsyncDisposable> {
  let inFlight = 0;
  let untilMs = Number(await Deno.readTextFile(UNTIL).catch(() => "0"));
  const refused = () => new Response("shut out", { status: 403 });
  server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async () => {
    if (Date.now() < untilMs) return refused();
    if (inFlight >= MOST) {
      untilMs = Date.now() + SHUT_OUT_MS;
      await Deno.writeTextFile(UNTIL, String(untilMs));
      return refused();
    }
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
  for (let item = 0; item < 150; item++) yield `http://127.0.0.1:${server!.addr.port}/${item}`;
}

export default async function (url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return text;
}
