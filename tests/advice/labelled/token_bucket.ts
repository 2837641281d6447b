/** Asks a server that allows 40 requests a second and answers more with 429 and Retry-After. @module */
import { wait } from "./compute.ts";

const PER_SECOND = 40;

export function* items(): Generator<string> {
  let [tokens, lastMs] = [10, performance.now()];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async () => {
    const nowMs = performance.now();
    tokens = Math.min(10, tokens + (nowMs - lastMs) * PER_SECOND / 1000);
    lastMs = nowMs;
    if (tokens < 1) return new Response("", { status: 429, headers: { "retry-after": "0" } });
    tokens--;
    await wait(10);
    return new Response("done");
  });
  server.unref();
  for (let item = 0; item < 100; item++) yield `http://127.0.0.1:${server.addr.port}/${item}`;
}

export default async function (url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw Object.assign(new Error("not so fast"), { status: response.status });
  return text;
}
