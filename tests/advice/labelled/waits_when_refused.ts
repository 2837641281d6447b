/** Asks a server that allows 60 requests a second, and waits and asks again when refused. @module */
import { wait } from "./compute.ts";

const PER_SECOND = 60;
const MOST = 10;

export function* items(): Generator<string> {
  let [tokens, lastMs] = [MOST, performance.now()];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async () => {
    const nowMs = performance.now();
    tokens = Math.min(MOST, tokens + (nowMs - lastMs) * PER_SECOND / 1000);
    lastMs = nowMs;
    if (tokens < 1) return new Response("", { status: 429 });
    tokens--;
    await wait(40);
    return new Response("done");
  });
  server.unref();
  for (let item = 0; item < 60; item++) yield `http://127.0.0.1:${server.addr.port}/${item}`;
}

export default async function (url: string): Promise<string> {
  for (;;) {
    const response = await fetch(url);
    const text = await response.text();
    if (response.ok) return text;
    // Many tasks that wait ask again at the same time, and most of them are refused again.
    await wait(750);
  }
}
