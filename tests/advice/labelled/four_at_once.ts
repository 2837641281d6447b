/** Asks a server that serves four requests at once, 12 ms each, and queues the others. @module */
import { wait } from "./compute.ts";

const AT_ONCE = 4;
let server: Deno.HttpServer<Deno.NetAddr> | undefined;

export function prepare(): AsyncDisposable {
  let free = AT_ONCE;
  const queue: (() => void)[] = [];
  server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async () => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
    await wait(12);
    const next = queue.shift();
    if (next === undefined) free++;
    else next();
    return new Response("done");
  });
  return server;
}

export async function* items(): AsyncGenerator<string> {
  for (let item = 0; item < 120; item++) yield `http://127.0.0.1:${server!.addr.port}/${item}`;
}

export default async function (url: string): Promise<string> {
  return await (await fetch(url)).text();
}
