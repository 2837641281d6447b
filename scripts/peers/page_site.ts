/**
 * A site of one page that does as little as possible, so that the clients are the bottleneck. The last part of
 * an address is how long the page takes, in milliseconds; below `/counted/` connections are counted, and
 * `/connections` returns their number since it was last asked. Prints its port and the page's size; ends when
 * stdin does.
 */

const PAGE = new Uint8Array(2_000).fill(120);

/** The clients' ports, one for each connection. */
const ports = new Set<number>();

function connections(): Response {
  const { size } = ports;
  ports.clear();
  return new Response(String(size));
}

const server = Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log(`${port} ${PAGE.byteLength}`),
}, async ({ url }, { remoteAddr }) => {
  if (url.endsWith("/connections")) return connections();
  if (url.includes("/counted/")) ports.add(remoteAddr.port);
  const ms = Number(url.slice(url.lastIndexOf("/") + 1));
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return new Response(PAGE);
});
while (await Deno.stdin.read(new Uint8Array(8)) !== null);
await server.shutdown();
