import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { serveSite } from "../../lib/site/site_main.ts";

const ignore = Deno.permissions.querySync({ name: "net", host: "127.0.0.1" }).state !== "granted";

Deno.test({
  name: "serveSite() serves pages, and counts the most it answered at once",
  ignore,
  fn: async () => {
    await using site = serveSite({ latencyMs: 20, pageBytes: 100 });
    const lengths = await Promise.all(
      [1, 2, 3].map(async (copy) => (await fetch(`${site.url}/page/1?copy=${copy}`)).bytes()),
    );
    assertEquals(lengths.map((bytes) => bytes.length), [100, 100, 100]);
    const stats = await (await fetch(`${site.url}/_stats`)).json();
    assertEquals([stats.requests, stats.inFlight], [3, 0]);
    assertEquals(stats.cpuMs > 0 && stats.wallMs > 0, true);
  },
});

Deno.test({
  name: "serveSite() names all hosts that its clients are sent to",
  ignore,
  fn: async () => {
    await using site = serveSite({ latencyMs: 0 });
    const response = await fetch(`${site.url}/fault/reset`, { redirect: "manual" });
    await response.body?.cancel();
    assertEquals(site.hosts.length, 2);
    assertEquals(site.hosts.includes(new URL(site.url).host), true);
    assertEquals(site.hosts.includes(new URL(response.headers.get("location")!).host), true);
  },
});

Deno.test({
  name: "serveSite() throws when its port is taken, and leaves nothing open",
  ignore,
  fn: async () => {
    await using site = serveSite();
    const port = Number(new URL(site.url).port);
    assertThrows(() => serveSite({ port }), Deno.errors.AddrInUse);
  },
});

Deno.test({
  name: "serveSite() closes at once, whatever is stalled, and more than once",
  ignore,
  fn: async () => {
    const site = serveSite();
    const left = ["/slow/1000000", "/fault/stall-headers", "/fault/stall-body", "/fault/drip"].map(
      (path) => fetch(`${site.url}${path}`).then((response) => response.bytes()),
    );
    const all = left.map((download) => assertRejects(() => download));
    // The loop waits until the site has all requests: each is counted on arrival, whatever its latency.
    for (let requests = 0; requests < 4;) {
      requests = (await (await fetch(`${site.url}/_stats`)).json()).requests;
    }
    await Promise.all([site.close(), site.close()]);
    await Promise.all(all);
  },
});
