import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Counters, page, siteHandler } from "../../lib/site/handler.ts";
import { chooseFault } from "../../lib/site/faults.ts";
import { SITE_DEFAULTS, type SiteOptions } from "../../lib/site/site_options.ts";
import fc from "../properties.ts";

function site(options: SiteOptions = {}) {
  const waits: number[] = [];
  const counters = new Counters({ wallMs: () => 0, cpuMs: () => 0 });
  const handle = siteHandler({
    options: { ...SITE_DEFAULTS, ...options },
    counters,
    rawUrl: "http://127.0.0.1:2",
    wait: (ms) => Promise.resolve(void waits.push(ms)),
  });
  const get = (path: string, headers?: HeadersInit) =>
    handle(new Request(`http://127.0.0.1${path}`, { headers }));
  return { get, waits, counters };
}

Deno.test("the site gives pages of the length asked for, after the latency", async () => {
  const { get, waits } = site({ latencyMs: 30, pageBytes: 500 });
  const response = await get("/page/2?copy=3");
  assertEquals([response.status, (await response.bytes()).length], [200, 500]);
  assertMatch(response.headers.get("content-type")!, /^text\/html/);
  assertEquals(waits, [30]);
});

Deno.test("the site draws jitter by address, within its bound, the same each time", async () => {
  const { get, waits } = site({ latencyMs: 30, jitterMs: 10 });
  for (const path of ["/page/1?copy=1", "/page/1?copy=2", "/page/1?copy=1"]) await get(path);
  assertEquals(waits.every((ms) => ms >= 30 && ms < 40), true, waits.join());
  assertEquals([waits[0] === waits[2], waits[0] === waits[1]], [true, false]);
});

Deno.test("the site doesn't wait at all without latency", async () => {
  const { get, waits } = site({ latencyMs: 0 });
  await get("/page/1");
  assertEquals(waits, []);
});

Deno.test("the site waits as long as /slow says, and no latency beside", async () => {
  const { get, waits } = site({ latencyMs: 30 });
  assertEquals((await get("/slow/700")).status, 200);
  assertEquals(waits, [700]);
});

Deno.test("the site fails the addresses that were drawn, and counts them", async () => {
  const { get, counters } = site({ faultShare: 0.3, seed: 5, latencyMs: 0 });
  let faults = 0;
  for (let copy = 0; copy < 100; copy++) {
    const address = `/page/1?copy=${copy}`;
    const drawn = chooseFault(5, address, 1, 0.3);
    if (drawn !== undefined) faults++;
    const response = await get(address);
    if (drawn === "status-500") assertEquals(response.status, 500);
    if (drawn === undefined) assertEquals((await response.bytes()).length, 10_000);
    await response.body?.cancel().catch(() => {});
  }
  assertEquals(faults > 15, true);
  const { requests, faults: counted, inFlight } = counters.stats();
  assertEquals({ requests, counted, inFlight }, { requests: 100, counted: faults, inFlight: 0 });
});

Deno.test("the site draws anew for another try that it is told of", async () => {
  const { get } = site({ faultShare: 0.5, latencyMs: 0 });
  const address = Array.from({ length: 1_000 }, (_, copy) => `/page/1?copy=${copy}`)
    .find((path) =>
      chooseFault(1, path, 1, 0.5) === "status-500" && chooseFault(1, path, 2, 0.5) === undefined
    )!;
  assertEquals((await get(address)).status, 500);
  assertEquals((await get(address, { "x-attempt": "2" })).status, 200);
  assertEquals((await get(address, { "x-attempt": "soon" })).status, 500);
});

Deno.test("the site fails on demand", async () => {
  const { get } = site();
  const statuses = await Promise.all(
    [
      "/fault/status/503",
      "/fault/status/304",
      "/fault/status-500",
      "/fault/retry-after",
      "/fault/reset",
    ]
      .map(async (path) => (await get(path)).status),
  );
  assertEquals(statuses, [503, 304, 500, 429, 307]);
  assertEquals((await get("/fault/retry-after/7")).headers.get("retry-after"), "7");
});

Deno.test("the site says 404 and what there is for any other address", async () => {
  const { get } = site();
  for (
    const path of [
      "/nope",
      "/page",
      "/page/0",
      "/page/x",
      "/page/1/2",
      "/slow/-1",
      "/slow/1e3",
      "/fault/nope",
      "/fault/status/99",
      "/fault/status/600",
      "/fault/retry-after/x",
      "/fault/reset/x",
      "/page/%0a",
    ]
  ) {
    const response = await get(path);
    assertEquals(response.status, 404, path);
    assertMatch(await response.text(), /\/page\/<n>/);
  }
  assertEquals((await get("/")).status, 200);
});

Deno.test("the site's own figures are neither delayed nor counted", async () => {
  const { get, waits } = site({ latencyMs: 30 });
  await get("/page/1");
  assertEquals((await (await get("/_stats?restart=1")).json()).requests, 1);
  assertEquals((await (await get("/_stats")).json()).requests, 0);
  assertEquals(waits, [30]);
});

function counters() {
  const clock = { wallMs: 1_000, cpuMs: 100 };
  return {
    clock,
    counters: new Counters({ wallMs: () => clock.wallMs, cpuMs: () => clock.cpuMs }),
  };
}

Deno.test("Counters tell the peak of what was in flight, not the sum", () => {
  const { counters: counted } = counters();
  const first = counted.begin();
  const second = counted.begin();
  first();
  const third = counted.begin();
  third();
  second();
  const { requests, inFlight, inFlightPeak } = counted.stats();
  assertEquals({ requests, inFlight, inFlightPeak }, { requests: 3, inFlight: 0, inFlightPeak: 2 });
});

Deno.test("Counters end a request once, however often that is said", () => {
  const { counters: counted } = counters();
  counted.begin();
  const ended = counted.begin();
  ended();
  ended();
  assertEquals(counted.stats().inFlight, 1);
});

Deno.test("Counters tell CPU time over wall time since they began, and begin anew", () => {
  const { clock, counters: counted } = counters();
  counted.begin();
  counted.fault();
  clock.wallMs += 200;
  clock.cpuMs += 50;
  const { wallMs, cpuMs, busyShare, faults } = counted.stats();
  assertEquals({ wallMs, cpuMs, busyShare, faults }, {
    wallMs: 200,
    cpuMs: 50,
    busyShare: 0.25,
    faults: 1,
  });
  counted.restart();
  assertEquals(counted.stats(), {
    requests: 0,
    faults: 0,
    inFlight: 1,
    inFlightPeak: 1,
    connections: 0,
    cpuMs: 0,
    wallMs: 0,
    busyShare: 0,
  });
});

Deno.test("page() has exactly the length asked for, and the same text each time", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(20_000), (number, bytes) => {
    const made = page(number, bytes);
    assertEquals(made.length, bytes);
    assertEquals(page(number, bytes), made);
    assertEquals(made.every((byte) => byte === 10 || (byte >= 32 && byte < 127)), true);
  }));
});

Deno.test("page() is whole HTML that says which page it is", () => {
  const text = new TextDecoder().decode(page(2, 10_000));
  assertEquals(text.startsWith("<!DOCTYPE html>\n"), true);
  assertEquals(text.endsWith("</html>\n"), true);
  assertEquals(text.includes("<h1>Page 2</h1>"), true);
});

Deno.test("page() differs between the article's two pages, of any length worth the name", () => {
  for (const bytes of [100, 1_000, 10_000]) assertNotEquals(page(1, bytes), page(2, bytes));
});

Deno.test("Counters count each connection once, and anew after a restart", () => {
  const counters = new Counters({ wallMs: () => 0, cpuMs: () => 0 });
  for (const client of ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:1"]) counters.begin(client)();
  assertEquals(counters.stats().connections, 2);
  counters.restart();
  assertEquals(counters.stats().connections, 0);
  counters.begin("127.0.0.1:1")();
  counters.begin()();
  assertEquals(counters.stats().connections, 1);
});
