import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Outcome } from "../../lib/dispatch/output.ts";
import {
  clipped,
  failureKindsOf,
  failuresOf,
  messageOf,
  messageWithCauses,
  PaceMeter,
  paceOf,
  reasonName,
  stuckOf,
  sumOfFailures,
} from "../../lib/timing/failures.ts";

const TIMES = { item: 0, lane: 0, attempts: 1, queuedAtMs: 0, startedAtMs: 0, endedAtMs: 1 };

const at = (index: number, endedAtMs = index) => ({
  index,
  item: index,
  lane: 0,
  attempts: 1,
  queuedAtMs: 0,
  startedAtMs: 0,
  endedAtMs,
});

function failed(index: number, reason: unknown, endedAtMs?: number): Outcome<unknown> {
  return { ...at(index, endedAtMs), status: "rejected", ended: "failed", reason };
}

Deno.test("failuresOf() counts reasons and keeps the first item's message of each", () => {
  const refused = (page: number) =>
    Object.assign(new Error(`refused: GET http://a/${page}: nobody listens`), { code: "refused" });
  const outcomes = [
    failed(7, refused(7)),
    failed(3, refused(3)),
    failed(5, new RangeError("too large")),
    { status: "fulfilled", index: 0, value: 1, ...TIMES } as const,
  ];
  assertEquals(failuresOf(outcomes), {
    reasons: { refused: 2, RangeError: 1 },
    examples: {
      refused: "item 3, GET http://a/3: nobody listens",
      RangeError: "item 5, too large",
    },
  });
});

Deno.test("failuresOf() takes whatever is thrown", () => {
  const odd = {
    toString() {
      throw new Error("trap");
    },
  };
  const { reasons, examples } = failuresOf([
    failed(0, "text"),
    failed(1, undefined),
    failed(2, odd),
    failed(3, Object.assign(new Error("x"), { code: "__proto__" })),
  ]);
  assertEquals(Object.entries(reasons), [["text", 1], ["failed", 2], ["__proto__", 1]]);
  assertEquals(Object.entries(examples), [
    ["text", "item 0"],
    ["failed", "item 1, undefined"],
    ["__proto__", "item 3, x"],
  ]);
});

Deno.test("messageOf() shows what has no words of its own", () => {
  const odd = Object.assign(new Error(), { message: { code: 3 } });
  const url = new URL("http://host/");
  assertEquals([odd, { status: 4 }, url].map(messageOf), [
    "{ code: 3 }",
    "{ status: 4 }",
    "http://host/",
  ]);
});

Deno.test("messageWithCauses() says why, where an error's cause does", () => {
  const refused = new Error("connection refused");
  const caused = (message: string, cause: unknown) => new TypeError(message, { cause });
  const round = caused("round", undefined);
  Object.assign(round, { cause: caused("and", round) });
  const cases: [unknown, string][] = [
    [caused("fetch failed", refused), "fetch failed: connection refused"],
    [caused("fetch failed", caused("no route", "cable")), "fetch failed: no route: cable"],
    [caused("", refused), "connection refused"],
    [caused("page 3: connection refused", refused), "page 3: connection refused"],
    [caused("page 3: dns error", caused("fetch failed", "dns error")), "page 3: dns error"],
    [caused("no", { status: 4 }), "no"],
    [caused("no", undefined), "no"],
    [{ cause: refused }, messageOf({ cause: refused })],
    [round, "round: and"],
  ];
  for (const [reason, text] of cases) assertEquals(messageWithCauses(reason), text);
  assertEquals(failuresOf([failed(0, caused("fetch failed", refused))]).examples, {
    refused: "item 0, fetch failed: connection refused",
  });
});

Deno.test("reasonName() names what was thrown by status, code, why fetch failed, or name", () => {
  const coded = Object.assign(new Error("no"), { code: "ENOENT" });
  const cases: [unknown, string][] = [
    [Object.assign(coded, { status: 404 }), "HTTP 404"],
    [Object.assign(new Error("no"), { code: "ENOENT" }), "ENOENT"],
    [new TypeError("error sending request for url (http://a/): Connection refused"), "refused"],
    [new TypeError("fetch failed", { cause: new Error("dns error") }), "dns"],
    [new TypeError("error reading a body from connection"), "truncated"],
    [new TypeError("fetch failed"), "TypeError"],
    // An error that isn't fetch's is classified by its name, whatever its message says.
    [new TypeError("the certificate of item 3 is undefined"), "TypeError"],
    ["text", "text"],
    [undefined, "failed"],
  ];
  for (const [thrown, name] of cases) assertEquals(reasonName(thrown), name);
});

Deno.test("failuresOf() keeps to few reasons and short examples, however many differ", () => {
  const outcomes = Array.from({ length: 10_000 }, (_, i) => failed(i, `no luck with ${i}`));
  const { reasons } = failuresOf(outcomes);
  assertEquals(Object.keys(reasons).length, 21);
  assertEquals(reasons["other reasons"], 10_000 - 20);
  const { examples } = failuresOf([failed(0, new Error("x".repeat(1e6)))]);
  assertEquals(examples.Error!.length < 400, true);
});

Deno.test("sumOfFailures() adds rounds up and keeps the first example", () => {
  assertEquals(
    sumOfFailures([
      { reasons: { a: 1 }, examples: { a: "item 0" } },
      {},
      { reasons: { a: 2, b: 1 }, examples: { a: "item 4", b: "item 1" } },
    ]),
    { reasons: { a: 3, b: 1 }, examples: { a: "item 0", b: "item 1" } },
  );
});

Deno.test("PaceMeter counts what goes through once a server has begun to refuse", () => {
  const meter = new PaceMeter();
  // A burst of 20 is answered; then every second request, one each 25 ms.
  for (let item = 0; item < 20; item++) meter.add(item, false);
  for (let item = 0; item < 40; item++) meter.add(20 + 25 * item, item % 2 === 0);
  assertAlmostEquals(meter.perSecond!, 20, 1);
  assertEquals(meter.refused, 20);
  assertEquals(new PaceMeter().perSecond, null);
});

function went(index: number, endedAtMs?: number, attempts = 1): Outcome<unknown> {
  return { ...at(index, endedAtMs), attempts, status: "fulfilled", value: index };
}

Deno.test("failureKindsOf() counts kinds, and keeps the first item's message and status", () => {
  const busy = (index: number) => failed(index, Object.assign(new Error("wait"), { status: 429 }));
  const kinds = failureKindsOf([
    failed(4, new TypeError("db is undefined")),
    busy(2),
    busy(1),
    went(0),
    failed(3, new Response("", { status: 503, headers: { "retry-after": "2" } })),
  ]);
  assertEquals(kinds, [
    { reason: "HTTP 429", count: 2, index: 1, message: "wait", status: 429 },
    {
      reason: "HTTP 503",
      count: 1,
      index: 3,
      message: "a Response with status 503",
      status: 503,
      retryAfterMs: 2000,
    },
    { reason: "TypeError", count: 1, index: 4, message: "db is undefined" },
  ]);
});

Deno.test("paceOf() is what goes through after the first refusal, whether it failed or was tried again", () => {
  const refused = Object.assign(new Error("wait"), { status: 429 });
  const burst = Array.from({ length: 20 }, (_, index) => went(index, index));
  const rest = Array.from(
    { length: 40 },
    (_, n) => n % 2 === 0 ? failed(20 + n, refused, 20 + 25 * n) : went(20 + n, 20 + 25 * n),
  );
  assertAlmostEquals(paceOf([...burst, ...rest])!, 20, 1);
  const again = Array.from({ length: 20 }, (_, n) => went(20 + n, 20 + 50 * n, 2));
  assertAlmostEquals(paceOf([...burst, ...again])!, 20, 2);
  assertEquals(paceOf(burst), null);
});

Deno.test("stuckOf() names what still ran at the end, where most settled and none did for half of the time", () => {
  const ended = (index: number, endedAtMs: number): Outcome<unknown> => ({
    ...at(index, endedAtMs),
    status: "fulfilled",
    value: 0,
  });
  const cut = (index: number, startedAtMs = 0): Outcome<unknown> => ({
    ...at(index, 200),
    startedAtMs,
    status: "rejected",
    ended: "cancelled",
    reason: new Error("cut"),
  });
  const stuck = { reason: "did not settle", count: 2, index: 7, message: "" };
  assertEquals(stuckOf([ended(0, 9), ended(1, 99), ended(2, 9), cut(8), cut(7)], 0, 200), stuck);
  for (
    const none of [
      [ended(0, 9), ended(1, 100), ended(2, 9), cut(8), cut(7)],
      [ended(0, 9), ended(1, 9), cut(8), cut(7)],
      [ended(0, 9), ended(1, 9), cut(8, NaN)],
      [ended(0, 9)],
    ]
  ) assertEquals(stuckOf(none, 0, 200), undefined);
});

Deno.test("a text from outside is cut after 300 characters, and only if it has more", () => {
  for (const sign of ["a", "🛣"]) {
    assertEquals(clipped(sign.repeat(300)), sign.repeat(300));
    for (const more of [301, 5_000]) {
      assertEquals(clipped(sign.repeat(more)), sign.repeat(300) + "…");
    }
  }
});
