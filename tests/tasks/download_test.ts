import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import download, { DownloadError } from "../../lib/tasks/download.ts";
import { serveSite, type SiteServer } from "../../lib/site/site_main.ts";
import type { Fault } from "../../lib/site/faults.ts";
import { contextOf } from "./context.ts";

const ignore = Deno.permissions.querySync({ name: "net", host: "127.0.0.1" }).state !== "granted";

function siteTest(name: string, run: (site: SiteServer) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      await using site = serveSite({ latencyMs: 0 });
      await run(site);
    },
  });
}

function failure(url: string, item = {}, context = contextOf()): Promise<DownloadError> {
  return assertRejects(
    () => download({ url, ...item }, context),
    DownloadError,
  ) as Promise<DownloadError>;
}

siteTest("download() gives the same small result each time for the same page", async (site) => {
  const url = `${site.url}/page/1?copy=7`;
  const first = await download(url, contextOf());
  assertEquals(first, await download({ url }, contextOf()));
  assertEquals({ ...first, checksum: "" }, { url, status: 200, bytes: 10_000, checksum: "" });
  assertEquals(structuredClone(first), first);
  const other = await download(`${site.url}/page/2?copy=7`, contextOf());
  assert(other.checksum !== first.checksum, "two pages have one checksum");
});

Deno.test({
  name: "download() sums a page alike whether it comes in one piece or in parts",
  ignore,
  fn: async () => {
    const whole = new TextEncoder().encode("abcdefghijklm");
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        const parts = new ReadableStream<Uint8Array>({
          start(controller) {
            for (const byte of whole) controller.enqueue(Uint8Array.of(byte));
            controller.close();
          },
        });
        return new Response(request.url.endsWith("parts") ? parts : whole);
      },
    );
    const url = `http://127.0.0.1:${server.addr.port}/`;
    const { bytes, checksum } = await download(url, contextOf());
    const inParts = await download(`${url}parts`, contextOf());
    assertEquals([bytes, checksum], [inParts.bytes, inParts.checksum]);
    assertEquals(bytes, whole.length);
  },
});

siteTest("download() says the status of an answer that is no page", async (site) => {
  for (
    const [status, retryable] of [
      [404, false],
      [403, false],
      [408, true],
      [425, true],
      [
        429,
        true,
      ],
      [500, true],
      [503, true],
    ] as const
  ) {
    const error = await failure(`${site.url}/fault/status/${status}`);
    assertEquals(error.code, `HTTP ${status}`);
    assertEquals(error.status, status);
    assertEquals(error.retryable, retryable);
    assert(error.message.startsWith(`HTTP ${status}: GET http`), error.message);
    assertEquals("retryAfterMs" in error, false);
  }
});

siteTest("download() tells how long a server asked to wait", async (site) => {
  const error = await failure(`${site.url}/fault/retry-after/3`);
  assertEquals([error.status, error.retryAfterMs, error.retryable], [429, 3_000, true]);
});

for (
  const [fault, reason] of [
    ["reset", "reset"],
    ["truncated", "truncated"],
  ] as const
) {
  siteTest(`download() says "${reason}" for the site's fault ${fault}`, async (site) => {
    const error = await failure(`${site.url}/fault/${fault}`);
    assertEquals([error.code, error.retryable], [reason, true]);
    assert(error.message.startsWith(`${reason}: `), error.message);
    assert(error.cause instanceof Error);
  });
}

for (const fault of ["stall-headers", "stall-body", "drip"] satisfies Fault[]) {
  siteTest(`download() gives up on ${fault} when its time is over`, async (site) => {
    const error = await failure(`${site.url}/fault/${fault}`, { timeoutMs: 60 });
    assertEquals([error.code, error.retryable], ["timed out", true]);
    assertMatch(error.message, /within 60 ms/);
  });

  siteTest(`download() stops in ${fault} when it is cancelled`, async (site) => {
    const cancelling = new AbortController();
    const failed = failure(
      `${site.url}/fault/${fault}`,
      {},
      contextOf({ signal: cancelling.signal }),
    );
    cancelling.abort();
    const error = await failed;
    assertEquals([error.code, error.retryable], ["cancelled", false]);
  });
}

siteTest("download() doesn't start under a signal that is aborted already", async (site) => {
  const error = await failure(
    `${site.url}/page/1`,
    {},
    contextOf({ signal: AbortSignal.abort(7) }),
  );
  assertEquals(error.code, "cancelled");
});

siteTest('download() says "timed out" when its signal\'s reason is a deadline', async (site) => {
  const signal = AbortSignal.abort(new DOMException("the task's deadline", "TimeoutError"));
  assertEquals((await failure(`${site.url}/page/1`, {}, contextOf({ signal }))).code, "timed out");
});

Deno.test({
  name: 'download() says "refused" where nothing listens',
  ignore,
  fn: async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const error = await failure(`http://127.0.0.1:${port}/`);
    assertEquals([error.code, error.retryable], ["refused", true]);
    assertEquals((await failure("http://127.0.0.1:1/")).code, "refused");
  },
});

Deno.test({
  name: "download() tells how much it had of a body that is cut off, whose length nobody had told",
  ignore,
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const answered = (async () => {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(1000));
      const answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
      await connection.write(new TextEncoder().encode(answer));
    })();
    const { message, code } = await failure(`http://127.0.0.1:${port}/`);
    await answered;
    assertEquals(code, "truncated");
    assertMatch(message, /, after 5 bytes$/);
  },
});

siteTest('download() says "tls" where a server speaks no TLS', async (site) => {
  const error = await failure(site.url.replace("http:", "https:"));
  assertEquals([error.code, error.retryable], ["tls", false]);
});

Deno.test("download() refuses what is no web address", async () => {
  for (const url of ["", "nope", "file:///etc/hosts", "ftp://127.0.0.1/", "http://", "data:,x"]) {
    const error = await failure(url);
    assertEquals([error.code, error.retryable], ["invalid url", false], url);
    assert(error.message.startsWith("invalid url: "), error.message);
  }
});

Deno.test({
  name: "download() names the host that it has no permission for",
  permissions: { net: false },
  fn: async () => {
    const error = await failure("http://127.0.0.1:8080/page");
    assertEquals([error.code, error.retryable], ["permission", false]);
    assertMatch(error.message, /127\.0\.0\.1:8080/);
  },
});

siteTest("download() keeps a name and password out of its messages", async (site) => {
  const error = await failure(`${site.url.replace("//", "//somebody:secret@")}/fault/status/404`);
  assertEquals(/somebody|secret/.test(error.message), false);
});

Deno.test({
  name: "download() waits as long as Retry-After says only where that means that it was too much",
  ignore,
  fn: async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) => {
        const status = Number(new URL(url).pathname.slice(1));
        return new Response(null, { status, headers: { "retry-after": "3" } });
      },
    );
    const told = await Promise.all([429, 503, 500, 404].map(async (status) => {
      const { retryAfterMs } = await failure(`http://127.0.0.1:${server.addr.port}/${status}`);
      return retryAfterMs;
    }));
    assertEquals(told, [3000, 3000, undefined, undefined]);
  },
});

siteTest("download() tells the site which try it is only when asked to", async (site) => {
  const seen: (string | null)[] = [];
  await using echo = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    seen.push(request.headers.get("x-attempt"));
    return new Response("ok");
  });
  const url = `http://127.0.0.1:${echo.addr.port}/`;
  await download({ url }, contextOf({ attempt: 3 }));
  await download({ url, tellAttempt: true }, contextOf({ attempt: 3 }));
  assertEquals(seen, [null, "3"]);
  assert(site.url !== url);
});

siteTest("download() follows redirects and reads an error's body, too", async () => {
  let bodyRead = false;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/from") return Response.redirect(new URL("/to", request.url), 302);
    if (pathname === "/to") return new Response("there");
    let parts = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_000));
        if (++parts === 50) {
          controller.close();
          bodyRead = true;
        }
      },
    });
    return new Response(body, { status: 500 });
  });
  const base = `http://127.0.0.1:${server.addr.port}`;
  const { url, bytes } = await download(`${base}/from`, contextOf());
  assertEquals({ url, bytes }, { url: `${base}/from`, bytes: 5 });
  assertEquals((await failure(`${base}/bad`)).status, 500);
  assertEquals(bodyRead, true);
});

Deno.test({
  name: "download() tells of a redirect to where it may not go",
  ignore,
  permissions: { net: ["127.0.0.1"] },
  async fn() {
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => Response.redirect("http://other.invalid/page"),
    );
    const url = `http://127.0.0.1:${server.addr.port}/`;
    const { code, retryable, message } = await failure(url);
    assertEquals([code, retryable], ["redirect not permitted", false]);
    assert(message.includes(`GET ${url}: it leads to other.invalid:80`), message);
  },
});
