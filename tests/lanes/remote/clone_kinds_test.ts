import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import { type CloneKind, type Cloning, inspect, kindOf } from "../../../lib/lanes/remote/clone.ts";
import { bothWays, throughPipe, toThread } from "./ways.ts";

class Point {
  x = 1;
}

class Private {
  #secret = 1;
  get secret(): number {
    return this.#secret;
  }
}

class Heir extends Private {
  shown = 1;
}

class OwnMethod {
  shown = 1;
  #method(): number {
    return this.shown;
  }
  ask(): number {
    return this.#method();
  }
}

class Shared {
  static #count = 0;
  static next(): number {
    return ++Shared.#count;
  }
  shown = 1;
}

class List extends Array {}
class Registry extends Map {}
class Counted extends Map {
  #count = 1;
  get count() {
    return this.#count;
  }
}
class Marked extends Uint8Array {
  #mark = 1;
  get mark() {
    return this.#mark;
  }
}
class Ranked extends Array {
  #rank = 1;
  get rank() {
    return this.#rank;
  }
}
class Bag extends Set {}
class Failure extends Error {}
class Day extends Date {}
class Bytes extends Uint8Array {}

/** Objects that travel the same both ways, by their kind. */
const alike: Readonly<Record<CloneKind, readonly object[]>> = {
  plain: [{}, { a: 1 }, Object.create(null), Object.assign(Object.create(null), { a: 1 })],
  list: [[], [1], new Array(3), new List()],
  map: [new Map(), new Map([[1, 2]]), new Registry()],
  set: [new Set(), new Bag()],
  view: [
    new Uint8Array(1),
    new Float64Array(1),
    new BigInt64Array(1),
    new DataView(new ArrayBuffer(1)),
    new Bytes(1),
    Buffer.from("x"),
    new Uint8Array(new SharedArrayBuffer(1)),
  ],
  buffer: [new ArrayBuffer(1), new ArrayBuffer(1, { maxByteLength: 2 })],
  "shared memory": [new SharedArrayBuffer(1)],
  error: [new Error(""), new RangeError("x"), new Failure("x"), new DOMException("x")],
  whole: [new Date(0), new Day(0), /x/, Object(1), Object(""), Object(true), Object(1n)],
  instance: [new Point(), new Shared(), Object.create({ inherited: 1 })],
  private: [new Private(), new Heir(), new OwnMethod(), new Counted(), new Marked(1), new Ranked()],
  lost: [
    new Response(),
    new Request("http://a.b"),
    new Headers(),
    new URL("http://a.b"),
    new URLSearchParams("a=1"),
    new FormData(),
    new AbortController().signal,
    new Event("x"),
    new WeakMap(),
    new WeakSet(),
    new WeakRef({}),
    Promise.resolve(),
    new TextEncoder(),
    new Intl.NumberFormat(),
    new Map().entries(),
    (function* () {})(),
    (async function* () {})(),
    Object(Symbol("s")),
    Deno.permissions,
  ],
};

function nameOf(value: object): string {
  return Object.prototype.toString.call(value) + (value.constructor?.name ?? "");
}

/** The same way, without what is known of classes. */
function unaware(cloning: Cloning): Cloning {
  return { ...cloning, kinds: new WeakMap() };
}

for (const [name, cloning] of bothWays()) {
  Deno.test(`each class is known for how it travels ${name}`, () => {
    for (const [kind, values] of Object.entries(alike)) {
      for (const value of values) {
        assertEquals([nameOf(value), kindOf(value, cloning)], [nameOf(value), kind]);
      }
    }
  });

  Deno.test(`what travels whole ${name} arrives as what it is`, () => {
    for (const value of alike.whole) {
      const copy = cloning.clone(value) as object;
      assertEquals([nameOf(copy), copy], [nameOf(value).replace("Day", "Date"), value]);
    }
  });

  Deno.test(`what is lost ${name} would arrive empty, or not at all`, () => {
    for (const value of alike.lost) {
      let copy: unknown = {};
      try {
        copy = cloning.clone(value);
      } catch {
        // The value can't be cloned at all.
      }
      assertEquals([nameOf(value), copy], [nameOf(value), {}]);
    }
  });

  Deno.test(`an object that only inherits from a class is not one of it, on its way ${name}`, () => {
    for (const { prototype } of [Map, Set, Date]) {
      const heir = Object.create(prototype);
      assertEquals([nameOf(heir), kindOf(heir, unaware(cloning))], [nameOf(heir), "lost"]);
    }
  });

  Deno.test(`an object that only inherits from a class says nothing of the class, on its way ${name}`, () => {
    for (
      const [value, kind] of [[new Map(), "map"], [new Set(), "set"], [
        new Date(),
        "whole",
      ]] as const
    ) {
      const fresh = unaware(cloning);
      kindOf(Object.create(Object.getPrototypeOf(value)), fresh);
      assertEquals([nameOf(value), kindOf(value, fresh)], [
        nameOf(value),
        kind,
      ]);
    }
  });
}

Deno.test("blobs and compiled code arrive in a thread, but not through a pipe", async () => {
  const { generateKey } = crypto.subtle;
  const key = await generateKey.call(crypto.subtle, "Ed25519", false, ["sign"]);
  const values = [
    new Blob(["x"]),
    new File(["x"], "name"),
    new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)),
    (key as CryptoKeyPair).privateKey,
  ];
  const [thread, pipe] = [toThread(), throughPipe()];
  for (const value of values) {
    assertEquals([nameOf(value), kindOf(value, thread), kindOf(value, pipe)], [
      nameOf(value),
      "whole",
      "lost",
    ]);
  }
});

Deno.test("a class of the caller's own is not taken for one of the platform by its name", () => {
  const own = {
    Response: class Response {
      status = 200;
    },
  };
  assertEquals(kindOf(new own.Response(), toThread()), "instance");
});

Deno.test("a class is judged once for each cloning", () => {
  const cloning = toThread();
  let cloned = 0;
  const counting = {
    ...cloning,
    clone: (value: unknown) => {
      cloned++;
      return cloning.clone(value);
    },
  };
  for (let count = 0; count < 3; count++) kindOf(new Point(), counting);
  assertEquals(cloned, 1);
  assertEquals(kindOf(new Blob(), throughPipe()), "lost");
  assertEquals(kindOf(new Blob(), counting), "whole");
});

Deno.test("a proxy that refuses to be asked what it is says so", () => {
  const proxy = new Proxy({}, {
    getPrototypeOf() {
      throw new RangeError("ask another");
    },
  });
  assertThrows(() => kindOf(proxy, toThread()), RangeError, "ask another");
});

for (const [name, cloning] of bothWays()) {
  Deno.test(`objects of another realm travel ${name} as those of this one do`, () => {
    const given = runInNewContext(
      "({ plain: { list: [1] }, map: new Map([[1, 2]]), view: new Uint8Array([3]), own: new (class { x = 4 })() })",
    );
    assertEquals(["plain", "map", "view", "own"].map((key) => kindOf(given[key], cloning)), [
      "plain",
      "map",
      "view",
      "instance",
    ]);
    assertEquals(inspect([given], cloning).refused, false);
    assertEquals(cloning.clone(given), {
      plain: { list: [1] },
      map: new Map([[1, 2]]),
      view: new Uint8Array([3]),
      own: { x: 4 },
    });
  });
}
