import { assertEquals } from "@std/assert";
import { httpSigns, isRefusal } from "../../lib/tasks/http_signs.ts";

const RETRY = new Headers({ "retry-after": "2" });

Deno.test("httpSigns() finds a status and a wait wherever tasks put them", () => {
  const found: readonly [unknown, ReturnType<typeof httpSigns>][] = [
    [Object.assign(new Error("no"), { status: 429 }), { status: 429 }],
    [Object.assign(new Error("no"), { statusCode: 503 }), { status: 503 }],
    [Object.assign(new Error("no"), { code: "HTTP 429" }), { status: 429 }],
    [new Error("HTTP 429"), { status: 429 }],
    [new Error("429 Too Many Requests"), { status: 429 }],
    [new Error("rate limit exceeded"), { status: 429 }],
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
    ["HTTP 503", { status: 503 }],
    [undefined, {}],
    [new Error("item 429 is missing"), {}],
    [new TypeError("x is undefined"), {}],
  ];
  for (const [thrown, signs] of found) assertEquals(httpSigns(thrown), signs, String(thrown));
});

Deno.test("isRefusal() tells a server that asks for fewer requests from other answers", () => {
  assertEquals([{ status: 429 }, { status: 503 }, { retryAfterMs: 0 }].map(isRefusal), [
    true,
    true,
    true,
  ]);
  assertEquals([{ status: 404 }, { status: 500 }, {}].map(isRefusal), [false, false, false]);
});
