import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import type { Pulse } from "../../../lib/progress/progress.ts";
import { LiveServer } from "../../../lib/report/live/live_server.ts";
import { granted } from "../../granted.ts";
import { whyNoChromium, withChromium } from "../html/chromium.ts";

const why = whyNoChromium();
if (why !== undefined) console.log(`The live page is not tested in a browser: ${why}`);
const ignore = !granted("net");

const looks: (readonly [name: string, look: (page: Page) => Promise<void>])[] = [];

/** A test of the page in one shared browser, because starting a browser takes as long as a test. */
function browserTest(...look: typeof looks[number]): void {
  looks.push(look);
}

/** The status of the answer to a request that names another host, as another site's page would send it. */
async function statusUnder(host: string, url: string): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return (await new Response(connection.readable).text()).split("\r\n")[0]!;
}

function pulseAt(atMs: number, changes: Partial<Pulse> = {}): Pulse {
  return {
    atMs,
    settled: atMs / 10,
    failed: 1,
    total: 1000,
    perSecond: 100,
    lanes: [2, 1],
    slots: 4,
    latencyMs: { median: 12, most: 40 },
    reasons: [{ reason: "<img src=x onerror=alert(1)>", count: 1 }],
    ...changes,
  };
}

async function statusOf(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, init);
  await response.body?.cancel();
  return response.status;
}

/** Polls until a condition holds; the page's policy forbids `waitForFunction` to poll. */
async function until(page: Page, condition: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (await page.evaluate(condition)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it never came to ${condition}`);
}

Deno.test({
  name: "nothing is served without the token, to another method, or under another name",
  ignore,
  async fn() {
    await using live = new LiveServer("crawl");
    const { origin, pathname } = new URL(live.url);
    assert(/^\/[0-9a-f]{32}\/$/.test(pathname));
    const wrong = pathname.replace(/[0-9a-f]/, (digit) => digit === "0" ? "1" : "0");
    for (
      const path of [
        "/",
        "/events",
        "/favicon.ico",
        wrong,
        `${wrong}events`,
        `${pathname}x`,
        pathname.slice(0, -1),
      ]
    ) {
      assertEquals(await statusOf(origin + path), 404, path);
    }
    assertEquals(await statusOf(live.url, { method: "POST" }), 404);
    assertEquals(await statusUnder("example.org", live.url), "HTTP/1.1 404 Not Found");
    assertEquals(await statusOf(live.url), 200);
    await using other = new LiveServer("crawl");
    assert(new URL(other.url).pathname !== pathname, "each run has a token of its own");
  },
});

Deno.test({
  name: "events tell what was before, what comes, and the end; then nothing is served",
  ignore,
  async fn() {
    const live = new LiveServer("crawl");
    live.pulse(pulseAt(0));
    const response = await fetch(`${live.url}events`);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    live.pulse(pulseAt(500));
    const ended = live.end("Done.");
    const events = (await response.text()).trimEnd().split("\n\n");
    await ended;
    assertEquals(events.map((event) => event.split("\n")[0]), [
      "event: pulse",
      "event: pulse",
      "event: end",
    ]);
    assertEquals(JSON.parse(events[1]!.split("data: ")[1]!), pulseAt(500));
    await fetch(live.url).then(() => assert(false), () => {});
  },
});

browserTest(
  "the page draws rate, latency, failures and lanes in Chromium, and asks for nothing else",
  async (page) => {
    await using live = new LiveServer("crawl <b>");
    live.pulse(pulseAt(0));
    live.pulse(pulseAt(500));
    const errors: string[] = [], requests: string[] = [];
    page.on("console", (message) => errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(live.url, { waitUntil: "commit" });
    await until(page, "document.querySelectorAll('#lanes div').length === 2");
    live.pulse(pulseAt(1000, { settled: 1000, perSecond: 200 }));
    await until(page, "document.getElementById('state').textContent.startsWith('1,000 of')");
    const text = await page.evaluate("document.body.innerText") as string;
    for (
      const words of [
        "crawl <b>",
        "200/s",
        "40.0 ms",
        "3 tasks on 2 lanes, 4 slots each",
        "<img src=x",
      ]
    ) {
      assertStringIncludes(text, words);
    }
    const paths = await page.evaluate(
      "[...document.querySelectorAll('svg')].map((svg) => [...svg.children].map((path) => path.getAttribute('d')))",
    ) as string[][];
    for (const path of paths.flat()) {
      assert(/^M[\d.]+,[\d.]+h0(L[\d.]+,[\d.]+){2}$/.test(path), path);
    }
    await live.end("The run is done.");
    await until(page, "document.getElementById('ended').textContent === 'The run is done.'");
    assertEquals(errors, []);
    assertEquals(requests.sort(), [live.url, `${live.url}events`]);
  },
);

browserTest(
  "the page draws each part of a comparison apart, and lists what each came to",
  async (page) => {
    await using live = new LiveServer("deno task io");
    for (const [atMs, part] of [[0, "one"], [1, "one"], [2, "<i>two"]] as const) {
      live.pulse(pulseAt(atMs * 1000, { part }));
    }
    await page.goto(live.url, { waitUntil: "commit" });
    await until(page, "document.querySelectorAll('#parts tr').length === 2");
    const read = (what: string) => page.evaluate(what) as Promise<string>;
    assertEquals(
      await read(
        "document.querySelector('#rate path').getAttribute('d').replace(/[\\d.,]+/g, '')",
      ),
      "MhLMh",
    );
    assertEquals(
      await read("document.getElementById('parts').innerText"),
      "one\t100 items\t1 failed\t100/s\n<i>two\t200 items\t1 failed\t100/s",
    );
    assert(
      (await read("document.getElementById('state').textContent")).startsWith("<i>two: 200"),
    );
  },
);

browserTest(
  "the page says when it hears nothing any more, and draws all anew once it does",
  async (page) => {
    await using live = new LiveServer("crawl");
    const gone = Promise.withResolvers<void>();
    let asked = 0;
    await page.route("**/events", async (route) => {
      if (++asked === 2) await gone.promise;
      const pulses = [0, 1000].map((atMs) =>
        `event: pulse\ndata: ${JSON.stringify(pulseAt(atMs))}\n\n`
      );
      // A program that was killed sends no end.
      const body = `retry: 10\n\n${pulses.join("")}${
        asked === 1 ? "" : 'event: end\ndata: "Over."\n\n'
      }`;
      await route.fulfill({ contentType: "text/event-stream", body });
    });
    await page.goto(live.url, { waitUntil: "commit" });
    await until(
      page,
      "document.getElementById('ended').textContent.startsWith('Nothing is heard')",
    );
    gone.resolve();
    await until(page, "document.getElementById('ended').textContent === 'Over.'");
    const path = await page.evaluate(
      "document.querySelector('#rate path').getAttribute('d')",
    ) as string;
    assertEquals(path.replace(/[\d.,]+/g, ""), "MhL");
  },
);

Deno.test({
  name: "the page in a browser",
  ignore: why !== undefined,
  fn: (t) =>
    withChromium(async (_open, browser) => {
      for (const [name, look] of looks) {
        await t.step(name, async () => {
          const page = await browser.newPage();
          try {
            await look(page);
          } finally {
            await page.close();
          }
        });
      }
    }),
});

Deno.test({
  name: "a viewer that doesn't read keeps neither the server nor the program",
  ignore,
  async fn() {
    const live = new LiveServer("crawl");
    const { hostname, port, pathname } = new URL(live.url);
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const request = `GET ${pathname}events HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    await connection.read(new Uint8Array(10));
    // The messages are larger than the socket's buffer.
    const reasons = [{ reason: "x".repeat(1_000_000), count: 1 }];
    for (let atMs = 0; atMs < 30; atMs++) {
      live.pulse(pulseAt(atMs, { reasons }));
      await new Promise((resolve) => setTimeout(resolve));
    }
    await live.end("Done.");
    // The server has let go of the connection once that ends here.
    const bytes = new Uint8Array(1 << 20);
    while (await connection.read(bytes).catch(() => null) !== null);
  },
});
