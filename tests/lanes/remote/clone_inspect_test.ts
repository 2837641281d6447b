import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CloneError } from "../../../lib/lanes/errors.ts";
import { inspect, refusal } from "../../../lib/lanes/remote/clone.ts";
import { bothWays, throughPipe, toThread } from "./ways.ts";

class Point {
  x: unknown = 1;
}

class Private {
  #secret = 1;
  shown = 1;
  get secret(): number {
    return this.#secret;
  }
}

/** The error that says why an item can't be sent. */
function why(value: unknown, cloning = toThread(), cause?: unknown): CloneError {
  return refusal("item 3", value, cloning, cause);
}

/** Values that are refused, and the words that say why. */
const refused: readonly (readonly [value: unknown, words: string])[] = [
  [() => 1, "it is a function"],
  [Symbol("s"), "it is a symbol"],
  [{ a: { b: [1, Symbol("s")] } }, ".a.b[1] is a symbol"],
  [new Map([["k", { f() {} }]]), '.get("k").f is a function'],
  [new Map([[() => 1, 1]]), ".keys() is a function"],
  [new Set([Promise.resolve()]), ".values() is a Promise, which can't be cloned"],
  [{ answer: { head: new Headers() } }, ".answer.head is a Headers, which would arrive empty"],
  [{ ok: new Uint8Array(1 << 20), bad: new WeakMap() }, ".bad is a WeakMap, which can't be cloned"],
  [new WeakSet(), "it is a WeakSet, which can't be cloned"],
  [new WeakRef({}), "it is a WeakRef, which can't be cloned"],
  [[[[[[[[() => 1]]]]]]], "[0][0][0][0][0][0][0] is a function"],
  [new Response(), "it is a Response"],
  [{ request: new Request("http://a.b") }, ".request is a Request"],
  [new URL("http://a.b"), "it is a URL, which would arrive empty"],
  [(function* () {})(), "it is an object, which can't be cloned"],
  [new (class Empty {})(), "it is an Empty, which would arrive empty"],
  [new (class HttpPool {})(), "it is an HttpPool, which would arrive empty"],
  [{ library: Math }, ".library is an Object, which would arrive empty"],
  [JSON, "it is an Object, which would arrive empty"],
  [new Private(), "it is a Private, whose private fields would not arrive"],
  [Object.assign(new Point(), { x: () => 1 }), ".x is a function"],
  [Object.assign(new Map(), { owner: 1 }), "it is a Map whose property owner would not arrive"],
  [
    Object.assign(Object("word"), { owner: 1 }),
    "it is a String whose property owner would not arrive",
  ],
  [Object.assign(new Date(), { zone: 1 }), "it is a Date whose property zone would not arrive"],
];

/** Values that arrive whole. */
const sendable: readonly unknown[] = [
  undefined,
  null,
  1,
  1n,
  "a",
  true,
  {},
  [],
  Object.create(null),
  { a: 1, b: null },
  [1, , 3],
  new Map([[{}, []]]),
  new Set([1]),
  new Date(0),
  /x/,
  Object(1),
  new ArrayBuffer(4),
  new Uint8Array(4),
  new DataView(new ArrayBuffer(4)),
  new Error("x"),
  new Point(),
  Object.assign(Object.create({ inherited() {} }), { own: 1 }),
];

for (const [name, cloning] of bothWays()) {
  Deno.test(`what would not arrive whole ${name} is refused, and its place named`, () => {
    for (const [value, words] of refused) {
      const error = why(value, cloning);
      assertStringIncludes(error.message, words);
      assert(error.message.startsWith("Cannot send item 3 to another lane: "), error.message);
      const found = inspect([value], cloning);
      assertEquals([words, found.refused, found.count], [words, true, 1]);
    }
  });

  Deno.test(`what arrives whole ${name} is not refused`, () => {
    for (const value of sendable) {
      assertEquals([value, inspect([value], cloning).refused], [value, false]);
      cloning.clone(value);
    }
    assertEquals(inspect(sendable, cloning).count, sendable.length);
  });

  Deno.test(`rings and proxies that throw come to an end ${name}`, () => {
    const ring: Record<string, unknown> = { at: [{}] };
    ring.self = ring;
    const { count, refused, special } = inspect([ring], cloning);
    assertEquals({ count, refused, special }, { count: 1, refused: false, special: false });
    ring.f = () => 1;
    assertEquals(inspect([ring], cloning).refused, true);
    assertStringIncludes(why(ring, cloning).message, ".f is a function");
    const hostile = new Proxy({}, {
      get() {
        throw new Error("no");
      },
      ownKeys() {
        throw new Error("no keys");
      },
    });
    assertEquals(inspect([{ hostile }], cloning).refused, true);
    assertStringIncludes(why({ hostile }, cloning, new Error("platform")).message, "platform");
    assertStringIncludes(why({ hostile }, cloning).message, "no");
  });
}

Deno.test("where a part leads back to the whole, what can't be sent is named, not the part", () => {
  const whole: Record<string, unknown> = { part: {} };
  Object.assign(whole.part as object, { whole });
  whole.onClick = () => 1;
  assertStringIncludes(why(whole).message, ".onClick is a function");
});

Deno.test("what is refused is refused in words, however deep it stands", () => {
  let deep: unknown = new URL("http://a.b");
  for (let depth = 0; depth < 150; depth++) deep = [deep];
  let reads = 0;
  const onlyOnce = {
    get page() {
      if (reads++ === 0) throw new Error("not loaded");
      return 1;
    },
  };
  for (const value of [deep, onlyOnce]) {
    assertEquals(inspect([value], toThread()).refused, true);
    assert(!why(value).message.endsWith(": undefined"), why(value).message);
  }
});

Deno.test("what a list has besides its elements travels with it, and is looked at", () => {
  const list = Object.assign([1], { home: new URL("http://a.b") });
  for (const [, cloning] of bothWays()) {
    assertEquals((cloning.clone(list) as typeof list).home, {} as URL);
    assertEquals(inspect([list], cloning).refused, true);
  }
});

Deno.test("a word in a box arrives both ways, and so it may", () => {
  for (const [, cloning] of bothWays()) {
    const word = Object("word");
    assertEquals(cloning.clone(word), word);
    assertEquals(inspect([word], cloning).refused, false);
  }
});

Deno.test("what a getter throws is told, unless the platform has said more, and is kept as the cause", () => {
  const value = {
    get page() {
      throw new Error("not loaded");
    },
  };
  assertEquals(inspect([value], toThread()).refused, true);
  const own = why(value);
  assertStringIncludes(own.message, "not loaded");
  assertEquals((own.cause as Error).message, "not loaded");
  assertStringIncludes(why(value, toThread(), new Error("platform")).message, "platform");
  const unspeakable = {
    get page() {
      throw { toString: 1 };
    },
  };
  assertStringIncludes(why(unspeakable).message, "it threw something that can't be shown");
});

Deno.test("a CloneError is not retryable", () => {
  assertEquals([why(() => 1).name, why(() => 1).retryable], ["CloneError", false]);
});

Deno.test("the values before one that is refused may travel, and it is refused when it stands first", () => {
  const values = ["a", "b", Symbol("c"), "d"];
  assertEquals(inspect(values, toThread()), { count: 2, bytes: 4, refused: false, special: false });
  assertEquals(inspect(values.slice(2), toThread()), {
    count: 1,
    bytes: 0,
    refused: true,
    special: false,
  });
  assertEquals(inspect(values, toThread(), { most: 1 }).count, 1);
  assertEquals(inspect([1, 2, 3], toThread()).bytes, 24);
  assertEquals(inspect([], toThread()), { count: 0, bytes: 0, refused: false, special: false });
});

Deno.test("values travel together up to a size, and one at least whatever its size", () => {
  const text = "x".repeat(100);
  const sizes: readonly (readonly [value: unknown, bytes: number])[] = [
    [text, 200],
    [new Uint8Array(100), 116],
    [new ArrayBuffer(100), 116],
    [{ a: text, b: [text] }, 400],
    [new Map([[text, text]]), 400],
    [new Set([text]), 200],
  ];
  for (const [value, bytes] of sizes) {
    const values = [value, value, value];
    const count = (mostBytes: number) => inspect(values, toThread(), { mostBytes }).count;
    assertEquals([value, count(2 * bytes - 1), count(0)], [value, 1, 1]);
    assert(count(2 * bytes + 64) >= 2 && count(10 * bytes + 640) === 3);
    const found = inspect(values, toThread(), { mostBytes: 2 * bytes + 64 });
    assert(found.bytes >= bytes * found.count && found.bytes <= 2 * bytes + 64);
  }
});

Deno.test("errors are special, however deep, and so are views of a part, where all would travel", () => {
  const part = new Uint8Array(100).subarray(1, 3);
  const special = (value: unknown) =>
    bothWays().map(([, cloning]) => inspect([1, value], cloning).special);
  for (const value of [new Error("x"), { a: [new Map([[1, new Error("x")]])] }]) {
    assertEquals(special(value), [true, true]);
  }
  assertEquals(special({ part }), [true, false]);
  assertEquals(special(new Uint8Array(100)), [false, false]);
  const error = new Error("x");
  const { count, refused, special: isSpecial } = inspect([error, () => 1], toThread());
  assertEquals([count, refused, isSpecial], [1, false, true]);
  assertEquals(inspect([error, "text"], toThread(), { mostBytes: 16 }).special, true);
  // A value that isn't sent with them doesn't make them special.
  assertEquals(inspect(["a", [new Error("x"), () => 1]], toThread()).special, false);
  assertEquals(inspect(["a", new Error("x")], toThread(), { mostBytes: 10 }).special, false);
});

Deno.test("shared memory can be sent to threads only", () => {
  const shared = new SharedArrayBuffer(8);
  for (const value of [shared, new Uint8Array(shared), { shared }]) {
    assertEquals(inspect([value], toThread()).refused, false);
    assertEquals(inspect([value], throughPipe()).refused, true);
    assertStringIncludes(
      why(value, throughPipe()).message,
      "is shared memory, which only threads can share",
    );
  }
});

Deno.test("what was moved away can't be sent, nor what looks at it", () => {
  const buffer = new ArrayBuffer(8);
  const views = [new Uint8Array(buffer), new DataView(buffer)];
  buffer.transfer();
  for (const [, cloning] of bothWays()) {
    for (const value of [buffer, ...views]) {
      assertEquals(inspect([value], cloning).refused, true);
      assertStringIncludes(
        why({ value }, cloning).message,
        ".value is empty, for its buffer was moved",
      );
    }
  }
});
