import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "../../properties.ts";
import { openErrorsIn, sealErrorsIn } from "../../../lib/lanes/remote/envelope.ts";
import type { Cloning } from "../../../lib/lanes/remote/clone.ts";
import { bothWays, throughPipe, toThread } from "./ways.ts";

/** Values that hold errors, as they arrive. */
function across<T>(values: readonly T[], cloning: Cloning): T[] {
  return openErrorsIn(cloning.clone(sealErrorsIn(values, cloning))) as T[];
}

/** An error that plain cloning would lose parts of. */
function failure(message: string): Error & { code: string } {
  return Object.assign(new RangeError(message), { code: "E_INSIDE", name: "Inside" });
}

function assertFailure(value: unknown, message: string): void {
  assertInstanceOf(value, Error);
  const { code } = value as { code?: unknown };
  assertEquals([value.name, value.message, code], ["Inside", message, "E_INSIDE"]);
}

for (const [name, cloning] of bothWays()) {
  Deno.test(`errors inside values arrive ${name} as what they were, at any depth`, () => {
    let deep: unknown = failure("deep");
    for (let depth = 0; depth < 50; depth++) deep = depth % 2 === 0 ? [deep] : { deep };
    const [plain, list, arrived] = across([
      failure("plain"),
      [1, failure("list"), [failure("inner")]],
      deep,
    ], cloning) as [Error, [number, Error, [Error]], unknown];
    assertFailure(plain, "plain");
    assertEquals(list[0], 1);
    assertFailure(list[1], "list");
    assertFailure(list[2][0], "inner");
    let at = arrived;
    for (let depth = 0; depth < 50; depth++) at = Object.values(at as object)[0];
    assertFailure(at, "deep");
  });

  Deno.test(`errors in Maps and Sets arrive ${name}, as keys too, in their order`, () => {
    const map = new Map<unknown, unknown>([[1, failure("value")], [failure("key"), 2], [3, 4]]);
    const set = new Set<unknown>(["a", failure("member"), { in: failure("object") }, "z"]);
    const [backMap, backSet] = across([map, set], cloning) as [typeof map, typeof set];
    const [[one, value], [key, two], last] = [...backMap] as [[1, Error], [Error, 2], [3, 4]];
    assertEquals([one, two, last], [1, 2, [3, 4]]);
    assertFailure(value, "value");
    assertFailure(key, "key");
    const [a, member, object, z] = [...backSet] as [string, Error, { in: Error }, string];
    assertEquals([a, z], ["a", "z"]);
    assertFailure(member, "member");
    assertFailure(object.in, "object");
  });

  Deno.test(`rings arrive ${name} as rings, and what is there twice is one thing`, () => {
    const error = failure("shared");
    const ring: Record<string, unknown> = { error, list: [error] };
    ring.self = ring;
    ring.map = new Map([["ring", ring]]);
    (ring.list as unknown[]).push(ring.list, new Set([ring]));
    const [back, again] = across([ring, error], cloning) as [typeof ring, Error];
    const list = back.list as unknown[];
    assertFailure(back.error, "shared");
    assert(back.self === back && list[1] === list);
    assert((back.map as Map<string, unknown>).get("ring") === back);
    assert((list[2] as Set<unknown>).has(back));
    assert(back.error === list[0] && back.error === again);
  });

  Deno.test(`keys that mean something to the language are keys like any others ${name}`, () => {
    const value = JSON.parse('{ "__proto__": { "a": 1 }, "constructor": 2, "toString": 3 }');
    value.error = failure("beside");
    Object.defineProperty(value, "hidden", { value: 1, enumerable: false });
    const inner = JSON.parse('{ "__proto__": { } }');
    Object.defineProperty(inner, "__proto__", { value: failure("proto"), enumerable: true });
    const [back, backInner] = across([value, inner], cloning) as [typeof value, typeof inner];
    assertEquals(Object.keys(back), ["__proto__", "constructor", "toString", "error"]);
    assertEquals(Object.getOwnPropertyDescriptor(back, "__proto__")?.value, { a: 1 });
    assertEquals(Object.getPrototypeOf(back), Object.prototype);
    assertFailure(back.error, "beside");
    assertFailure(Object.getOwnPropertyDescriptor(backInner, "__proto__")?.value, "proto");
    assertEquals(({} as { a?: unknown }).a, undefined);
  });

  Deno.test(`values beside errors arrive ${name} as they would alone, and stay as they were here`, () => {
    class Point {
      x = 1;
    }
    const values = {
      date: new Date(5),
      pattern: /x/g,
      boxed: Object(1),
      nothing: undefined,
      holes: [1, , 3],
      bare: Object.assign(Object.create(null), { a: 1 }),
      point: new Point(),
      named: Object.assign([1], { extra: failure("extra") }),
      buffer: Uint8Array.of(1, 2).buffer,
      big: 1n,
    };
    const error = failure("beside");
    const original = { ...values, error };
    const [back] = across([original], cloning) as [typeof original];
    const { named, error: backError, ...rest } = back;
    const { named: _, ...wanted } = values;
    assertEquals(rest, cloning.clone(wanted) as typeof rest);
    assert(!(1 in rest.holes) && rest.holes.length === 3);
    assertFailure(named.extra, "extra");
    assertFailure(backError, "beside");
    assert(original.error === error && original.point instanceof Point);
  });

  Deno.test(`whatever holds errors, they arrive ${name} where they were (seed 1)`, () => {
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.string().map(failure),
        fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.date({ noInvalidDate: true })),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie("tree"), { maxKeys: 3 }),
        fc.array(fc.tuple(fc.string(), tie("tree")), { maxLength: 3 }).map((all) => new Map(all)),
        fc.array(tie("tree"), { maxLength: 3 }).map((all) => new Set(all)),
      ),
    }));
    /** The same value with texts in place of errors. */
    const shown = (value: unknown): unknown => {
      if (value instanceof Error) {
        const { name, message, stack, code } = value as ReturnType<typeof failure>;
        return `error ${[name, message, stack, code].join("|")}`;
      }
      if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, shown(v)]));
      if (value instanceof Set) return [...value].map(shown);
      if (Array.isArray(value)) return value.map(shown);
      if (typeof value !== "object" || value === null || value instanceof Date) return value;
      return Object.entries(value).map(([key, child]) => [key, shown(child)]);
    };
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 4 }), (values) => {
        assertEquals(shown(across(values, cloning)), shown(values));
      }),
      { seed: 1 },
    );
  });
}

Deno.test("to a thread, a view of a part of a large buffer takes only what it shows", () => {
  const whole = Uint8Array.from({ length: 1 << 16 }, (_, at) => at).buffer;
  const views = [
    new Uint8Array(whole, 3, 5),
    new Float64Array(whole, 8, 2),
    new DataView(whole, 1, 2),
    new BigInt64Array(whole, 16, 1),
  ];
  const shared = new Uint8Array(new SharedArrayBuffer(8), 0, 2);
  const all = new Uint8Array(whole);
  const [part, twice, sharedBack, allBack] = across<unknown>(
    [{ views }, [views[0], views[0]], shared, all],
    toThread(),
  ) as [{ views: ArrayBufferView[] }, ArrayBufferView[], Uint8Array, Uint8Array];
  for (const [at, view] of part.views.entries()) {
    const { constructor, byteOffset, byteLength } = views[at]!;
    assertEquals(view.constructor, constructor);
    assertEquals([view.byteOffset, view.buffer.byteLength], [0, byteLength]);
    assertEquals(
      new Uint8Array(view.buffer as ArrayBuffer),
      new Uint8Array(whole, byteOffset, byteLength),
    );
  }
  assert(twice[0] === twice[1] && twice[0] === part.views[0]);
  assertEquals([sharedBack.buffer.byteLength, allBack.buffer.byteLength], [8, 1 << 16]);
  shared[1] = 7;
  assertEquals(sharedBack[1], 7);
});

Deno.test("through a pipe, a view is left as it is: it takes along only what it shows anyway", () => {
  const view = new Uint8Array(1 << 16).subarray(1, 3);
  const sealed = sealErrorsIn([view], throughPipe()) as { values: unknown[] };
  assert(sealed.values[0] === view);
});

Deno.test("a view of a whole buffer is left as it is, so that it may move", () => {
  const view = new Uint8Array(8);
  const sealed = sealErrorsIn([{ view }, new Error("x")], toThread()) as { values: unknown[] };
  assert((sealed.values[0] as { view: Uint8Array }).view === view);
});

Deno.test("an error inside an error, and one inside that, arrive in each other", () => {
  const outer = new Error("outer", { cause: { list: [failure("inner")] } });
  const [back] = across([{ outer }], toThread());
  const { list } = back!.outer.cause as { list: Error[] };
  assertEquals(back!.outer.message, "outer");
  assertFailure(list[0], "inner");
});

Deno.test("what was never sealed is opened as what it is", () => {
  for (const value of [undefined, null, 1, "a", [1], { values: [1] }, Float64Array.of(1)]) {
    assert(openErrorsIn(value) === value);
  }
});
