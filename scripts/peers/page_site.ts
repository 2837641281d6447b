/**
 * A site of one page that does as little as it can, so that it isn't what is measured: `/fast`
 * answers at once, `/slow` after 50 ms. Prints its port and the page's size; ends when stdin does.
 */

const PAGE = new Uint8Array(2_000).fill(120);

const server = Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log(`${port} ${PAGE.byteLength}`),
}, async (request) => {
  if (request.url.endsWith("/slow")) await new Promise((resolve) => setTimeout(resolve, 50));
  return new Response(PAGE);
});
while (await Deno.stdin.read(new Uint8Array(8)) !== null);
await server.shutdown();
