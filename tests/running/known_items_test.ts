import {
  digestIn,
  digestOf,
  digestText,
  jsonText,
  KnownItems,
} from "../../lib/running/known_items.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "../properties.ts";

Deno.test("equal items have equal digests, others others, and a digest survives being written", () => {
  const values = [1, "1", 1n, true, null, undefined, [], [1], {}, { a: 1 }, { a: "1" }, -0, 0, NaN];
  const digests = values.map((value) => digestOf(value));
  assertEquals(new Set(digests).size, values.length);
  assertEquals(digestOf({ a: 1, b: [2] }), digestOf({ b: [2], a: 1 }));
  fc.assert(fc.property(fc.anything(), (value) => {
    const digest = digestOf(value);
    assertEquals(Number.isSafeInteger(digest) && digest >= 0, true);
    assertEquals(digestIn(digestText(digest)), digest);
  }));
});

Deno.test("items that keep their data to themselves are told apart by what JSON shows of them", () => {
  const bytes = (byte: number) => {
    const shared = new SharedArrayBuffer(1);
    new Uint8Array(shared)[0] = byte;
    return shared;
  };
  const values = [
    ...["a:1", "a:2"].flatMap((url) => [new URL(url), { url: new URL(url) }]),
    ...[1, 2].flatMap((n) => [new Number(n), new String(n), bytes(n)]),
    { toJSON: () => 1 },
    {},
  ];
  assertEquals(new Set(values.map(digestOf)).size, values.length);
  assertEquals(digestOf(new URL("a:1")), digestOf(new URL("a:1")));
});

Deno.test("digests of many items that are much alike differ", () => {
  const digests = new Set<number>();
  for (let n = 0; n < 200_000; n++) digests.add(digestOf(`https://example.org/${n}`));
  assertEquals(digests.size, 200_000);
});

Deno.test("what is JSON already is written as it is, on one line", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = jsonText(value);
    assertEquals(text, JSON.stringify(value));
    assertEquals(text.includes("\n"), false);
  }));
});

Deno.test("what JSON has no form for is written so that nothing is lost", () => {
  const cases: [unknown, string][] = [
    [2n ** 64n, '"18446744073709551616"'],
    [undefined, "null"],
    [NaN, '"NaN"'],
    [[Infinity, -Infinity], '["Infinity","-Infinity"]'],
    [new Map<unknown, unknown>([["a", 1n], [{ b: 2 }, new Set([3])]]), '[["a","1"],[{"b":2},[3]]]'],
    [new Uint8Array([1, 2, 255]), '"AQL/"'],
    [new Uint8Array([1, 2, 255]).buffer, '"AQL/"'],
    [new DataView(new Uint8Array([0, 1, 2, 255]).buffer, 1), '"AQL/"'],
    [new Float64Array([0.5, 2]), "[0.5,2]"],
    [new BigInt64Array([5n]), '["5"]'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ e: new TypeError("no") }, '{"e":{"name":"TypeError","message":"no"}}'],
    [{ a: undefined }, "{}"],
    [[/a"b/g], '["/a\\"b/g"]'],
    [new SharedArrayBuffer(1), '"AA=="'],
    [
      [{}, [], Object.create(null), new Number(1), new String(""), new Boolean(false)],
      '[{},[],{},1,"",false]',
    ],
    [
      new (class {
        n = 1;
      })(),
      '{"n":1}',
    ],
    [new URL("a:b"), '"a:b"'],
    [Buffer.from([1, 2, 255]), '"AQL/"'],
    [{ type: "Buffer", b: [Buffer.from([0]), null] }, '{"type":"Buffer","b":["AA==",null]}'],
    [[new Date(NaN)], '["Invalid Date"]'],
  ];
  for (const [value, text] of cases) assertEquals(jsonText(value), text);
});

Deno.test("what keeps its data to itself can't be written, and is named", () => {
  const lost: [unknown, string][] = [
    [Promise.resolve(1), "a Promise"],
    [new Response("x"), "a Response"],
    [new Headers(), "a Headers"],
    [new Blob(["x"]), "a Blob"],
    [new WeakMap(), "a WeakMap"],
    [[1].values(), "an Iterator"],
    [new Intl.NumberFormat(), "a NumberFormat"],
    [
      new (class Own {
        #n = 1;
      })(),
      "an Own",
    ],
  ];
  for (const [value, name] of lost) {
    assertThrows(() => jsonText(value), TypeError, "it is a");
    assertThrows(
      () => jsonText({ a: { p: value } }),
      TypeError,
      `"p" is ${name}, of which nothing`,
    );
  }
});

Deno.test("a value that holds itself can't be written", () => {
  const value: Record<string, unknown> = {};
  value.self = value;
  assertThrows(() => jsonText(value), TypeError);
});

Deno.test("a function or a symbol can't be written, and is named", () => {
  assertThrows(() => jsonText(() => 1), TypeError, "it is a function");
  assertThrows(() => jsonText({ a: [Symbol("x")] }), TypeError, "is a symbol");
  assertThrows(() => jsonText({ f() {} }), TypeError, '"f" is a function');
});

Deno.test("an item counts as what it came to, once: what is done doesn't fail any more", () => {
  const known = new KnownItems();
  known.add(0, 7, "failed");
  known.add(0, 7, "failed");
  known.add(1, 8, "failed");
  assertEquals(known.counts, { done: 0, failed: 2 });
  known.add(0, 7, "done");
  known.add(0, 7, "failed");
  assertEquals(known.counts, { done: 1, failed: 1 });
  assertEquals([known.stateOf(0, 7), known.stateOf(1, 8), known.stateOf(1, 7)], [
    "done",
    "failed",
    undefined,
  ]);
});

Deno.test("items are known at any index, those of several lists too", () => {
  const known = new KnownItems();
  const indexes = [5000, 0, 1023, 1024, 2048, 4999];
  for (const index of indexes) known.add(index, index + 1, index % 2 === 0 ? "done" : "failed");
  assertEquals([known.length, known.isMixed], [5001, false]);
  assertEquals([...known.entries()], [
    [0, 1, "done"],
    [1023, 1024, "failed"],
    [1024, 1025, "done"],
    [2048, 2049, "done"],
    [4999, 5000, "failed"],
    [5000, 5001, "done"],
  ]);
  assertEquals([known.at(1), known.at(6000), known.stateOf(1, 0)], [
    undefined,
    undefined,
    undefined,
  ]);
  known.add(1023, 7, "done");
  assertEquals([known.isMixed, known.length, known.at(1023)], [true, 5001, "failed"]);
  assertEquals([known.stateOf(1023, 7), known.stateOf(1023, 1024)], ["done", "failed"]);
  assertEquals([...known.entries()].at(-1), [1023, 7, "done"]);
  assertEquals(known.counts, { done: 5, failed: 2 });
});

Deno.test("digests are those that journals of earlier versions hold", () => {
  const values = ["", "https://example.org/", 42, { a: [1, null, "x"] }];
  assertEquals(values.map((value) => digestText(digestOf(value))), [
    "1pk0ic211h",
    "ccx5u715hw",
    "1ujcjtx7rc3",
    "29ksum51n7r",
  ]);
});
