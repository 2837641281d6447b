import { assertEquals } from "@std/assert";
import {
  hostSaid,
  httpSigns,
  isRefusal,
  refuses,
  retryAfterMs,
} from "../../lib/tasks/http_signs.ts";
import fc from "../properties.ts";

const RETRY = new Headers({ "retry-after": "2" });

Deno.test("httpSigns() finds a status and a wait wherever tasks put them", () => {
  const found: readonly [unknown, ReturnType<typeof httpSigns>][] = [
    [Object.assign(new Error("no"), { status: 429 }), { status: 429 }],
    [Object.assign(new Error("no"), { statusCode: 503 }), { status: 503 }],
    [Object.assign(new Error("no"), { code: "HTTP 429" }), { status: 429 }],
    [new Error("HTTP 429"), { status: 429 }],
    [new Error("429 Too Many Requests"), { status: 429, saysLimit: true }],
    [new Error("HTTP 509"), { status: 509 }],
    // What tells no status has none.
    [new Error("rate limit exceeded"), { saysLimit: true }],
    // These are the errors of gRPC and AWS clients.
    [Object.assign(new Error("8 RESOURCE_EXHAUSTED: Quota exceeded"), { code: 8 }), {
      saysLimit: true,
    }],
    [new Error("[resource_exhausted] slow down"), { saysLimit: true }],
    [Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" }), {
      saysLimit: true,
    }],
    [Object.assign(new Error("no"), { name: "TooManyRequestsException", statusCode: 400 }), {
      status: 400,
      saysLimit: true,
    }],
    [Object.assign(new Error("14 UNAVAILABLE: no connection"), { code: 14 }), {}],
    [Object.assign(new Error("no"), { name: "UnthrottledError" }), {}],
    [new Response("", { status: 503, headers: RETRY }), { status: 503, retryAfterMs: 2000 }],
    [Object.assign(new Error("no"), { response: new Response("", { status: 429 }) }), {
      status: 429,
    }],
    [new Error("no", { cause: Object.assign(new Error("x"), { status: 429 }) }), { status: 429 }],
    [Object.assign(new Error("no"), { retryAfterMs: 50 }), { retryAfterMs: 50 }],
    [{ ok: false, status: 429 }, { status: 429 }],
    [{ response: { status: 429, headers: { "retry-after": 3 } } }, {
      status: 429,
      retryAfterMs: 3000,
    }],
    [
      Object.assign(new Error("429 slow down"), {
        status: 429,
        headers: new Headers({ "retry-after-ms": "25.5", "retry-after": "1" }),
      }),
      { status: 429, retryAfterMs: 26 },
    ],
    [{ status: 403, headers: { "RateLimit-Remaining": 0, "RateLimit-Reset": 7 } }, {
      status: 403,
      retryAfterMs: 7000,
    }],
    [{ status: 403, headers: { "x-ratelimit-remaining": "1", "x-ratelimit-reset": "7" } }, {
      status: 403,
    }],
    [{ status: 503, headers: { "ratelimit-reset": "1" } }, { status: 503, retryAfterMs: 1000 }],
    ["HTTP 503", { status: 503 }],
    [undefined, {}],
    [new Error("item 429 is missing"), {}],
    [new TypeError("x is undefined"), {}],
    // This is the error of node:child_process for a program that exited with the code.
    [Object.assign(new Error("Command failed: convert"), { code: 127 }), {}],
    [new Error("Cannot generate limits of separate limbs"), {}],
  ];
  for (const [thrown, signs] of found) assertEquals(httpSigns(thrown), signs, String(thrown));
});

Deno.test("isRefusal() tells a server that asks for fewer requests from other answers", () => {
  const refused = [{ status: 429 }, { status: 503 }, { status: 509 }, { retryAfterMs: 0 }];
  assertEquals(refused.filter(isRefusal), refused);
  assertEquals([{ status: 404 }, { status: 500 }, {}].filter(isRefusal), []);
  // The words of the answer decide, whatever its status.
  for (
    const [status, message, expected] of [
      [403, "API rate limit exceeded for user 7", true],
      [403, "Quota exceeded for queries per minute", true],
      [400, "ThrottlingException", true],
      [403, "The storage quota is exceeded", false],
      [403, "Forbidden", false],
      [200, "rate limit: 300", false],
    ] as const
  ) {
    const error = Object.assign(new Error(message), { status });
    assertEquals(refuses(error), expected, message);
    assertEquals(refuses(new Error("no", { cause: error })), expected, message);
  }
});

Deno.test("refuses() asks nothing of a value that resists it", () => {
  const getter = {
    status: 403,
    get message(): string {
      throw new Error("no");
    },
  };
  const odd = [Symbol("x"), null, { message: Symbol("x"), status: 403 }, getter, () => 1];
  assertEquals(odd.filter(refuses), []);
});

const NOW = Date.UTC(2026, 0, 1);

Deno.test("retryAfterMs() takes seconds", () => {
  assertEquals(retryAfterMs("0", NOW), 0);
  assertEquals(retryAfterMs(" 120 ", NOW), 120_000);
  assertEquals(retryAfterMs("0.0335", NOW), 34);
});

Deno.test("retryAfterMs() takes the three forms of a date in HTTP", () => {
  for (
    const date of [
      "Thu, 01 Jan 2026 00:00:05 GMT",
      "Thursday, 01-Jan-26 00:00:05 GMT",
      "Thu Jan  1 00:00:05 2026 GMT",
    ]
  ) {
    assertEquals(retryAfterMs(date, NOW), 5_000, date);
  }
});

Deno.test("retryAfterMs() asks for no wait when the date has passed", () => {
  assertEquals(retryAfterMs("Wed, 31 Dec 2025 23:59:59 GMT", NOW), 0);
});

Deno.test("retryAfterMs() knows nothing of what it can't understand", () => {
  for (const header of [null, "", "-1", "1.5 s", "soon", "1e3", "Infinity", "2 seconds"]) {
    assertEquals(retryAfterMs(header, NOW), undefined, String(header));
  }
});

Deno.test("retryAfterMs() never asks timers for more than they can", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 400n }), (seconds) => {
    const ms = retryAfterMs(String(seconds), NOW)!;
    assertEquals(ms, Math.min(Number(seconds) * 1_000, 2 ** 31 - 1));
  }));
});

Deno.test("hostSaid() finds the host wherever an error tells it", () => {
  const url = "https://api.example:8443/items?page=3";
  for (
    const thrown of [
      { url },
      Object.assign(new Error("no"), { response: { url } }),
      Object.assign(new Error("no"), { config: { url } }),
      new Error("no", { cause: { request: { url: new URL(url) } } }),
    ]
  ) assertEquals(hostSaid(thrown), "api.example:8443");
  for (const thrown of [undefined, "no", new Response(), { url: "/items" }, { url: 3 }]) {
    assertEquals(hostSaid(thrown), undefined);
  }
});

Deno.test("httpSigns() waits for the date at which a used-up quota is filled again", () => {
  for (const unit of [1, 1000]) {
    const reset = Math.ceil((Date.now() + 90_000) / 1000) * unit;
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) };
    const { retryAfterMs = 0 } = httpSigns({ response: { status: 403, headers } });
    assertEquals([retryAfterMs > 80_000, retryAfterMs <= 91_000], [true, true], `${retryAfterMs}`);
  }
  // The smallest number that counts as a date.
  for (const past of ["1700000000", "1000000000"]) {
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": past };
    assertEquals(httpSigns({ status: 403, headers }).retryAfterMs, 0);
  }
});
